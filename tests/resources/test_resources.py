"""The configurations for Kubernetes fit the schemas of their kinds, fit each other, and carry policies that the module takes."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from demo import config
from demo.envoy import binary
from schemas import built_in, definitions

SETS = config.ROOT / "gateway-config"
ENVOY_GATEWAY, ISTIO, HIGRESS, KUBERNETES = (SETS / name for name in ("envoy-gateway", "istio", "higress", "kubernetes"))
IMAGE = "registry.example.com/pointsman:0.1.0"
# Envoy's configuration and kustomize's own file are no resources of a cluster.
NO_RESOURCE = ("envoy.yaml", "kustomization.yaml")
FILES = [path for folder in (ENVOY_GATEWAY, ISTIO, HIGRESS, KUBERNETES) for path in sorted(folder.glob("*.yaml")) if path.name not in NO_RESOURCE]
Resource = dict[str, Any]


def resources(path: Path) -> list[Resource]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def resource(path: Path, kind: str) -> Resource:
    (found,) = [one for one in resources(path) if one["kind"] == kind]
    return found


ALL = [pytest.param(one, id=f"{path.parent.name}/{path.name}:{one['kind']}") for path in FILES for one in resources(path)]
known_definitions = cache(definitions)
known_built_in = cache(built_in)


def schema_of(one: Resource) -> dict[str, Any]:
    group, kind = one["apiVersion"], one["kind"]
    if "." not in group:
        name = f"io.k8s.api.{'core.' if group == 'v1' else ''}{group.replace('/', '.')}.{kind}"
        return {**known_built_in(), "$ref": f"#/$defs/{name}"}
    if group == "extensions.higress.io/v1alpha1":
        return higress()
    return known_definitions()[group, kind]


def higress() -> dict[str, Any]:
    """Higress publishes no Go module that could be had. Its WasmPlugin is Istio's with three fields of its own, and without some."""
    schema = copy.deepcopy(known_definitions()["extensions.istio.io/v1alpha1", "WasmPlugin"])
    spec = schema["properties"]["spec"]["properties"]
    for name in ("targetRef", "targetRefs", "selector", "match", "type"):
        del spec[name]
    spec.update({"defaultConfig": {"type": "object"}, "defaultConfigDisable": {"type": "boolean"}, "matchRules": {"type": "array"}})
    return schema


@pytest.mark.parametrize("one", ALL)
def test_a_resource_fits_its_schema(one: Resource) -> None:
    jsonschema.validate(one, schema_of(one), jsonschema.Draft202012Validator)


def first_object_with(schema_path: tuple[str, ...], one: Resource) -> dict[str, Any]:
    at: Any = one
    for step in schema_path:
        at = at[int(step)] if step.isdigit() else at[step]
    return at


@pytest.mark.parametrize(
    ("path", "kind", "place"),
    [
        (ENVOY_GATEWAY / "pointsman.yaml", "EnvoyExtensionPolicy", ("spec", "wasm", "0")),
        (ENVOY_GATEWAY / "pointsman.yaml", "EnvoyExtensionPolicy", ("spec", "wasm", "0", "code", "image")),
        (ENVOY_GATEWAY / "pointsman.yaml", "EnvoyPatchPolicy", ("spec", "jsonPatches", "0", "operation")),
        (ENVOY_GATEWAY / "gateway.yaml", "ClientTrafficPolicy", ("spec", "connection")),
        (ENVOY_GATEWAY / "routes.yaml", "HTTPRoute", ("spec", "rules", "0", "backendRefs", "0")),
        (ISTIO / "envoyfilter.yaml", "EnvoyFilter", ("spec", "configPatches", "1", "match")),
        (ISTIO / "wasmplugin.yaml", "WasmPlugin", ("spec",)),
        (HIGRESS / "wasmplugin.yaml", "WasmPlugin", ("spec",)),
        (KUBERNETES / "deployment.yaml", "Deployment", ("spec", "template", "spec", "volumes", "1", "image")),
    ],
)
def test_the_schemas_find_a_slip_of_the_pen(path: Path, kind: str, place: tuple[str, ...]) -> None:
    """Else the test above would prove nothing."""
    one = resource(path, kind)
    schema = schema_of(one)
    first_object_with(place, one)["failOpne"] = True
    with pytest.raises(jsonschema.ValidationError, match="failOpne"):
        jsonschema.validate(one, schema, jsonschema.Draft202012Validator)


def the_envoyfilters_wasm() -> dict[str, Any]:
    extension, *_ = resource(ISTIO / "envoyfilter.yaml", "EnvoyFilter")["spec"]["configPatches"]
    return extension["patch"]["value"]["typed_config"]


def policies() -> dict[str, str]:
    """Every policy as its gateway hands it to the module: JSON, whatever it was written in."""
    wasm = resource(ENVOY_GATEWAY / "pointsman.yaml", "EnvoyExtensionPolicy")["spec"]["wasm"][0]
    return {
        "envoy-gateway": json.dumps(wasm["config"]),
        "istio, EnvoyFilter": the_envoyfilters_wasm()["config"]["configuration"]["value"],
        "istio, WasmPlugin": json.dumps(resource(ISTIO / "wasmplugin.yaml", "WasmPlugin")["spec"]["pluginConfig"]),
        "higress": json.dumps(resource(HIGRESS / "wasmplugin.yaml", "WasmPlugin")["spec"]["defaultConfig"]),
    }


def envoy_says(settings: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "envoy.json"
    path.write_text(json.dumps(settings))
    command = [str(binary()), "--mode", "validate", "-c", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def shipped_with(policy: str) -> dict[str, Any]:
    settings = config.shipped()
    settings["static_resources"]["listeners"] = [config.listener_with(settings, "llm", policy)]
    config.set_module(settings, config.MODULE)
    return settings


@pytest.mark.parametrize("name", policies())
def test_the_module_takes_its_policy(name: str, tmp_path: Path) -> None:
    ended = envoy_says(shipped_with(policies()[name]), tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_what_higress_makes_of_match_rules_is_refused(tmp_path: Path) -> None:
    """higress/README.md says so: Higress writes the rules into the policy as `_rules_`, for its own SDK to read."""
    policy = {**json.loads(policies()["higress"]), "_rules_": [{"_match_route_": ["a"], "default": {"model": "m"}}]}
    ended = envoy_says(shipped_with(json.dumps(policy)), tmp_path)
    assert ended.returncode != 0
    assert "_rules_" in ended.stderr


def test_envoy_takes_the_filter_of_the_envoyfilter(tmp_path: Path) -> None:
    """As Istio's agent hands it on: it fetches the module and puts a file in place of the address."""
    typed = the_envoyfilters_wasm()
    typed["config"]["vm_config"]["code"] = {"local": {"filename": str(config.MODULE)}}
    settings = config.shipped()
    manager = config.connection_manager(config.listeners(settings)[0])
    manager["http_filters"][0]["typed_config"] = typed
    ended = envoy_says(settings, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert typed["config"]["allow_on_headers_stop_iteration"] is True


def test_envoy_takes_the_pods_configuration(tmp_path: Path) -> None:
    settings = yaml.safe_load((KUBERNETES / "envoy.yaml").read_text())
    config.set_module(settings, config.MODULE)
    ended = envoy_says(settings, tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_the_pods_configuration_is_the_shipped_one_in_another_place() -> None:
    """What it changes, and nothing else: the module's path, the address, the clusters."""
    pods, shipped = yaml.safe_load((KUBERNETES / "envoy.yaml").read_text()), config.shipped()
    for settings in (pods, shipped):
        del settings["static_resources"]["clusters"]
        (listener,) = config.listeners(settings)
        listener["address"]["socket_address"]["address"] = ""
        config.plugin(listener)["vm_config"]["code"] = ""
    assert pods == shipped


def test_the_pod_finds_the_module_where_its_configuration_says() -> None:
    pod = resource(KUBERNETES / "deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts) == set(volumes)
    listener = config.listeners(yaml.safe_load((KUBERNETES / "envoy.yaml").read_text()))[0]
    assert config.plugin(listener)["vm_config"]["code"]["local"]["filename"] == f"{mounts['module']}/plugin.wasm"
    assert volumes["module"]["image"]["reference"] == IMAGE
    assert container["args"][1] == f"{mounts['config']}/envoy.yaml"
    assert container["ports"][0]["containerPort"] == listener["address"]["socket_address"]["port_value"]


def test_kustomize_would_find_its_files() -> None:
    base = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    (generated,) = base["configMapGenerator"]
    named = [*base["resources"], *generated["files"]]
    assert sorted([*named, "kustomization.yaml"]) == sorted(path.name for path in KUBERNETES.glob("*.yaml"))
    pod = resource(KUBERNETES / "deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    assert generated["name"] in [volume.get("configMap", {}).get("name") for volume in pod["volumes"]]


def test_kustomize_builds_it() -> None:
    command = next((found for name in ("kustomize", "kubectl") if (found := shutil.which(name))), None)
    if command is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    verb = "build" if command.endswith("kustomize") else "kustomize"
    ended = subprocess.run([command, verb, str(KUBERNETES)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    made = {one["kind"]: one for one in yaml.safe_load_all(ended.stdout)}
    assert set(made) == {"Namespace", "ConfigMap", "Deployment", "Service"}
    volumes = made["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert made["ConfigMap"]["metadata"]["name"] in [volume.get("configMap", {}).get("name") for volume in volumes]


def test_the_patch_names_the_filter_that_envoy_gateway_makes() -> None:
    """envoy.filters.http.wasm/envoyextensionpolicy/NAMESPACE/NAME/wasm/PLACE, in the listener NAMESPACE/GATEWAY/LISTENER."""
    extension = resource(ENVOY_GATEWAY / "pointsman.yaml", "EnvoyExtensionPolicy")["metadata"]
    gateway = resource(ENVOY_GATEWAY / "gateway.yaml", "Gateway")
    patches = resource(ENVOY_GATEWAY / "pointsman.yaml", "EnvoyPatchPolicy")["spec"]["jsonPatches"]
    named = f"envoy.filters.http.wasm/envoyextensionpolicy/{extension['namespace']}/{extension['name']}/wasm/0"
    for patch in patches:
        assert patch["name"] == f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}/{gateway['spec']['listeners'][0]['name']}"
        assert patch["operation"]["jsonPath"] == f"$..http_filters[?(@.name=='{named}')].typed_config.config"
    assert {patch["operation"]["path"]: patch["operation"]["value"] for patch in patches} == {
        "/allow_on_headers_stop_iteration": True,
        "/failure_policy": "FAIL_RELOAD",
    }


def test_all_name_the_same_image_and_the_models_that_are_routed() -> None:
    texts = {path: path.read_text() for path in FILES}
    named = {match for text in texts.values() for match in re.findall(r"(?:url|uri|reference): (?:oci://)?(\S+)", text)}
    assert named == {IMAGE}
    rules = resource(ENVOY_GATEWAY / "routes.yaml", "HTTPRoute")["spec"]["rules"]
    routed = {rule["matches"][0]["headers"][0]["value"] for rule in rules if "matches" in rule}
    for name, policy in policies().items():
        chosen = {domain["model"] for domain in json.loads(policy)["domains"].values()}
        assert chosen == routed, name
