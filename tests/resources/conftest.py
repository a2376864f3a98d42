"""Tests of the configurations for Kubernetes: their own folder is on the path, and the tools that read and run them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools")]
