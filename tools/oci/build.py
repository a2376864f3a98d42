"""Writes dist/oci: two layouts, the bill of materials, and the digests."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from . import images, layout
from .facts import Facts, digest, gather
from .sbom import sbom

COMPAT, ARTIFACT = "compat", "artifact"
BILL, DIGESTS = "pointsman.cdx.json", "digests.json"


def build(root: Path, module: Path, folder: Path) -> dict[str, str]:
    """Builds everything anew and returns the digests that are also in digests.json."""
    facts = gather(root, module)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place and renamed into it: whoever reads dist/oci sees the old one or the new one, whole.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".oci-") as made:
        digests = write(facts, sbom(root, facts), Path(made) / "oci")
        if folder.exists():
            folder.rename(Path(made) / "old")
        shutil.move(Path(made) / "oci", folder)
    return digests


def write(facts: Facts, bill: bytes, folder: Path) -> dict[str, str]:
    digests = {"module": facts.module_digest, "model": facts.model_digest, "sbom": digest(bill)}
    for name, image in ((COMPAT, images.compat(facts, bill)), (ARTIFACT, images.artifact(facts, bill))):
        layout.write(image, folder / name, facts.version)
        digests[name] = image.manifest.digest
    (folder / BILL).write_bytes(bill)
    (folder / DIGESTS).write_text(json.dumps({"version": facts.version, **digests}, indent=1) + "\n")
    return digests
