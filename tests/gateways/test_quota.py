"""Limits: what fits is let through, what does not is refused in OpenAI's form, and all workers count as one."""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from answers import USUAL_TOTAL, completion, completion_body, stream, whole
from demo.wire import Answer, Application, Request
from lab import Exchange, Lab, Listener, body_of
from policies import PLENTY

LIMIT = 1000
DURATION = re.compile(r"^(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$")
CLIENTS = 24


@pytest.fixture
def tight(lab: Lab) -> Listener:
    """The gateway under a limit of 1000 tokens a month for each tenant."""
    return lab.listener("tight")


def spend(listener: Listener, tenant: str, total: int) -> None:
    assert listener.chat(answer=completion(total), tenant=tenant, max_tokens=1).reply.status == 200


def test_a_spent_quota_is_refused(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, LIMIT)
    sent = tight.chat(tenant=tenant, max_tokens=1)
    assert sent.reply.status == 429
    error = sent.reply.error()
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert str(LIMIT) in error["message"]
    assert sent.reached == []


def test_a_refusal_says_when_to_come_back(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, LIMIT)
    reply = tight.chat(tenant=tenant, max_tokens=1).reply
    assert reply.number("retry-after") >= 1
    assert reply.number("x-ratelimit-limit-tokens") == LIMIT
    assert reply.number("x-ratelimit-remaining-tokens") == 0
    reset = reply.header("x-ratelimit-reset-tokens")
    assert reset and DURATION.match(reset), reset


def test_another_tenant_goes_on(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, LIMIT)
    assert tight.chat(tenant=tenant, max_tokens=1).reply.status == 429
    assert tight.chat(tenant=tenant + "-other", max_tokens=1).reply.status == 200


def test_a_refusal_costs_nothing(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, 600)
    for _ in range(5):
        assert tight.chat(tenant=tenant, max_tokens=500).reply.status == 429
    assert tight.used(tenant, LIMIT) == 600


def test_what_does_not_fit_is_refused_and_what_fits_is_not(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, 600)
    assert tight.chat(tenant=tenant, max_tokens=500).reply.status == 429
    assert tight.chat(tenant=tenant, max_tokens=100).reply.status == 200


def test_what_can_never_fit_is_not_worth_a_retry(tight: Listener, tenant: str) -> None:
    sent = tight.chat(tenant=tenant, max_tokens=LIMIT + 1)
    assert sent.reply.status == 429
    assert sent.reply.error()["code"] == "request_too_large"
    assert sent.reply.header("x-should-retry") == "false"
    assert sent.reached == []


def test_more_than_was_reserved_is_charged_all_the_same(tight: Listener, tenant: str) -> None:
    spend(tight, tenant, 5 * LIMIT)
    reply = tight.chat(tenant=tenant, max_tokens=1).reply
    assert (reply.status, reply.number("x-ratelimit-remaining-tokens")) == (429, 0)


def test_a_request_with_an_explicit_model_is_held_to_the_quota_too(tight: Listener, tenant: str) -> None:
    assert tight.chat(answer=completion(LIMIT), tenant=tenant, model="gpt-4.1", max_tokens=1).reply.status == 200
    assert tight.chat(tenant=tenant, model="gpt-4.1", max_tokens=1).reply.status == 429


def test_a_stream_is_refused_before_it_starts(tight: Listener, tenant: str) -> None:
    assert tight.chat(answer=stream(LIMIT), tenant=tenant, stream=True, max_tokens=1).reply.status == 200
    refused = tight.chat(answer=stream(1), tenant=tenant, stream=True, max_tokens=1).reply
    assert refused.status == 429
    assert refused.error()["code"] == "rate_limit_exceeded"


def test_the_limit_that_binds_is_told(lab: Lab, tenant: str) -> None:
    both = lab.listener("two-limits")
    reply = both.chat(tenant=tenant, max_tokens=100).reply
    assert reply.number("x-ratelimit-limit-tokens") == 600
    spend(both, tenant, 600 - USUAL_TOTAL)
    assert "600" in both.chat(tenant=tenant, max_tokens=1).reply.error()["message"]


def test_a_new_window_starts_afresh(lab: Lab, tenant: str) -> None:
    listener = lab.listener("seconds")
    spend(listener, tenant, LIMIT)
    end = time.monotonic() + 3
    while (reply := listener.chat(tenant=tenant, max_tokens=1).reply).status == 429:
        assert reply.number("retry-after") == 1
        assert time.monotonic() < end, "still refused after three windows of a second"
        time.sleep(0.05)
    assert reply.number("x-ratelimit-remaining-tokens") + reply.number("x-pointsman-reserved") == LIMIT


def test_an_answer_that_ends_in_the_next_window_disturbs_neither(lab: Lab, tenant: str) -> None:
    """Reserved in one second and settled in a later one: the later one keeps its own count, whole and not below nothing."""

    def slow(request: Request, answer: Answer) -> None:
        time.sleep(1.2)
        completion(900)(request, answer)

    listener = lab.listener("seconds")
    assert listener.chat(answer=slow, tenant=tenant, max_tokens=300).reply.status == 200
    reply = listener.chat(tenant=tenant, max_tokens=1).reply
    assert reply.status == 200
    assert reply.number("x-ratelimit-remaining-tokens") + reply.number("x-pointsman-reserved") <= LIMIT


def test_without_quotas_nothing_is_said_of_them(lab: Lab, tenant: str) -> None:
    reply = lab.listener("no-quota").chat(tenant=tenant).reply
    assert reply.status == 200
    assert [name for name, _ in reply.headers if name.startswith("x-ratelimit-")] == []


def test_a_listed_tenant_without_limits_is_never_refused(gateway: Listener) -> None:
    for _ in range(3):
        reply = gateway.chat(answer=completion(10**9), tenant="unlimited").reply
        assert reply.status == 200
        assert [name for name, _ in reply.headers if name.startswith("x-ratelimit-")] == []


def test_a_listed_tenant_has_its_own_limit(gateway: Listener) -> None:
    assert gateway.chat(tenant="spent").reply.error()["code"] == "request_too_large"


def test_limits_that_the_server_tells_do_not_stand_beside_ours(gateway: Listener, tenant: str) -> None:
    """A provider tells its own account's limits, which are none of this tenant's business and would contradict ours."""
    answer = whole(completion_body(), x_ratelimit_limit_tokens="7", x_ratelimit_remaining_tokens="5", x_ratelimit_reset_tokens="1s")
    reply = gateway.chat(answer=answer, tenant=tenant).reply
    assert reply.number("x-ratelimit-limit-tokens") == PLENTY
    assert reply.number("x-ratelimit-remaining-tokens") > 5
    assert reply.header("x-ratelimit-reset-tokens") != "1s"


def test_but_are_left_where_no_quota_is_ours(lab: Lab) -> None:
    answer = whole(completion_body(), x_ratelimit_remaining_tokens="5")
    assert lab.listener("no-quota").chat(answer=answer).reply.number("x-ratelimit-remaining-tokens") == 5


def test_what_explains_is_ours_alone(gateway: Listener) -> None:
    answer = whole(completion_body(), x_pointsman_model="another", x_pointsman_reason="whim")
    reply = gateway.chat(answer=answer).reply
    assert (reply.header("x-pointsman-model"), reply.header("x-pointsman-reason")) == ("stem-32b", "classified")


def varied(chance: random.Random) -> tuple[int, bool, Application]:
    total, streamed = chance.randrange(1, 400), chance.random() < 0.5
    return total, streamed, stream(total) if streamed else completion(total)


def test_workers_share_the_count_to_the_token(gateway: Listener, tenant: str) -> None:
    """Many connections at once over two workers, streamed and not, each with another usage: the sum is the truth."""
    chance = random.Random(11)
    jobs = [varied(chance) for _ in range(240)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = list(pool.map(lambda job: gateway.chat(answer=job[2], tenant=tenant, stream=job[1], max_tokens=50), jobs))
    assert {one.reply.status for one in sent} == {200}
    assert gateway.used(tenant) == sum(total for total, _, _ in jobs)


def test_both_workers_took_part(lab: Lab) -> None:
    """What the test before this one is worth."""
    served = lab.envoy.stats(r"^listener\..*worker_[01]\.downstream_cx_total$")
    by_worker = {name.rsplit(".", 2)[-2]: 0 for name in served}
    for name, count in served.items():
        by_worker[name.rsplit(".", 2)[-2]] += count
    assert sorted(by_worker) == ["worker_0", "worker_1"]
    assert min(by_worker.values()) > 20, by_worker


def test_a_rush_cannot_overspend(tight: Listener, tenant: str) -> None:
    """Slow answers, all asked for at once: what is reserved at any time fits the limit, so only so many get through."""

    def slow(request: Request, answer: Answer) -> None:
        time.sleep(0.4)
        completion(90)(request, answer)

    body = body_of("hi", max_tokens=85)
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent: list[Exchange] = list(pool.map(lambda _: tight.send(body, answer=slow, tenant=tenant), range(CLIENTS)))
    served = [one for one in sent if one.reply.status == 200]
    assert {one.reply.status for one in sent} == {200, 429}
    assert sum(one.reply.number("x-pointsman-reserved") for one in served) <= LIMIT
    assert tight.used(tenant, LIMIT) == 90 * len(served)
