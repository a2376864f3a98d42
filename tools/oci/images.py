"""The two forms that gateways take: the compat image and the two-layer artifact.

Istio's agent and Envoy Gateway read the last layer of an image as tar+gzip and look for `plugin.wasm` in it. Failing that they
want exactly two layers, one of them the module itself. A raw artifact of one layer is refused by both.
"""

from __future__ import annotations

from .facts import Facts, digest
from .layout import Blob, Image, canonical
from .packing import gzip, tar
from .sbom import MEDIA_TYPE as SBOM

IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
TAR_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WASM_CONFIG = "application/vnd.module.wasm.config.v1+json"
WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
PLUGIN = "plugin.wasm"
DESCRIPTION = "A gateway filter that routes LLM requests by the meaning of their prompts and holds tenants to token quotas"
TITLE = "org.opencontainers.image.title"


def annotations(facts: Facts, bill: bytes) -> dict[str, str]:
    """What both images say about themselves. What is not known is left out rather than guessed."""
    said = {
        TITLE: "pointsman",
        "org.opencontainers.image.description": DESCRIPTION,
        "org.opencontainers.image.version": facts.version,
        "org.opencontainers.image.licenses": facts.licence,
        "org.opencontainers.image.created": facts.created_text,
        "org.opencontainers.image.revision": facts.revision,
        "org.opencontainers.image.source": facts.source,
        "pointsman.model.digest": facts.model_digest,
        "pointsman.module.digest": facts.module_digest,
        "pointsman.sbom.digest": digest(bill),
    }
    return {name: value for name, value in said.items() if value is not None}


def compat(facts: Facts, bill: bytes) -> Image:
    """One tar+gzip layer that holds `plugin.wasm`. Every registry and every container tool takes it.

    linux/amd64 is what those who pull without naming a platform ask for. The module itself runs on any.
    """
    archive = tar({PLUGIN: facts.module}, int(facts.created.timestamp()))
    said = annotations(facts, bill)
    config = {
        "created": facts.created_text,
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": said},
        "rootfs": {"type": "layers", "diff_ids": [digest(archive)]},
        "history": [{"created": facts.created_text, "comment": PLUGIN}],
    }
    return Image(Blob(IMAGE_CONFIG, canonical(config)), (Blob(TAR_LAYER, gzip(archive)),), said)


def artifact(facts: Facts, bill: bytes) -> Image:
    """The module as it is, and its bill of materials: what a person or a scanner pulls to look inside."""
    config = {"name": "pointsman", "version": facts.version, "type": "envoy_proxy", "abi": "proxy-wasm 0.2.1"}
    layers = (Blob(WASM_LAYER, facts.module, {TITLE: PLUGIN}), Blob(SBOM, bill, {TITLE: "pointsman.cdx.json"}))
    return Image(Blob(WASM_CONFIG, canonical(config)), layers, annotations(facts, bill))
