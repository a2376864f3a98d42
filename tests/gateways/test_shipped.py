"""What a new user runs: the shipped configuration as it is, and the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from demo import config
from demo.envoy import binary

DEMO = [sys.executable, "-m", "demo"]
SECONDS = 60


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(config.ROOT / "tools")}


def test_the_configuration_is_valid_as_it_is_from_the_root_of_the_repository() -> None:
    command = [str(binary()), "--mode", "validate", "-c", str(config.SHIPPED.relative_to(config.ROOT))]
    ended = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr


def test_validating_tells_a_wrong_policy(tmp_path: Path) -> None:
    wrong = tmp_path / "envoy.yaml"
    wrong.write_text(config.SHIPPED.read_text().replace('"default": {"model"', '"default": {"modle"'))
    command = [str(binary()), "--mode", "validate", "-c", str(wrong)]
    ended = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode != 0
    assert "modle" in ended.stderr


def test_the_demo_is_as_expected(tmp_path: Path) -> None:
    """From another directory, as a person might."""
    ended = subprocess.run(DEMO, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    *_, last = ended.stdout.splitlines()
    words = last.split()
    assert (words[0], words[2], words[4:]) == ("demo:", "of", ["as", "expected"])
    assert words[1] == words[3] and int(words[1]) >= 12
    assert "HTTP 429" in ended.stdout and "retry-after" in ended.stdout
    assert max(map(len, ended.stdout.split("HTTP 429")[0].splitlines())) <= 100


def test_the_demo_in_json_is_nothing_but_json(tmp_path: Path) -> None:
    command = [*DEMO, "--json"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    requests = [json.loads(line) for line in ended.stdout.splitlines()]
    assert all(request["as_expected"] for request in requests), ended.stdout
    assert {429, 200} == {request["status"] for request in requests}
    assert len({request["domain"] for request in requests} - {None}) >= 6
    assert ended.stderr.splitlines()[-1] == f"demo: {len(requests)} of {len(requests)} as expected"


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_demo_leaves_nothing_running(by: signal.Signals) -> None:
    with subprocess.Popen([*DEMO, "--keep"], env=environment(), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        try:
            lines = iter(demo.stdout.readline, "")
            assert any("/stats?" in line for line in lines), "it ended before it was up"
            envoy = children(demo.pid)
            assert envoy
        finally:
            demo.send_signal(by)
            try:
                demo.wait(timeout=10)
            except subprocess.TimeoutExpired:
                demo.kill()
                raise
    end = time.monotonic() + 5
    while any(runs(pid) for pid in envoy):
        assert time.monotonic() < end, "Envoy still runs"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether it is there and not a dead entry that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """Processes whose parent is this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found
