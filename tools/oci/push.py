"""Pushes the two layouts: the compat image under the tag that was asked for, the artifact under the same tag and `-artifact`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from . import layout
from .build import ARTIFACT, COMPAT
from .reference import Reference
from .registry import PushFailed, Registry

SKOPEO, BUILT_IN = "skopeo", "built-in"


def targets(reference: Reference) -> dict[str, Reference]:
    """Which layout goes where. The plain tag is the image that every gateway takes."""
    return {COMPAT: reference, ARTIFACT: reference.tagged(f"{reference.tag}-artifact")}


def push(folder: Path, reference: Reference, client: str | None, plain_http: bool) -> list[tuple[Reference, str]]:
    """Pushes both and returns each name with its digest."""
    chosen = client or (SKOPEO if shutil.which(SKOPEO) else BUILT_IN)
    plain_http = plain_http or reference.loopback
    pushed = []
    for name, target in targets(reference).items():
        image = layout.read(folder / name)
        if chosen == SKOPEO:
            with_skopeo(folder / name, target, plain_http)
        else:
            Registry(target, plain_http).push(image)
        pushed.append((target, image.manifest.digest))
    return pushed


def with_skopeo(folder: Path, target: Reference, plain_http: bool) -> None:
    """skopeo knows every registry's peculiarities. It has to keep the digests, which it may not by default."""
    command = [SKOPEO, "copy", "--quiet", "--preserve-digests", f"oci:{folder}", f"docker://{target}"]
    if plain_http:
        command.insert(2, "--dest-tls-verify=false")
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise PushFailed(f"skopeo is not installed; on Debian or Ubuntu: apt-get install skopeo, or use --client {BUILT_IN}") from error
    if ended.returncode != 0:
        said = ended.stderr.strip()
        hint = f"\nlog in with: skopeo login {target.registry}" if "authentication required" in said or "unauthorized" in said else ""
        raise PushFailed(f"{target}: skopeo could not push:\n{said}{hint}")
