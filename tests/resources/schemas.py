"""The schemas that clusters check resources against, taken from the Go modules in which their makers publish them.

`go mod download` fetches a module by name and version, and its hash is compared with the one below. What a schema leaves open is closed
here: an unknown field is dropped by a cluster without a word, while a person who wrote it wants to be told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Schema = dict[str, Any]
SECONDS = 180


@dataclass(frozen=True)
class Module:
    path: str
    version: str
    hash: str


ENVOY_GATEWAY = Module("github.com/envoyproxy/gateway", "v1.9.1", "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=")
ISTIO = Module("istio.io/api", "v1.31.4", "h1:AcnncYrlDj1PJkym7h88Gggkef4MAra8QpGaXRMsr+E=")
KUBERNETES = Module("k8s.io/client-go", "v0.36.3", "h1:M4JdVzXxYcZk4fGpfDdYnxSwhLKWCFoQsHW6t+z8Hfg=")


@cache
def fetched(module: Module) -> Path:
    """The module's folder. A test that needs it is skipped where Go is absent or the module cannot be had."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed; the schemas come from Go modules")
    with tempfile.TemporaryDirectory() as folder:
        # Outside any Go module, and never with another Go than the one that is here.
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
        command = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
        try:
            ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{module.path} could not be fetched within {SECONDS} s")
    if ended.returncode != 0:
        pytest.skip(f"{module.path} {module.version} could not be fetched: {ended.stdout.strip()[-300:]} {ended.stderr.strip()[-300:]}")
    said = json.loads(ended.stdout)
    assert said["Sum"] == module.hash, f"{module.path} {module.version} is not what it was: {said['Sum']}"
    return Path(said["Dir"])


def definitions() -> dict[tuple[str, str], Schema]:
    """The schema of every custom resource that the configurations use, by apiVersion and kind."""
    charts = fetched(ENVOY_GATEWAY) / "charts" / "gateway-helm" / "charts" / "crds" / "crds"
    # Only those that are used: some of the others take seconds to read.
    used = ("clienttrafficpolicies", "envoyextensionpolicies", "envoypatchpolicies")
    files = [charts / "generated" / f"gateway.envoyproxy.io_{kinds}.yaml" for kinds in used]
    files.append(charts / "gatewayapi-crds.yaml")
    files.append(fetched(ISTIO) / "kubernetes" / "customresourcedefinitions.gen.yaml")
    found: dict[tuple[str, str], Schema] = {}
    for path in files:
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            spec = document["spec"]
            for version in spec["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema["properties"].update({"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA})
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


METADATA: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"},
        "namespace": {"type": "string"},
        "labels": {"type": "object"},
    },
    "additionalProperties": False,
}


def closed(schema: Schema) -> Schema:
    """An OpenAPI schema of a custom resource as JSON Schema, in which unknown fields are errors."""
    said_only = ("description", "default", "format", "nullable")
    made = {name: value for name, value in schema.items() if not name.startswith("x-") and name not in said_only}
    for name in ("properties", "patternProperties"):
        if name in made:
            made[name] = {key: closed(value) for key, value in made[name].items()}
    for name in ("items", "additionalProperties", "not"):
        if isinstance(made.get(name), dict):
            made[name] = closed(made[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if name in made:
            # These only narrow what is named beside them, so they stay open.
            made[name] = [opened(closed(value)) for value in made[name]]
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        # Anything at all goes in here, also where no type is given.
        return {name: made[name] for name in ("type",) if name in made}
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def opened(schema: Schema) -> Schema:
    """The same without refusing unknown fields, at any depth."""
    made = {name: value for name, value in schema.items() if not (name == "additionalProperties" and value is False)}
    for name, value in made.items():
        if isinstance(value, dict):
            made[name] = opened(value)
        elif isinstance(value, list):
            made[name] = [opened(one) if isinstance(one, dict) else one for one in value]
    return made


def built_in() -> Schema:
    """Kubernetes' own resources: client-go carries their fields for server-side apply, as a list of named types."""
    source = (fetched(KUBERNETES) / "applyconfigurations" / "internal" / "internal.go").read_text()
    text = source.split("typed.YAMLObject(`", 1)[1].split("`)", 1)[0]
    types = yaml.load(text, yaml.CSafeLoader)["types"]
    return {"$defs": {named["name"]: of_type(named) for named in types}}


SCALARS = {"string": {"type": "string"}, "numeric": {"type": "number"}, "boolean": {"type": "boolean"}, "untyped": {}}


def of_type(kind: dict[str, Any]) -> Schema:
    """One of client-go's types as JSON Schema. Quantities and the like are given there as untyped, and stay so."""
    if "namedType" in kind:
        return {"$ref": f"#/$defs/{kind['namedType']}"}
    if "scalar" in kind and "map" not in kind and "list" not in kind:
        return SCALARS[kind["scalar"]]
    if "scalar" in kind:
        return {}
    if "list" in kind:
        return {"type": "array", "items": of_type(kind["list"]["elementType"])}
    fields = kind["map"].get("fields")
    if fields is None:
        return {"type": "object", "additionalProperties": of_type(kind["map"]["elementType"])}
    return {"type": "object", "properties": {one["name"]: of_type(one["type"]) for one in fields}, "additionalProperties": False}
