"""What a tenant is charged: what the answer reports, else the estimate; nothing for answers that failed."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from answers import (
    USUAL_TOTAL,
    chunk,
    completion,
    completion_body,
    crash,
    dying_stream,
    event,
    events,
    until,
    usage,
    usage_chunk,
    whole,
)
from demo.wire import Answer, Request
from lab import CHAT, MATH, Listener, body_of, eventually
from policies import EXPECTED_OUTPUT, PLENTY
from web import dial, head_of

STREAMED = body_of(MATH, stream=True)


def test_usage_is_charged(gateway: Listener, tenant: str) -> None:
    for total in (18, 1, 100_000):
        assert gateway.chat(answer=completion(total), tenant=tenant).reply.status == 200
    assert gateway.used(tenant) == 100_019


def test_remaining_and_reserved_tell_what_was_used_before(gateway: Listener, tenant: str) -> None:
    first = gateway.chat(answer=completion(500), tenant=tenant, max_tokens=50).reply
    second = gateway.chat(tenant=tenant, max_tokens=50).reply
    assert first.number("x-ratelimit-limit-tokens") == PLENTY
    assert first.number("x-ratelimit-remaining-tokens") + first.number("x-pointsman-reserved") == PLENTY
    assert second.number("x-ratelimit-remaining-tokens") + second.number("x-pointsman-reserved") == PLENTY - 500


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_what_is_reserved_follows_what_may_be_generated(gateway: Listener, member: str) -> None:
    few = gateway.chat(**{member: 10}).reply.number("x-pointsman-reserved")
    many = gateway.chat(**{member: 1010}).reply.number("x-pointsman-reserved")
    unsaid = gateway.chat().reply.number("x-pointsman-reserved")
    assert many - few == 1000
    assert unsaid - few == EXPECTED_OUTPUT - 10


def test_a_longer_prompt_reserves_more(gateway: Listener) -> None:
    short = gateway.chat("hi").reply.number("x-pointsman-reserved")
    assert gateway.chat("hi there, how are you? " * 100).reply.number("x-pointsman-reserved") > short + 100


ODD_NUMBERS = [0, -5, 1.5, "10", None, 10**30, True, []]


@pytest.mark.parametrize("value", ODD_NUMBERS, ids=map(str, ODD_NUMBERS))
def test_odd_limits_of_the_client_do_no_harm(gateway: Listener, value: object, tenant: str) -> None:
    sent = gateway.chat(answer=completion(40), tenant=tenant, max_tokens=value)
    if sent.reply.status >= 400:
        sent.reply.error()
        assert gateway.used(tenant) == 0
    else:
        assert gateway.used(tenant) == 40


def test_several_choices_reserve_for_each(gateway: Listener) -> None:
    one = gateway.chat(max_tokens=100).reply.number("x-pointsman-reserved")
    assert gateway.chat(max_tokens=100, n=3).reply.number("x-pointsman-reserved") >= one + 200


REPORTS = {
    "white space": json.dumps({"usage": usage(USUAL_TOTAL)}, indent=4).encode(),
    "usage first": b'{"usage":{"prompt_tokens":10,"completion_tokens":8,"total_tokens":18},"choices":[{"message":{"content":"usage"}}]}',
    "no total": b'{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":8}}',
    "details": json.dumps(
        {"usage": {**usage(USUAL_TOTAL), "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 4}}}
    ).encode(),
    "a usage that is not the answer's": b'{"choices":[{"message":{"content":"\\"usage\\":{\\"total_tokens\\":999}","usage":{"total_tokens":999}}}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":8,"total_tokens":18}}',
    "a long answer": completion_body(choices=[{"index": 0, "message": {"role": "assistant", "content": "x" * 3_000_000}}]),
}


@pytest.mark.parametrize("name", REPORTS)
def test_usage_is_read_from_any_answer(gateway: Listener, name: str, tenant: str) -> None:
    sent = gateway.chat(answer=whole(REPORTS[name]), tenant=tenant)
    assert sent.reply.body == REPORTS[name]
    assert gateway.used(tenant) == USUAL_TOTAL


def test_usage_in_a_chunked_answer(gateway: Listener, tenant: str) -> None:
    body = completion_body(55)

    def slowly(_request: Request, answer: Answer) -> None:
        answer.head(200, [("content-type", "application/json"), ("transfer-encoding", "chunked")])
        for at in range(0, len(body), 7):
            answer.chunk(body[at : at + 7])
            time.sleep(0.0005)
        answer.end()

    assert gateway.chat(answer=slowly, tenant=tenant).reply.body == body
    assert gateway.used(tenant) == 55


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_usage_of_an_answer_that_ends_in_trailers(gateway: Listener, kind: str, tenant: str) -> None:
    """No body callback says that such an answer has ended."""
    body = completion_body(66) if kind == "application/json" else event(chunk("a")) + usage_chunk(66)

    def answer_so(_request: Request, answer: Answer) -> None:
        answer.head(200, [("content-type", kind), ("transfer-encoding", "chunked"), ("trailer", "x-time")])
        answer.chunk(body)
        answer.raw(b"0\r\nx-time: 1\r\n\r\n")

    stream_options = {"include_usage": True}
    sent = gateway.chat(answer=answer_so, tenant=tenant, stream=True, stream_options=stream_options)
    assert sent.reply.body == body
    assert gateway.used(tenant) == 66


SILENT = {
    "no usage": whole(b'{"choices":[]}'),
    "usage null": whole(b'{"choices":[],"usage":null}'),
    "usage of a wrong type": whole(b'{"usage":{"total_tokens":"18"}}'),
    "a negative usage": whole(b'{"usage":{"prompt_tokens":-9,"completion_tokens":-9,"total_tokens":-18}}'),
    "no JSON": whole(b"<html>", kind="text/html"),
    "broken JSON": whole(b'{"usage":'),
    "nothing": whole(b""),
    "compressed though not asked": whole(gzip.compress(completion_body()), content_encoding="gzip"),
}


@pytest.mark.parametrize("name", SILENT)
def test_without_usage_the_estimate_stays(gateway: Listener, name: str, tenant: str) -> None:
    sent = gateway.chat(answer=SILENT[name], tenant=tenant)
    assert sent.reply.status == 200
    assert gateway.used(tenant) == sent.reply.number("x-pointsman-reserved") > 0


def test_an_absurd_usage_is_charged_and_breaks_nothing(gateway: Listener, tenant: str) -> None:
    body = b'{"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":18446744073709551616000}}'
    assert gateway.chat(answer=whole(body), tenant=tenant).reply.status == 200
    again = gateway.chat(tenant=tenant).reply
    assert again.status in (200, 429), again


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_failed_answer_costs_nothing(gateway: Listener, status: int, tenant: str) -> None:
    body = b'{"error":{"message":"no","type":"t","param":null,"code":null}}'
    sent = gateway.chat(answer=whole(body, status), tenant=tenant)
    assert (sent.reply.status, sent.reply.body) == (status, body)
    assert gateway.used(tenant) == 0


def test_unless_it_reports_what_it_cost(gateway: Listener, tenant: str) -> None:
    body = b'{"error":{"message":"no"},"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}'
    assert gateway.chat(answer=whole(body, 500), tenant=tenant).reply.status == 500
    assert gateway.used(tenant) == 7


def test_a_server_that_dies_before_it_answers(gateway: Listener, tenant: str) -> None:
    sent = gateway.chat(answer=crash, tenant=tenant)
    assert sent.reply.status == 503
    assert gateway.used(tenant) == 0


@pytest.mark.parametrize("reported", [False, True])
def test_a_server_that_dies_in_the_stream(gateway: Listener, reported: bool, tenant: str) -> None:
    pieces = [event(chunk("a")), event(chunk("b"))] + ([usage_chunk(44)] if reported else [])
    sent = gateway.send(STREAMED, answer=dying_stream(*pieces), tenant=tenant)
    assert sent.reply.status == 200 and not sent.reply.whole
    expected = 44 if reported else sent.reply.number("x-pointsman-reserved")
    eventually(lambda: gateway.used(tenant), expected)


def test_a_server_that_dies_in_a_whole_answer(gateway: Listener, tenant: str) -> None:
    def half(_request: Request, answer: Answer) -> None:
        answer.head(200, [("content-type", "application/json"), ("content-length", "500")])
        answer.raw(b'{"choices":')
        time.sleep(0.05)
        answer.abort()

    sent = gateway.chat(answer=half, tenant=tenant)
    assert not sent.reply.whole
    eventually(lambda: gateway.used(tenant), sent.reply.number("x-pointsman-reserved"))


@pytest.mark.parametrize("reported", [False, True])
def test_a_client_that_leaves_in_the_stream(gateway: Listener, reported: bool, tenant: str) -> None:
    """Charged with the usage that had come by then, else with the estimate; the count is there for the next request."""
    left: list[bool] = []
    first = [usage_chunk(44)] if reported else []
    mark = gateway.lab.expect(until(lambda: bool(left), *first, event(chunk("a"))))
    with dial(gateway.port) as connection:
        headers = {"x-test": mark, "x-tenant": tenant, "content-length": str(len(STREAMED))}
        connection.sendall(head_of("POST", CHAT, headers) + STREAMED)
        received = b""
        while b'"a"' not in received:
            received += connection.recv(65536)
    head = received.split(b"\r\n\r\n")[0].decode().split("\r\n")
    reserved = int(dict(line.split(": ", 1) for line in head[1:])["x-pointsman-reserved"])
    eventually(lambda: gateway.used(tenant), 44 if reported else reserved)
    left.append(True)


def test_a_client_that_leaves_before_the_answer(gateway: Listener, tenant: str) -> None:
    """The server may be at work on it, so the estimate is charged."""
    reserved = gateway.chat(MATH, completion(0), tenant=tenant, stream=True).reply.number("x-pointsman-reserved")

    def late(_request: Request, answer: Answer) -> None:
        time.sleep(0.3)
        completion()(_request, answer)

    mark = gateway.lab.expect(late)
    with dial(gateway.port) as connection:
        headers = {"x-test": mark, "x-tenant": tenant, "content-length": str(len(STREAMED))}
        connection.sendall(head_of("POST", CHAT, headers) + STREAMED)
        eventually(lambda: len(gateway.lab.reached(mark)), 1)
    eventually(lambda: gateway.used(tenant), reserved)


def test_what_was_shown_of_a_stream_without_usage_is_all_there(gateway: Listener, tenant: str) -> None:
    pieces = [event(chunk(str(number))) for number in range(20)]
    sent = gateway.send(STREAMED, answer=events(*pieces), tenant=tenant)
    assert sent.reply.body == b"".join(pieces)
