"""Names of images: registry.example.com/team/pointsman:1.2, and what can be wrong with one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?")
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
EXAMPLE = "registry.example.com/pointsman:0.1.0"


class BadReference(Exception):
    """The name cannot be pushed to; the message says why and what a good one looks like."""


@dataclass(frozen=True)
class Reference:
    registry: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"

    def tagged(self, tag: str) -> Reference:
        return replace(self, tag=tag)

    @property
    def loopback(self) -> bool:
        """Whether it names this machine itself, where registries speak plain HTTP, as docker assumes too."""
        host = re.sub(r":\d+$", "", self.registry).strip("[]")
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def parse(text: str, default_tag: str) -> Reference:
    """Reads a name. The registry has to be in it: guessing one would push to somebody else's."""
    if "@" in text:
        raise BadReference(f"{text}: a digest cannot be pushed to, it follows from what is pushed; name a tag, as in {EXAMPLE}")
    if "://" in text:
        raise BadReference(f"{text}: leave out the scheme, as in {EXAMPLE}")
    registry, slash, rest = text.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        raise BadReference(f"{text}: the registry is missing, as in {EXAMPLE}")
    repository, _, tag = rest.partition(":")
    if not HOST.fullmatch(registry):
        raise BadReference(f"{text}: {registry!r} is no host")
    if not REPOSITORY.fullmatch(repository):
        raise BadReference(f"{text}: {repository!r} is no repository; lower-case letters, digits and single . _ - between them, parts divided by /")
    tag = tag if ":" in rest else default_tag
    if not TAG.fullmatch(tag):
        raise BadReference(f"{text}: {tag!r} is no tag; at most 128 letters, digits, . _ -, and none of . - first")
    return Reference(registry, repository, tag)
