"""Policies that are wrong: Envoy does not start with one, and its log names the place in the document and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from demo.envoy import Envoy, EnvoyFailed
from lab import Lab, settings
from policies import BASE

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


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_policy_stops_the_start_and_is_named(name: str, tmp_path: Path) -> None:
    policy, named = WRONG[name]
    envoy = Envoy(settings(NOWHERE, {"wrong": policy}), folder=tmp_path)
    with pytest.raises(EnvoyFailed, match="ended with status") as failure, envoy:
        pass
    said = [line for line in str(failure.value).splitlines() if "pointsman:" in line and "[error]" in line]
    assert said, failure.value
    assert [word for word in named if word not in said[0]] == [], said[0]
    assert "panicked" not in str(failure.value)


def test_a_policy_of_one_member_is_enough(tmp_path: Path) -> None:
    with Envoy(settings(NOWHERE, {"least": {"default": {"model": "x"}}}), folder=tmp_path) as envoy:
        assert envoy.alive()


def test_what_was_configured_is_logged_without_secrets(lab: Lab) -> None:
    log = lab.envoy.log()
    assert "pointsman:" in log
    assert json.dumps(BASE) not in log


def test_no_text_of_prompts_is_ever_logged(lab: Lab) -> None:
    gateway = lab.listener("main")
    for body in (b'{"model":"auto","messages":[{"role":"user","content":"xyzzyplugh"}]}', b'{"xyzzyplugh', b'{"messages":"xyzzyplugh"}'):
        gateway.send(body)
    assert "xyzzyplugh" not in lab.envoy.log()
