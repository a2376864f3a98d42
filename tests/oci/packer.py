"""Runs the packer as build.sh does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from demo import config

NOWHERE = Path(__file__).with_name("no-such-file.json")


def pack(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One verb of the packer. Logins are looked for nowhere unless a test says where: never this machine's own."""
    named = {**os.environ, "PYTHONPATH": str(config.ROOT / "tools"), "REGISTRY_AUTH_FILE": str(NOWHERE), **environment}
    return subprocess.run([sys.executable, "-m", "oci", *arguments], env=named, capture_output=True, text=True, timeout=120, check=False)
