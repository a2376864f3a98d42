"""Checks that the README's map of the files names only what exists.

The map is every table whose first column holds paths in backticks or links; a row's first cell may name several.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

QUOTED = re.compile(r"`([^`]+)`|\]\(([^)]+)\)")
# A path has a slash or an ending, or is a dot file; this keeps verbs and header names in other tables out.
PATH = re.compile(r"^\.?[\w.-]+(/[\w.*{},-]*)+$|^[\w-]+\.(md|toml|sh|json|yaml|yml|rs|py|lock|safetensors)$|^[A-Z]+$")


def paths(markdown: str) -> list[str]:
    """The paths in the first cell of every table row."""
    found: list[str] = []
    for line in markdown.splitlines():
        if not line.lstrip().startswith("|"):
            continue
        cell = line.strip().strip("|").split("|")[0]
        for quoted, linked in QUOTED.findall(cell):
            name = quoted or linked
            if PATH.match(name):
                found.append(name)
    return found


def main() -> int:
    readme = Path(sys.argv[1])
    if not readme.exists():
        print(f"{readme} is missing", file=sys.stderr)
        return 1
    named = paths(readme.read_text())
    missing = [name for name in named if "dist/" not in name and not list(readme.parent.glob(name.rstrip("/")))]
    for name in missing:
        print(f"{readme}: the map names {name}, which does not exist", file=sys.stderr)
    if not named:
        print(f"{readme}: no table maps any file", file=sys.stderr)
    return 1 if missing or not named else 0


if __name__ == "__main__":
    sys.exit(main())
