"""The layouts are what the OCI image specification and the gateways ask for, and the same to the byte each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from demo import config
from packer import pack

IMAGES = ("compat", "artifact")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
TAR_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def blob(folder: Path, descriptor: dict[str, Any]) -> bytes:
    """A blob whose descriptor tells the truth about it."""
    assert set(descriptor) <= {"mediaType", "digest", "size", "annotations"}, descriptor
    algorithm, _, encoded = descriptor["digest"].partition(":")
    data = (folder / "blobs" / algorithm / encoded).read_bytes()
    assert algorithm == "sha256" and hashlib.sha256(data).hexdigest() == encoded
    assert len(data) == descriptor["size"]
    return data


def manifest(folder: Path) -> dict[str, Any]:
    index = json.loads((folder / "index.json").read_bytes())
    (only,) = index["manifests"]
    return json.loads(blob(folder, only))


def plugin_as_gateways_find_it(folder: Path) -> bytes:
    """What Istio's agent and Envoy Gateway do: the last layer as tar+gzip with plugin.wasm, else exactly two layers, one the module."""
    layers = manifest(folder)["layers"]
    if layers[-1]["mediaType"] == TAR_LAYER:
        with tarfile.open(fileobj=io.BytesIO(blob(folder, layers[-1])), mode="r:gz") as archive:
            plugin = archive.extractfile("plugin.wasm")
            assert plugin is not None
            return plugin.read()
    assert len(layers) == 2
    return next(blob(folder, layer) for layer in layers if layer["mediaType"] == WASM_LAYER)


@pytest.mark.parametrize("name", IMAGES)
def test_a_layout_is_an_oci_image_layout(built: Path, name: str, digests: dict[str, str]) -> None:
    folder = built / name
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((folder / "index.json").read_bytes())
    assert (index["schemaVersion"], index["mediaType"]) == (2, "application/vnd.oci.image.index.v1+json")
    assert index["manifests"][0]["mediaType"] == MANIFEST
    assert index["manifests"][0]["digest"] == digests[name]
    assert index["manifests"][0]["annotations"] == {"org.opencontainers.image.ref.name": digests["version"]}
    said = manifest(folder)
    assert (said["schemaVersion"], said["mediaType"]) == (2, MANIFEST)
    named = [index["manifests"][0], said["config"], *said["layers"]]
    for descriptor in named:
        blob(folder, descriptor)
    present = {path.name for path in (folder / "blobs" / "sha256").iterdir()}
    assert present == {descriptor["digest"].removeprefix("sha256:") for descriptor in named}, "a blob that nothing names"
    assert {path.name for path in folder.iterdir()} == {"oci-layout", "index.json", "blobs"}


@pytest.mark.parametrize("name", IMAGES)
def test_gateways_find_the_module_in_it(built: Path, name: str) -> None:
    assert plugin_as_gateways_find_it(built / name) == config.MODULE.read_bytes()


def test_the_compat_image_is_an_image_with_one_layer(built: Path) -> None:
    folder = built / "compat"
    said = manifest(folder)
    assert said["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    (layer,) = said["layers"]
    assert layer["mediaType"] == TAR_LAYER
    image = json.loads(blob(folder, said["config"]))
    assert (image["os"], image["architecture"], image["rootfs"]["type"]) == ("linux", "amd64", "layers")
    archive = gzip.decompress(blob(folder, layer))
    assert image["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(archive).hexdigest()]


def test_the_layer_holds_the_module_and_nothing_else(built: Path) -> None:
    folder = built / "compat"
    packed = blob(folder, manifest(folder)["layers"][0])
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        (entry,) = archive.getmembers()
    assert (entry.name, entry.mode, entry.isreg(), entry.size) == ("plugin.wasm", 0o644, True, config.MODULE.stat().st_size)
    assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")
    created = manifest(folder)["annotations"]["org.opencontainers.image.created"]
    assert entry.mtime == int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp())
    # No time, no name, an operating system that is not named: nothing of the machine in the header either.
    assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"


def test_the_artifact_has_the_module_and_its_bill(built: Path) -> None:
    folder = built / "artifact"
    said = manifest(folder)
    assert said["config"]["mediaType"] == "application/vnd.module.wasm.config.v1+json"
    assert [layer["mediaType"] for layer in said["layers"]] == [WASM_LAYER, "application/vnd.cyclonedx+json"]
    assert blob(folder, said["layers"][1]) == (built / "pointsman.cdx.json").read_bytes()


@pytest.mark.parametrize("name", IMAGES)
def test_annotations_say_what_it_is(built: Path, name: str, digests: dict[str, str]) -> None:
    said = manifest(built / name)["annotations"]
    assert said["org.opencontainers.image.version"] == digests["version"]
    assert said["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert said["pointsman.module.digest"] == "sha256:" + hashlib.sha256(config.MODULE.read_bytes()).hexdigest() == digests["module"]
    weights = (config.ROOT / "models" / "weights.safetensors").read_bytes()
    assert said["pointsman.model.digest"] == "sha256:" + hashlib.sha256(weights).hexdigest()
    assert said["pointsman.sbom.digest"] == "sha256:" + hashlib.sha256((built / "pointsman.cdx.json").read_bytes()).hexdigest()
    assert all(isinstance(value, str) and value for value in said.values())


def test_two_builds_are_alike_to_the_byte(built: Path, tmp_path: Path) -> None:
    """The second one from another directory's module, in another time zone and language, over what an older build left."""
    module = tmp_path / "elsewhere" / "pointsman.wasm"
    module.parent.mkdir()
    shutil.copy(config.MODULE, module)
    again = tmp_path / "oci"
    (again / "left").mkdir(parents=True)
    ended = pack("build", "--out", str(again), "--module", str(module), TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="7")
    assert ended.returncode == 0, ended.stderr
    assert contents(again) == contents(built)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".oci-")] == []


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_date_is_what_the_environment_says(tmp_path: Path) -> None:
    assert pack("build", "--out", str(tmp_path / "oci"), SOURCE_DATE_EPOCH="86400").returncode == 0
    assert manifest(tmp_path / "oci" / "compat")["annotations"]["org.opencontainers.image.created"] == "1970-01-02T00:00:00Z"


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    ended = pack("build", "--out", str(tmp_path / "oci"), SOURCE_DATE_EPOCH="yesterday")
    assert ended.returncode == 1
    assert ended.stderr == "oci: SOURCE_DATE_EPOCH is 'yesterday'; seconds since 1970 were expected\n"
    assert not (tmp_path / "oci").exists()


def test_a_missing_module_is_told(tmp_path: Path) -> None:
    ended = pack("build", "--out", str(tmp_path / "oci"), "--module", str(tmp_path / "none.wasm"))
    assert (ended.returncode, ended.stderr) == (1, f"oci: {tmp_path}/none.wasm is missing; ./build.sh wasm builds it\n")


def test_the_checksums_for_gateways_are_printed(built: Path, digests: dict[str, str], tmp_path: Path) -> None:
    printed = pack("build", "--out", str(tmp_path / "oci")).stdout
    assert f"compat image:  {digests['compat'].removeprefix('sha256:')}\n" in printed
    assert f"the module:    {hashlib.sha256(config.MODULE.read_bytes()).hexdigest()}\n" in printed
    assert digests["artifact"] in printed
