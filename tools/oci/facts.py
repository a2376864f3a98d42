"""What the annotations say: version, date, source, licence, digests. Nothing here depends on who builds, or where."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

SECTION = re.compile(r"^\[(.+)\]$")
MEMBER = re.compile(r'^(\w[\w-]*)\s*=\s*"([^"]*)"')


class Unknown(Exception):
    """Something that the images have to say cannot be found out; the message says how to give it."""


@dataclass(frozen=True)
class Facts:
    """What is known about one build."""

    version: str
    licence: str
    created: datetime
    revision: str | None
    source: str | None
    module: bytes
    model: bytes

    @property
    def created_text(self) -> str:
        """The date as RFC 3339, in UTC."""
        return self.created.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def module_digest(self) -> str:
        return digest(self.module)

    @property
    def model_digest(self) -> str:
        return digest(self.model)


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def gather(root: Path, module: Path) -> Facts:
    """Everything about the tree at `root` and the module that was built from it."""
    package = workspace_package(root / "Cargo.toml")
    return Facts(
        version=package["version"],
        licence=package["license"],
        created=created(root),
        revision=revision(root),
        source=source(root),
        module=module.read_bytes(),
        model=(root / "models" / "weights.safetensors").read_bytes(),
    )


def workspace_package(manifest: Path) -> dict[str, str]:
    """The strings of [workspace.package]. Read by hand, since Python has a TOML reader only from 3.11 on and we ask for 3.10."""
    found: dict[str, str] = {}
    inside = False
    for line in manifest.read_text().splitlines():
        if heading := SECTION.match(line.strip()):
            inside = heading[1] == "workspace.package"
        elif inside and (member := MEMBER.match(line)):
            found[member[1]] = member[2]
    for name in ("version", "license"):
        if name not in found:
            raise Unknown(f"{manifest}: [workspace.package] has no {name}")
    return found


def created(root: Path) -> datetime:
    """SOURCE_DATE_EPOCH where it is set, else the commit's date: never the clock, or no two builds would be alike."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        given = git(root, "log", "-1", "--format=%ct")
        if given is None:
            raise Unknown("there is no commit to take the date from; set SOURCE_DATE_EPOCH to seconds since 1970")
    if not given.isdigit():
        raise Unknown(f"SOURCE_DATE_EPOCH is {given!r}; seconds since 1970 were expected")
    return datetime.fromtimestamp(int(given), timezone.utc)


def revision(root: Path) -> str | None:
    """The commit; marked when tracked files differ from it, so that no image claims a commit that it was not made from."""
    commit = git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}-modified" if git(root, "status", "--porcelain", "--untracked-files=no") else commit


def source(root: Path) -> str | None:
    """POINTSMAN_SOURCE, else the remote `origin` where it is a web address."""
    given = os.environ.get("POINTSMAN_SOURCE") or git(root, "remote", "get-url", "origin") or ""
    return web_address(given)


def web_address(remote: str) -> str | None:
    """A remote as an address for a browser, without a user or password; None for a path, which would mean nothing elsewhere."""
    if ssh := re.fullmatch(r"(?:ssh://)?git@([\w.-]+)[:/](.+?)(?:\.git)?", remote):
        return f"https://{ssh[1]}/{ssh[2]}"
    if web := re.fullmatch(r"(https?://)(?:[^@/]*@)?(.+?)(?:\.git)?/?", remote):
        return web[1] + web[2]
    return None


def git(root: Path, *arguments: str) -> str | None:
    """What git says; None without git or outside a repository, as in an unpacked archive of the source."""
    try:
        ended = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
