"""Finds the user and password of a registry where skopeo, podman and docker keep them. Nothing is ever written or printed."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from pathlib import Path
from typing import Any


class BadLogin(Exception):
    """A file of logins is there and cannot be used; the message names it."""


def files() -> list[Path]:
    """Where to look, in skopeo's order. A file that the environment names is the only one."""
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    run = os.environ.get("XDG_RUNTIME_DIR")
    config = os.environ.get("XDG_CONFIG_HOME")
    docker = os.environ.get("DOCKER_CONFIG")
    return [
        *([Path(run) / "containers" / "auth.json"] if run else []),
        (Path(config) if config else Path.home() / ".config") / "containers" / "auth.json",
        (Path(docker) if docker else Path.home() / ".docker") / "config.json",
    ]


def basic(registry: str, repository: str) -> str | None:
    """The user and password, in base64 as HTTP sends them; None where nobody has logged in."""
    for path in files():
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise BadLogin(f"{path} cannot be read as a file of logins: {error}") from error
        if (found := in_file(document, registry, repository, path)) is not None:
            return found
    return None


def in_file(document: dict[str, Any], registry: str, repository: str, path: Path) -> str | None:
    """A login of this file: from the longest name that fits, or from the helper that the file names."""
    helper = document.get("credHelpers", {}).get(registry) or document.get("credsStore")
    logins = document.get("auths", {})
    for name in names(registry, repository):
        encoded = logins.get(name, {}).get("auth")
        if encoded:
            try:
                user, colon, _ = base64.b64decode(encoded, validate=True).partition(b":")
            except binascii.Error as error:
                raise BadLogin(f"{path}: the login of {name} is not base64") from error
            if not colon or not user:
                raise BadLogin(f"{path}: the login of {name} is not a user and a password")
            return encoded
    return from_helper(helper, registry) if helper else None


def names(registry: str, repository: str) -> list[str]:
    """skopeo lets a login hold for a part of a registry only; the most particular one comes first."""
    parts = repository.split("/")
    within = ["/".join([registry, *parts[:length]]) for length in range(len(parts), 0, -1)]
    return [*within, registry, f"https://{registry}", f"https://{registry}/v2/"]


def from_helper(helper: str, registry: str) -> str | None:
    """Asks docker's credential helper; one that is not installed or knows nothing counts as no login."""
    try:
        ended = subprocess.run([f"docker-credential-{helper}", "get"], input=registry, capture_output=True, text=True, check=False)
        login = json.loads(ended.stdout) if ended.returncode == 0 else {}
    except (FileNotFoundError, ValueError):
        return None
    if not login.get("Username"):
        return None
    return base64.b64encode(f"{login['Username']}:{login['Secret']}".encode()).decode()
