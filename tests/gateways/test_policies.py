"""Policies that are wrong: Envoy refuses them, and its log names the place in the document, what was found and what was expected."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo import config
from demo.envoy import Envoy, EnvoyFailed
from lab import CHAT, Lab, body_of, eventually, settings
from policies import BASE, STEM
from web import exchange

NOWHERE = {"general": 1, "stem": 1, "office": 1}


def with_quotas(**members: Any) -> dict[str, Any]:
    return {**BASE, "quotas": {**BASE["quotas"], **members}}


# Each wrong policy, and what its message has to name.
WRONG: dict[str, tuple[dict[str, Any] | str, list[str]]] = {
    "an unknown member": ({**BASE, "treshold": 0.5}, ["treshold"]),
    "an unknown member deep inside": (with_quotas(default=[{"tokens": 5, "per": "day", "burst": 1}]), ["quotas.default[0]", "burst"]),
    "no default": ({name: value for name, value in BASE.items() if name != "default"}, ["default"]),
    "a threshold of words": ({**BASE, "threshold": "high"}, ["threshold", "high"]),
    "a threshold above one": ({**BASE, "threshold": 1.5}, ["threshold", "1.5"]),
    "a domain that the model does not know": ({**BASE, "domains": {"maths": {"model": "x"}}}, ["domains.maths", "math"]),
    "an unknown period": (with_quotas(default=[{"tokens": 5, "per": "fortnight"}]), ["quotas.default[0].per", "fortnight", "day"]),
    "negative tokens": (with_quotas(tenants={"acme": [{"tokens": -5, "per": "day"}]}), ["quotas.tenants.acme[0].tokens", "-5"]),
    "a header that is none": ({**BASE, "headers": {"domain": "x y"}}, ["headers.domain", "x y"]),
    "no JSON": ('{"default": {"model": "x"}', ["line"]),
    "nothing": ("", []),
}


def complaint(log: str) -> str:
    """The line in which the module refuses its policy, from a log that holds one."""
    said = [line for line in log.splitlines() if "[error]" in line and "pointsman:" in line]
    assert len(said) == 1, log
    return said[0].split("pointsman: ", 1)[1]


def complaint_of(log: str, listener: str) -> str:
    """The same from a log of many: what stands between the plugin that failed before this listener's and its own."""
    parts = re.split(r"Plugin ([\w-]+) failed to load\n", log)
    return complaint(dict(zip(parts[1::2], parts[0::2]))[listener])


def lds_settings(folder: Path) -> dict[str, Any]:
    """A configuration whose listeners come from a file, as a control plane would send them."""
    bootstrap = settings(NOWHERE)
    bootstrap["static_resources"]["listeners"] = []
    source = {"path_config_source": {"path": str(folder / "lds.json")}, "resource_api_version": "V3"}
    return {**bootstrap, "dynamic_resources": {"lds_config": source}, "node": {"id": "test", "cluster": "test"}}


def send_listeners(folder: Path, policies: dict[str, Any]) -> None:
    """Puts one listener for each policy into the file, each plugin named like its listener so that the log tells them apart."""
    listeners = settings(NOWHERE, policies)["static_resources"]["listeners"]
    for listener in listeners:
        config.plugin(listener)["name"] = listener["name"]
        listener["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
    # Renamed into place, which is what Envoy watches for.
    new = folder / "lds.new"
    new.write_text(json.dumps({"version_info": str(time.monotonic()), "resources": listeners}))
    new.rename(folder / "lds.json")


@pytest.fixture(scope="module")
def rejecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Envoy]:
    """An Envoy that was sent every wrong policy over LDS at once, and two that are right: an ordinary one, and the least there can be."""
    folder = tmp_path_factory.mktemp("lds")
    policies = {f"wrong-{at}": policy for at, (policy, _) in enumerate(WRONG.values())}
    send_listeners(folder, {"right": BASE, **policies, "least": {"default": {"model": "x"}}})
    with Envoy(lds_settings(folder), folder=folder) as envoy:
        yield envoy


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_policy_is_refused_with_its_place_in_the_document(rejecting: Envoy, name: str) -> None:
    listener = f"wrong-{list(WRONG).index(name)}"
    line = complaint_of(rejecting.log(), listener)
    assert [word for word in WRONG[name][1] if word not in line] == [], line
    assert listener not in rejecting.ports


def test_wrong_policies_do_not_hinder_right_ones(rejecting: Envoy) -> None:
    assert sorted(rejecting.ports) == ["least", "right"]
    assert "panicked" not in rejecting.log()


def test_a_wrong_policy_in_the_bootstrap_stops_the_start(tmp_path: Path) -> None:
    envoy = Envoy(settings(NOWHERE, {"wrong": {**BASE, "treshold": 0.5}}), folder=tmp_path)
    with pytest.raises(EnvoyFailed, match="ended with status") as failure, envoy:
        pass
    assert "treshold" in complaint(str(failure.value))


def test_an_update_that_is_wrong_leaves_the_old_policy_at_work(lab: Lab, tmp_path: Path) -> None:
    """And one that is right replaces it, with the counts going on."""
    send_listeners(tmp_path, {"it": BASE})
    with Envoy(lds_settings(tmp_path), folder=tmp_path) as envoy:

        def model() -> str | None:
            named = {"content-type": "application/json", "x-tenant": "a"}
            return exchange(envoy.ports["it"], "POST", CHAT, named, body_of()).header("x-pointsman-model")

        assert model() == STEM
        send_listeners(tmp_path, {"it": {**BASE, "domains": {"maths": {"model": "x"}}}})
        eventually(lambda: envoy.stats("listener_manager.lds.update_rejected")["listener_manager.lds.update_rejected"], 1)
        assert model() == STEM
        send_listeners(tmp_path, {"it": {**BASE, "domains": {"math": {"model": "new-math"}}}})
        eventually(model, "new-math")


def test_what_was_configured_is_logged_without_secrets(lab: Lab) -> None:
    log = lab.envoy.log()
    assert "pointsman:" in log
    assert json.dumps(BASE) not in log


def test_no_text_of_prompts_is_ever_logged(lab: Lab) -> None:
    gateway = lab.listener("main")
    for body in (b'{"model":"auto","messages":[{"role":"user","content":"xyzzyplugh"}]}', b'{"xyzzyplugh', b'{"messages":"xyzzyplugh"}'):
        gateway.send(body)
    assert "xyzzyplugh" not in lab.envoy.log()
