"""Envoy Gateway's own translation of our set, run by the real Envoy.

`egctl` translates without a cluster, but not a Wasm extension: it has no cache of modules, and makes of such a policy a 500 for every route.
So the filter is put in as Envoy Gateway would put it (switched off, and on again by each route) by a patch of the test's own, and the
shipped patch has to find it there. Where egctl is not installed, all of this is skipped; go build github.com/envoyproxy/gateway/cmd/egctl
takes half an hour on two cores.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from demo import config
from demo.envoy import Envoy
from demo.wire import Answer, Request, Server

SET = config.ROOT / "gateway-config" / "envoy-gateway"
MODELS = ("stem", "office", "general")
FILTER = "envoy.filters.http.wasm/envoyextensionpolicy/llm/pointsman/wasm/0"
LISTENER = "llm/llm/http"
PROMPT = "Solve the quadratic equation x^2 - 5x + 6 = 0 and factor the polynomial. "
Resource = dict[str, Any]


def egctl() -> str:
    found = os.environ.get("POINTSMAN_EGCTL") or shutil.which("egctl")
    if found is None:
        pytest.skip("egctl is not installed (POINTSMAN_EGCTL may name it)")
    return found


def shipped() -> list[Resource]:
    return [one for name in ("gateway", "routes", "pointsman") for one in yaml.safe_load_all((SET / f"{name}.yaml").read_text()) if one]


def services() -> list[Resource]:
    ports = [{"port": 8000, "protocol": "TCP"}]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "llm"}, "spec": {"clusterIP": f"10.0.0.{at}", "ports": ports}}
        for at, name in enumerate(MODELS, 1)
    ]


def stand_in(extension: Resource, patch: Resource) -> Resource:
    """What Envoy Gateway makes of the extension, as a patch that is applied before the shipped one."""
    (wasm,) = extension["spec"]["wasm"]
    plugin = {
        "name": wasm["name"],
        "root_id": wasm["rootID"],
        "vm_config": {"vm_id": FILTER, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(config.MODULE)}}},
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(wasm["config"])},
    }
    typed = {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin}
    switched_on = {FILTER: {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}}
    first = copy.deepcopy(patch)
    first["metadata"]["name"] = "stand-in"
    first["spec"]["priority"] = -1
    first["spec"]["jsonPatches"] = [
        {
            "type": "type.googleapis.com/envoy.config.listener.v3.Listener",
            "name": LISTENER,
            "operation": {
                "op": "add",
                "path": "/default_filter_chain/filters/0/typed_config/http_filters/0",
                "value": {"name": FILTER, "disabled": True, "typed_config": typed},
            },
        },
        {
            "type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            "name": LISTENER,
            "operation": {"op": "add", "jsonPath": "$..routes[*]", "path": "typed_per_filter_config", "value": switched_on},
        },
    ]
    return first


def translated(resources: list[Resource], folder: Path) -> list[dict[str, Any]]:
    """The parts of the configuration dump that Envoy Gateway would send to its proxy."""
    path = folder / "resources.yaml"
    path.write_text(yaml.safe_dump_all(resources))
    command = [egctl(), "experimental", "translate", "--from", "gateway-api", "--to", "xds", "--output", "json", "--namespace", "llm"]
    ended = subprocess.run([*command, "--file", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["xds"]["llm/llm"]["configs"]


def part(configs: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [one for one in configs if one["@type"].endswith(f".{kind}ConfigDump")]
    return found


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    resources = shipped()
    (extension,) = [one for one in resources if one["kind"] == "EnvoyExtensionPolicy"]
    (patch,) = [one for one in resources if one["kind"] == "EnvoyPatchPolicy"]
    resources.remove(extension)
    return translated([*resources, *services(), stand_in(extension, patch)], tmp_path_factory.mktemp("egctl"))


def listener_of(dump: list[dict[str, Any]]) -> dict[str, Any]:
    active = [one["activeState"]["listener"] for one in part(dump, "Listeners")["dynamicListeners"]]
    (found,) = [one for one in active if one["name"] == LISTENER]
    return copy.deepcopy(found)


def manager_of(listener: dict[str, Any]) -> dict[str, Any]:
    return listener["defaultFilterChain"]["filters"][0]["typedConfig"]


def test_the_shipped_patch_finds_the_filter(dump: list[dict[str, Any]]) -> None:
    listener = listener_of(dump)
    first = manager_of(listener)["httpFilters"][0]
    assert (first["name"], first["disabled"]) == (FILTER, True)
    plugin = first["typedConfig"]["config"]
    assert (plugin["allowOnHeadersStopIteration"], plugin["failurePolicy"]) == (True, "FAIL_RELOAD")
    assert listener["perConnectionBufferLimitBytes"] == 16 * 2**20
    assert manager_of(listener)["normalizePath"] is True and manager_of(listener)["mergeSlashes"] is True


@pytest.fixture(scope="module")
def running(dump: list[dict[str, Any]]) -> Iterator[tuple[Envoy, list[str]]]:
    """Envoy with that listener, its routes and its clusters; the endpoints are servers of this machine."""
    reached: list[str] = []

    def application(name: str) -> Any:
        def serve(_request: Request, answer: Answer) -> None:
            reached.append(name)
            answer.json(200, {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})

        return serve

    with ExitStack() as stack:
        clusters = []
        for entry, name in zip(part(dump, "Clusters")["dynamicActiveClusters"], MODELS, strict=True):
            port = stack.enter_context(Server(application(name))).port
            cluster = {key: value for key, value in entry["cluster"].items() if key not in ("@type", "edsClusterConfig", "type")}
            address = {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
            endpoints = [{"lbEndpoints": [{"endpoint": {"address": address}}], "loadBalancingWeight": 1}]
            clusters.append({**cluster, "type": "STATIC", "loadAssignment": {"clusterName": cluster["name"], "endpoints": endpoints}})
        listener = listener_of(dump)
        del listener["@type"], listener["accessLog"]
        listener["address"]["socketAddress"] = {"address": "127.0.0.1", "portValue": 0}
        manager = manager_of(listener)
        del manager["accessLog"], manager["rds"]
        (routes,) = part(dump, "Routes")["dynamicRouteConfigs"]
        manager["routeConfig"] = {key: value for key, value in routes["routeConfig"].items() if key != "@type"}
        admin = {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": 0}}}
        settings = {"admin": admin, "staticResources": {"listeners": [listener], "clusters": clusters}}
        yield stack.enter_context(Envoy(settings)), reached


@pytest.mark.parametrize("length", [100, 200_000])
@pytest.mark.parametrize(("model", "server", "reason"), [("auto", "stem", "classified"), ("gpt-4.1", "general", "explicit")])
def test_requests_go_where_their_prompts_belong(running: tuple[Envoy, list[str]], model: str, server: str, reason: str, length: int) -> None:
    """Bodies above Envoy Gateway's own limit of 32 KiB, too."""
    envoy, reached = running
    reached.clear()
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": PROMPT * (length // len(PROMPT) + 1)}]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{envoy.ports[LISTENER]}/v1/chat/completions", data=body, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["x-pointsman-reason"] == reason
    assert reached == [server]


def test_egctl_alone_does_not_translate_a_wasm_extension(tmp_path: Path) -> None:
    """The reason for all of the above; when this fails, the stand-in can go."""
    dump = translated([*shipped(), *services()], tmp_path)
    (routes,) = part(dump, "Routes")["dynamicRouteConfigs"]
    answers = [route.get("directResponse", {}).get("status") for route in routes["routeConfig"]["virtualHosts"][0]["routes"]]
    assert answers == [500, 500, 500]
