"""Who is charged: the tenant that the policy's header names, and what becomes of requests that name none."""

from __future__ import annotations

import pytest
from answers import USUAL_TOTAL, completion
from lab import Lab, Listener, body_of


def test_requests_without_a_tenant_share_one_count(lab: Lab) -> None:
    gateway = lab.listener("main")
    first = gateway.chat(answer=completion(111), tenant=None).reply
    second = gateway.chat(answer=completion(5), tenant=None).reply
    told = [reply.number("x-ratelimit-remaining-tokens") + reply.number("x-pointsman-reserved") for reply in (first, second)]
    assert told[0] - told[1] == 111


def test_or_are_refused(lab: Lab) -> None:
    sent = lab.listener("strict").chat(tenant=None)
    assert sent.reply.status == 401
    error = sent.reply.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", "tenant_required")
    assert sent.reached == []


def test_or_are_free(lab: Lab) -> None:
    free = lab.listener("free")
    for _ in range(3):
        reply = free.chat(answer=completion(10_000), tenant=None).reply
        assert reply.status == 200
        assert [name for name, _ in reply.headers if name.startswith("x-ratelimit-")] == []


def test_traffic_that_is_no_llm_traffic_needs_no_tenant(lab: Lab) -> None:
    assert lab.listener("strict").send(b"{}", tenant=None, path="/v1/files").reply.status == 200


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_no_name(lab: Lab, name: str) -> None:
    assert lab.listener("strict").chat(tenant=name).reply.status == 401


ODD_NAMES = ["a b", "ü".encode().decode("latin-1"), "a" * 2000, "../../x", "a\tb", '{"x":1}', "acme/eu:1", "%00"]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: name[:8])
def test_any_name_has_its_own_count(gateway: Listener, name: str, tenant: str) -> None:
    name = f"{name}-{tenant}"
    assert gateway.chat(answer=completion(70), tenant=name).reply.status == 200
    assert gateway.chat(answer=completion(5), tenant=name + "x").reply.status == 200
    assert gateway.used(name) == 70


def test_a_name_given_twice_names_nobody_else(lab: Lab, tenant: str) -> None:
    """Two headers of one name: refused, or charged to one party; the other's count stays as it was."""
    gateway = lab.listener("main")
    victim = tenant + "-victim"
    before = gateway.used(victim)
    gateway.send(body_of(), {"x-tenant": tenant, "X-Tenant": victim}, tenant=None)
    assert sorted([gateway.used(victim) - before, gateway.used(tenant)]) in ([0, 0], [0, USUAL_TOTAL])


def test_many_tenants_do_not_disturb_each_other(gateway: Listener, tenant: str) -> None:
    names = [f"{tenant}-{number}" for number in range(150)]
    for at, name in enumerate(names):
        assert gateway.chat(answer=completion(at + 1), tenant=name).reply.status == 200
    assert [gateway.used(name) for name in names] == list(range(1, 151))
