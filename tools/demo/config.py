"""Envoy's configuration as it ships, changed in named places.

The demo and the tests run gateway-config/envoy/envoy.yaml itself, not a copy of it: only ports, the module's path and,
in tests, the policy are replaced. Every listener gets port 0, so that several runs never fight over a port.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "gateway-config" / "envoy" / "envoy.yaml"
MODULE = ROOT / "dist" / "pointsman.wasm"

Config = dict[str, Any]
Policy = dict[str, Any]


def shipped() -> Config:
    """The shipped configuration, read afresh so that each caller may change its own."""
    return yaml.safe_load(SHIPPED.read_text())


def connection_manager(listener: Config) -> Config:
    """The listener's HTTP settings: routes, filters, path normalisation."""
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def plugin(listener: Config) -> Config:
    """The Wasm plugin's settings inside a listener."""
    for http_filter in connection_manager(listener)["http_filters"]:
        if http_filter["name"] == "pointsman":
            return http_filter["typed_config"]["config"]
    raise LookupError(f"listener {listener['name']} has no filter named pointsman")


def policy_of(config: Config) -> Policy:
    """The policy that the first listener carries."""
    return json.loads(plugin(listeners(config)[0])["configuration"]["value"])


def listeners(config: Config) -> list[Config]:
    return config["static_resources"]["listeners"]


def listener_with(config: Config, name: str, policy: Policy | str) -> Config:
    """A copy of the first listener under another name and another policy (a string is taken as it is, broken or not)."""
    listener = copy.deepcopy(listeners(config)[0])
    listener["name"] = name
    text = policy if isinstance(policy, str) else json.dumps(policy)
    plugin(listener)["configuration"]["value"] = text
    return listener


def set_upstreams(config: Config, ports: dict[str, int]) -> None:
    """Points each named cluster at a port of this machine. Every cluster must be named, so that none is left dangling."""
    clusters = {cluster["name"]: cluster for cluster in config["static_resources"]["clusters"]}
    if set(clusters) != set(ports):
        raise ValueError(f"the configuration has clusters {sorted(clusters)}, upstreams are {sorted(ports)}")
    for name, port in ports.items():
        endpoint = clusters[name]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"]["socket_address"]["port_value"] = port


def set_free_ports(config: Config) -> None:
    """Lets the kernel choose the ports of the admin page and of every listener."""
    for holder in [config["admin"], *listeners(config)]:
        holder["address"]["socket_address"]["port_value"] = 0


def set_module(config: Config, module: Path) -> None:
    """Names the module by its full path, so that Envoy may run in any directory."""
    for listener in listeners(config):
        plugin(listener)["vm_config"]["code"]["local"]["filename"] = str(module)
