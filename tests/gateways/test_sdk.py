"""OpenAI's own client against the gateway: what works with OpenAI works here, and its errors are typed."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
from answers import USUAL_TOTAL, completion, stream
from lab import MATH, Lab, Listener
from openai import OpenAI

MESSAGES = [{"role": "user", "content": MATH}]
Client = Callable[..., OpenAI]


@pytest.fixture
def client(lab: Lab, tenant: str) -> Client:
    """Makes a client of a listener, whose requests are answered by the answer given."""

    def make(listener: str = "main", answer: object = None, **headers: str) -> OpenAI:
        gateway: Listener = lab.listener(listener)
        marked = {"x-tenant": tenant, "x-test": lab.expect(answer), **headers}
        return OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="none", default_headers=marked, max_retries=0, timeout=10)

    return make


def test_a_chat(client: Client) -> None:
    answer = client().chat.completions.create(model="auto", messages=MESSAGES)
    assert answer.choices[0].message.content == "Well."
    assert answer.usage is not None and answer.usage.total_tokens == USUAL_TOTAL


def test_the_raw_answer_carries_the_limits(client: Client) -> None:
    raw = client().chat.completions.with_raw_response.create(model="auto", messages=MESSAGES)
    assert raw.headers["x-pointsman-domain"] == "math"
    assert int(raw.headers["x-ratelimit-remaining-tokens"]) > 0


def test_a_stream(client: Client, gateway: Listener, tenant: str) -> None:
    with client(answer=stream(40)).chat.completions.create(model="auto", messages=MESSAGES, stream=True) as chunks:
        said = [chunk.choices[0].delta.content for chunk in chunks]
    assert "".join(text or "" for text in said) == "Well, yes"
    assert gateway.used(tenant) == 40


def test_a_stream_with_usage(client: Client) -> None:
    options = {"include_usage": True}
    with client(answer=stream(40)).chat.completions.create(
        model="auto", messages=MESSAGES, stream=True, stream_options=options
    ) as chunks:
        *_, last = chunks
    assert last.choices == [] and last.usage is not None and last.usage.total_tokens == 40


def test_a_spent_quota_is_a_rate_limit_error(client: Client) -> None:
    client("tight", completion(1000)).chat.completions.create(model="auto", messages=MESSAGES, max_tokens=1)
    with pytest.raises(openai.RateLimitError) as refused:
        client("tight").chat.completions.create(model="auto", messages=MESSAGES, max_tokens=1)
    assert (refused.value.type, refused.value.code) == ("tokens", "rate_limit_exceeded")
    assert int(refused.value.response.headers["retry-after"]) >= 1


def test_a_spent_quota_refuses_a_stream_as_an_error_too(client: Client) -> None:
    client("tight", completion(1000)).chat.completions.create(model="auto", messages=MESSAGES, max_tokens=1)
    with pytest.raises(openai.RateLimitError):
        client("tight").chat.completions.create(model="auto", messages=MESSAGES, max_tokens=1, stream=True)


def test_a_wrong_request_is_a_bad_request_error(client: Client) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client().chat.completions.create(model="auto", messages="hello")  # type: ignore[call-overload]
    assert refused.value.type == "invalid_request_error"
    assert refused.value.param == "messages"


def test_a_missing_tenant_is_an_authentication_error(lab: Lab) -> None:
    url = f"http://127.0.0.1:{lab.listener('strict').port}/v1"
    with pytest.raises(openai.AuthenticationError) as refused:
        OpenAI(base_url=url, api_key="none", max_retries=0).chat.completions.create(model="auto", messages=MESSAGES)
    assert refused.value.code == "tenant_required"


def test_too_large_a_request_is_not_retried(lab: Lab, tenant: str) -> None:
    """Its client retries a 429 by itself, unless it is told that this will not help."""
    gateway = lab.listener("tight")
    headers = {"x-tenant": tenant, "x-test": lab.expect()}
    patient = OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="none", default_headers=headers, max_retries=5)
    before = lab.envoy.stats("http.llm.downstream_rq_4xx")["http.llm.downstream_rq_4xx"]
    with pytest.raises(openai.RateLimitError) as refused:
        patient.chat.completions.create(model="auto", messages=MESSAGES, max_tokens=5000)
    assert refused.value.code == "request_too_large"
    assert lab.envoy.stats("http.llm.downstream_rq_4xx")["http.llm.downstream_rq_4xx"] == before + 1


def test_a_missing_model_at_the_server_is_its_own_error(client: Client) -> None:
    """Errors of the server come through as they are."""
    from answers import whole

    body = b'{"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}'
    with pytest.raises(openai.NotFoundError) as refused:
        client(answer=whole(body, 404)).chat.completions.create(model="nope", messages=MESSAGES)
    assert refused.value.code == "model_not_found"
