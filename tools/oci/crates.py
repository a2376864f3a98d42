"""Which crates are linked into the module: cargo's own answer for that target, without build scripts and procedural macros."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "pointsman-gateway"
TARGET = "wasm32-wasip1"
LINE = re.compile(r"^(\d+) (\S+) v(\S+?)( \(.+\))?\|(.*?)( \(\*\))?$")
LOCKED = re.compile(r'^\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"\n(?:source = "[^"]+"\n)?(?:checksum = "([0-9a-f]{64})")?', re.M)


class CargoFailed(Exception):
    """cargo could not say what is linked; the message ends with its own words."""


@dataclass
class Crate:
    """One crate. `checksum` is the SHA-256 of its package, None for a crate of this repository."""

    name: str
    version: str
    licence: str
    checksum: str | None
    needs: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        return f"{self.name}@{self.version}"


def linked(root: Path) -> dict[str, Crate]:
    """Every linked crate by `name@version`; the first is the module itself."""
    command = ["cargo", "tree", "--locked", "--package", PACKAGE, "--target", TARGET, "--edges", "normal,no-proc-macro"]
    command += ["--prefix", "depth", "--format", " {p}|{l}"]
    try:
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CargoFailed("cargo is not on PATH; it knows what is linked into the module") from error
    if ended.returncode != 0:
        raise CargoFailed(f"cargo tree failed:\n{ended.stderr.strip()}")
    return read_tree(ended.stdout, checksums((root / "Cargo.lock").read_text()))


def read_tree(tree: str, known: dict[str, str]) -> dict[str, Crate]:
    """Reads lines of `DEPTH NAME vVERSION (PATH)|LICENCE (*)`: a line's parent is the nearest line above with less depth."""
    crates: dict[str, Crate] = {}
    above: list[Crate] = []
    for line in tree.splitlines():
        read = LINE.match(line)
        if read is None:
            raise CargoFailed(f"cargo tree wrote a line that is not understood: {line!r}")
        depth, name, version, place, licence, _ = read.groups()
        # A path says that the crate is ours, even under the name of a published one: its published checksum is not its own.
        checksum = None if place else known.get(f"{name}@{version}")
        new = Crate(name, version, licence.replace("/", " OR "), checksum)
        crate = crates.setdefault(new.key, new)
        del above[int(depth) :]
        if above:
            above[-1].needs.add(crate.key)
        above.append(crate)
    return crates


def checksums(lock: str) -> dict[str, str]:
    """The checksum of every published crate in Cargo.lock, by `name@version`."""
    return {f"{name}@{version}": checksum for name, version, checksum in LOCKED.findall(lock) if checksum}
