"""The bill of materials, CycloneDX 1.6: what is linked into the module, and the model inside it."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

from .crates import Crate, linked
from .facts import Facts

MEDIA_TYPE = "application/vnd.cyclonedx+json"
# Serial numbers have to be UUIDs; ours are made from the module's digest, so that the same module has the same number.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:pointsman:sbom")
CHANNEL = re.compile(r'^channel\s*=\s*"([^"]+)"', re.M)


def sbom(root: Path, facts: Facts) -> bytes:
    """The document as it ships."""
    crates = linked(root)
    toolchain = CHANNEL.search((root / "rust-toolchain.toml").read_text())
    document = describe(facts, crates, toolchain[1] if toolchain else "unknown")
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def describe(facts: Facts, crates: dict[str, Crate], rust: str) -> dict[str, Any]:
    module, *others = crates.values()
    model, standard = model_of(facts), standard_library(rust)
    needs = {key: sorted(crate.needs) for key, crate in crates.items()}
    needs[module.key] = sorted([*needs[module.key], model["bom-ref"], standard["bom-ref"]])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(NAMESPACE, facts.module_digest).urn,
        "version": 1,
        "metadata": {
            "timestamp": facts.created_text,
            "component": {
                "type": "library",
                "bom-ref": module.key,
                "name": "pointsman.wasm",
                "version": facts.version,
                "hashes": [sha256(facts.module_digest)],
                "licenses": [{"expression": facts.licence}],
            },
        },
        "components": [*(component(crate) for crate in sorted(others, key=lambda crate: crate.key)), standard, model],
        "dependencies": [{"ref": key, "dependsOn": needs[key]} for key in sorted(needs)],
    }


def component(crate: Crate) -> dict[str, Any]:
    """A crate. Only a published one has a package URL and a checksum: a scanner must not take ours for somebody else's."""
    known: dict[str, Any] = {
        "type": "library",
        "bom-ref": crate.key,
        "name": crate.name,
        "version": crate.version,
        "licenses": [{"expression": crate.licence}],
    }
    if crate.checksum is None:
        return {**known, "description": "part of this repository"}
    return {**known, "hashes": [{"alg": "SHA-256", "content": crate.checksum}], "purl": f"pkg:cargo/{crate.name}@{crate.version}"}


def standard_library(rust: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"rust-std@{rust}",
        "name": "rust-std",
        "version": rust,
        "description": "Rust's standard library for wasm32-wasip1, with the wasi-libc and the allocator that come inside it",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }


def model_of(facts: Facts) -> dict[str, Any]:
    """The weights lie in the module's data; a vulnerability scanner ignores them, a person who reviews models does not."""
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": "pointsman-domains",
        "version": facts.version,
        "description": "the classifier of prompts by domain, models/weights.safetensors",
        "hashes": [sha256(facts.model_digest)],
        "licenses": [{"expression": facts.licence}],
    }


def sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}
