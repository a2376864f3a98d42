"""Prints what a wasm module weighs and fails when it is heavier than may ship.

The code section is told apart because it is what costs: a gateway compiles it before it is ready, while data is only copied.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

CUSTOM, CODE, DATA = 0, 10, 11


def leb128(data: bytes, at: int) -> tuple[int, int]:
    """Reads one unsigned LEB128 number; returns it and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def sections(module: bytes) -> Iterator[tuple[int, int]]:
    """Yields each section's id and its size in bytes."""
    if module[:8] != b"\0asm\x01\0\0\0":
        raise SystemExit("not a wasm module of version 1")
    at = 8
    while at < len(module):
        kind = module[at]
        size, at = leb128(module, at + 1)
        yield kind, size
        at += size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--max", type=int, required=True, help="the largest size that may ship, in bytes")
    arguments = parser.parse_args()
    module = arguments.module.read_bytes()
    by_kind: dict[int, int] = {}
    for kind, size in sections(module):
        by_kind[kind] = by_kind.get(kind, 0) + size
    rows = [
        ("module", len(module)),
        ("  gzipped", len(gzip.compress(module, 9))),
        ("  code", by_kind.get(CODE, 0)),
        ("  data", by_kind.get(DATA, 0)),
        ("  names and other custom sections", by_kind.get(CUSTOM, 0)),
    ]
    if arguments.weights.exists():
        rows.append(("weights (inside the data)", arguments.weights.stat().st_size))
    print(arguments.module)
    for name, size in rows:
        print(f"  {name:<36} {size:>10,} bytes  {size / 2**20:5.2f} MiB")
    print(f"  sha256 {hashlib.sha256(module).hexdigest()}")
    if len(module) > arguments.max:
        print(f"the module has {len(module):,} bytes, {arguments.max:,} may ship", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
