"""Streamed answers: usage is asked for and read wherever it comes, the client sees what it asked for, and nothing waits."""

from __future__ import annotations

import json
import random
import socket
import time

import pytest
from answers import DONE, USUAL_TOTAL, chunk, completion, event, events, stream, usage, usage_chunk
from lab import CHAT, MATH, Listener, body_of
from web import dial, head_of

STREAMED = body_of(MATH, stream=True)
WORDS = event(chunk("Well", usage=None)) + event(chunk(" é😀 \n", usage=None))
WHOLE = WORDS + usage_chunk() + DONE


def test_usage_is_asked_for_when_the_client_did_not(gateway: Listener) -> None:
    sent = gateway.send(STREAMED, answer=stream())
    assert sent.seen.json() == {**json.loads(STREAMED), "model": "stem-32b", "stream_options": {"include_usage": True}}
    assert sent.seen.header("content-length") == str(len(sent.seen.body))


@pytest.mark.parametrize("model", ["auto", "general-large"])
def test_but_not_shown(gateway: Listener, model: str) -> None:
    sent = gateway.send(body_of(MATH, model, stream=True), answer=events(WORDS, usage_chunk(), DONE))
    assert sent.reply.body == WORDS + DONE
    assert sent.reply.whole


def test_a_client_that_asked_is_shown(gateway: Listener) -> None:
    body = body_of(MATH, stream=True, stream_options={"include_usage": True})
    sent = gateway.send(body, answer=events(WORDS, usage_chunk(), DONE))
    assert sent.seen.body == body.replace(b'"auto"', b'"stem-32b"')
    assert sent.reply.body == WHOLE


OPTIONS = {
    "refused": {"include_usage": False},
    "empty": {},
    "null": None,
    "others": {"include_obfuscation": False},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_the_client_that_ask_for_no_usage(gateway: Listener, name: str, tenant: str) -> None:
    body = body_of(MATH, stream=True, stream_options=OPTIONS[name])
    sent = gateway.send(body, answer=events(WORDS, usage_chunk(), DONE), tenant=tenant)
    assert sent.seen.json()["stream_options"] == {**(OPTIONS[name] or {}), "include_usage": True}
    assert sent.reply.body == WORDS + DONE
    assert gateway.used(tenant) == USUAL_TOTAL


def test_an_answer_that_is_not_streamed_is_not_asked(gateway: Listener) -> None:
    sent = gateway.chat(MATH, stream=False)
    assert "stream_options" not in sent.seen.json()


ENDINGS: dict[str, bytes] = {
    "as OpenAI does": WHOLE,
    "usage in the last chunk with content": WORDS + event(chunk("!", usage=usage(USUAL_TOTAL))) + DONE,
    "usage in every chunk, growing": event(chunk("a", usage=usage(3))) + event(chunk("b", usage=usage(USUAL_TOTAL))) + DONE,
    "usage in the first chunk": event(chunk("a", usage=usage(USUAL_TOTAL))) + WORDS + DONE,
    "no DONE": WORDS + usage_chunk(),
    "no line end at the end": (WORDS + usage_chunk()).rstrip(b"\n"),
    "something after DONE": WHOLE + b": bye\n\n",
    "CRLF": event(chunk("a"), "\r\n") + event(chunk(usage=usage(USUAL_TOTAL)), "\r\n") + event("[DONE]", "\r\n"),
    "CR": event(chunk("a"), "\r") + event(chunk(usage=usage(USUAL_TOTAL)), "\r") + event("[DONE]", "\r"),
    "comments and other fields": b": ping\n\nevent: x\nid: 7\nretry: 10\n\n" + WHOLE,
    "no space after the colon": WHOLE.replace(b"data: ", b"data:"),
    "data over several lines": WORDS + b'data: {"choices":[],\ndata: "usage":{"prompt_tokens":9,\ndata: "completion_tokens":9,"total_tokens":18}}\n\n',
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "events that are no JSON": event("hello") + event("{") + WHOLE,
    "usage without a total": WORDS + event(chunk(usage={"prompt_tokens": 9, "completion_tokens": 9})) + DONE,
}


@pytest.mark.parametrize("name", ENDINGS)
def test_usage_is_read_wherever_it_comes(gateway: Listener, name: str, tenant: str) -> None:
    sent = gateway.send(STREAMED, answer=events(ENDINGS[name]), tenant=tenant)
    assert sent.reply.status == 200
    assert gateway.used(tenant) == USUAL_TOTAL


@pytest.mark.parametrize("name", ENDINGS)
def test_a_client_that_asked_gets_every_byte(gateway: Listener, name: str) -> None:
    body = body_of(MATH, stream=True, stream_options={"include_usage": True})
    assert gateway.send(body, answer=events(ENDINGS[name])).reply.body == ENDINGS[name]


LACKING: dict[str, bytes] = {
    "no usage at all": event(chunk("a")) + DONE,
    "usage always null": WORDS + DONE,
    "usage of a wrong type": WORDS + event(chunk(usage="many")) + event(chunk(usage={"total_tokens": "x"})) + DONE,
    "nothing": b"",
}


@pytest.mark.parametrize("name", LACKING)
def test_the_estimate_is_charged_when_no_usage_came(gateway: Listener, name: str, tenant: str) -> None:
    sent = gateway.send(STREAMED, answer=events(LACKING[name]), tenant=tenant)
    assert gateway.used(tenant) == sent.reply.number("x-pointsman-reserved") > 0


def test_an_event_cut_anywhere(gateway: Listener, tenant: str) -> None:
    """Every cut in the last events, where usage stands, and a sample of those before."""
    tail = len(usage_chunk() + DONE)
    places = [*range(len(WHOLE) - tail - 2, len(WHOLE), 5), *range(1, len(WORDS), 23)]
    for place in places:
        sent = gateway.send(STREAMED, answer=events(WHOLE[:place], WHOLE[place:], pause=0.002), tenant=tenant)
        assert sent.reply.body == WORDS + DONE, place
    assert gateway.used(tenant) == USUAL_TOTAL * len(places)


def test_every_byte_alone(gateway: Listener, tenant: str) -> None:
    answer = events(*(WHOLE[at : at + 1] for at in range(len(WHOLE))), pause=0.0002)
    assert gateway.send(STREAMED, answer=answer, tenant=tenant).reply.body == WORDS + DONE
    assert gateway.used(tenant) == USUAL_TOTAL


def test_cuts_at_random(gateway: Listener, tenant: str) -> None:
    chance = random.Random(7)
    for _ in range(20):
        places = sorted(chance.sample(range(1, len(WHOLE)), 6))
        pieces = [WHOLE[start:end] for start, end in zip([0, *places], [*places, len(WHOLE)])]
        assert gateway.send(STREAMED, answer=events(*pieces, pause=0.0005), tenant=tenant).reply.body == WORDS + DONE
    assert gateway.used(tenant) == USUAL_TOTAL * 20


def test_events_are_passed_on_as_they_come(gateway: Listener) -> None:
    """The first event reaches the client while the server has not said its second."""
    mark = gateway.lab.expect(events(event(chunk("a")), event(chunk("b")), DONE, pause=0.4))
    with dial(gateway.port) as connection:
        connection.sendall(head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(STREAMED))}) + STREAMED)
        started, received = time.monotonic(), b""
        while b'"a"' not in received:
            received += connection.recv(65536)
        assert time.monotonic() - started < 0.3
        assert b'"b"' not in received
        connection.shutdown(socket.SHUT_RDWR)


def test_a_long_stream_is_not_gathered(gateway: Listener, tenant: str) -> None:
    """Eight megabytes of events, one of them a megabyte: all of it arrives, and usage at its end is found."""
    block = event(chunk("x" * 1000)) * 1000
    large = event(chunk("y" * 1_000_000))
    sent = gateway.send(STREAMED, answer=events(*[block] * 6, large, usage_chunk(77), DONE), tenant=tenant)
    assert sent.reply.body == block * 6 + large + DONE
    assert gateway.used(tenant) == 77


def test_a_stream_that_was_asked_for_may_be_answered_whole(gateway: Listener, tenant: str) -> None:
    sent = gateway.send(STREAMED, answer=completion(33), tenant=tenant)
    assert sent.reply.json()["usage"]["total_tokens"] == 33
    assert gateway.used(tenant) == 33
