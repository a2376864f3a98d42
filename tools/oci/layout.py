"""An OCI image layout: blobs under their digests, one manifest, an index that names it. It knows nothing of what is inside."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .facts import digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
REFERENCE = "org.opencontainers.image.ref.name"


def canonical(document: Any) -> bytes:
    """JSON whose bytes depend only on what it says."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Blob:
    """Bytes and what they are."""

    media_type: str
    data: bytes
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest(self.data)

    @property
    def descriptor(self) -> dict[str, Any]:
        named: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}
        return {**named, "annotations": self.annotations} if self.annotations else named


@dataclass(frozen=True)
class Image:
    """A configuration, its layers, and what the manifest says about them."""

    config: Blob
    layers: tuple[Blob, ...]
    annotations: dict[str, str]

    @property
    def manifest(self) -> Blob:
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.config.descriptor,
            "layers": [layer.descriptor for layer in self.layers],
            "annotations": self.annotations,
        }
        return Blob(MANIFEST, canonical(document))


def write(image: Image, folder: Path, tag: str) -> None:
    """Writes the image into an empty folder; `tag` is the name under which the index knows it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for blob in (image.config, *image.layers, image.manifest):
        (blobs / blob.digest.removeprefix("sha256:")).write_bytes(blob.data)
    (folder / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
    entry = {**image.manifest.descriptor, "annotations": {REFERENCE: tag}}
    (folder / "index.json").write_bytes(canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}))


def read(folder: Path) -> Image:
    """The image of a layout; what is pushed is what was written, not something made again."""
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads(blob_at(folder, index["manifests"][0]).data)
    layers = tuple(blob_at(folder, layer) for layer in manifest["layers"])
    image = Image(blob_at(folder, manifest["config"]), layers, manifest["annotations"])
    if image.manifest.digest != index["manifests"][0]["digest"]:
        raise ValueError(f"{folder} was not written by this program: its manifest reads back as {image.manifest.digest}")
    return image


def blob_at(folder: Path, descriptor: dict[str, Any]) -> Blob:
    data = (folder / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
    blob = Blob(descriptor["mediaType"], data, descriptor.get("annotations", {}))
    if blob.digest != descriptor["digest"]:
        raise ValueError(f"{folder}: the blob {descriptor['digest']} has other bytes ({blob.digest})")
    return blob
