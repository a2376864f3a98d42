"""What every test of the gateway shares: one real Envoy with the module that ships, and the proof after each test that it lives."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools")]

from demo import config  # noqa: E402
from lab import Lab, Listener  # noqa: E402

# What Envoy writes when a module traps, panics or is refused by the host; none may ever stand in its log.
SIGNS_OF_TROUBLE = ("[critical]", "Uncaught", "panicked", "Function: proxy_", "wasm trap", "Wasm VM failed", "Unreachable")


def pytest_configure() -> None:
    if not config.MODULE.exists():
        pytest.exit(f"{config.MODULE} is missing; ./build.sh wasm builds it", returncode=1)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


@pytest.fixture(autouse=True)
def vm_lives(lab: Lab) -> Iterator[None]:
    """After every test: Envoy runs, no VM was lost or made anew, and its log shows no trap."""
    log_before, created_before = len(lab.envoy.log_path.read_bytes()), lab.vms_created()
    yield
    assert lab.envoy.alive(), "Envoy ended:\n" + lab.envoy.log(log_before)
    log = lab.envoy.log(log_before)
    found = [sign for sign in SIGNS_OF_TROUBLE if sign in log]
    assert not found, f"Envoy's log shows {found}:\n{log}"
    assert lab.vms_created() == created_before, f"a VM was made anew:\n{log}"


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test knows, so that its count starts at nothing."""
    return "t-" + uuid.uuid4().hex[:12]


@pytest.fixture
def gateway(lab: Lab) -> Listener:
    """The gateway under the ordinary policy."""
    return lab.listener("main")
