"""What the tests of the images share: one build of them, and a real registry on the loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools")]

from packer import pack  # noqa: E402
from registries import Registry, docker_registry  # noqa: E402


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of the module that ships."""
    folder = tmp_path_factory.mktemp("oci") / "oci"
    ended = pack("build", "--out", str(folder))
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="session")
def digests(built: Path) -> dict[str, str]:
    return json.loads((built / "digests.json").read_text())


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """An open registry."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running
