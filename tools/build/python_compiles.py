"""Compiles every Python file below the given folders in memory: a syntax error is found before the file is ever needed."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    bad = 0
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).rglob("*.py")):
            try:
                compile(path.read_bytes(), str(path), "exec")
            except SyntaxError as error:
                bad += 1
                print(f"{path}:{error.lineno}: {error.msg}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
