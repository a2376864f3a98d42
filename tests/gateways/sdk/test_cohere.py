"""Cohere's client, version 2 of its API: chat and chat_stream."""

from __future__ import annotations

from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError
from cohere_server import ARGUMENTS, CohereServer
from lab import LAW
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads

USER = {"role": "user", "content": MATH}
PARAMETERS = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
TOOL = {"type": "function", "function": {"name": "solve", "description": "Solves an equation", "parameters": PARAMETERS}}


def client(road: Road, retries: int = 0) -> cohere.ClientV2:
    there = httpx.Client(headers=road.headers, timeout=10, trust_env=False)
    return cohere.ClientV2("none", base_url=road.url, httpx_client=there, max_retries=retries)


def ask(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return client(road).chat(model=road.model, messages=list(messages), **options).model_dump()


def ask_streaming(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return [event.model_dump() for event in client(road).chat_stream(model=road.model, messages=list(messages), **options)]


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(CohereServer)


def test_an_answer(server: Roads) -> None:
    got = server.same(lambda road: ask(road, max_tokens=300))
    assert got["message"]["content"][0]["text"] == ANSWER
    assert server.through.server.spent == 43
    server.went_to(times=1)


def test_a_named_model(roads: MakeRoads) -> None:
    named = roads(CohereServer, "command-a-03-2025", "command-a-03-2025")
    named.same(ask)
    named.went_to("command-a-03-2025", "general", times=1)


def test_a_stream(server: Roads) -> None:
    got = server.same(ask_streaming)
    assert "".join(event["delta"]["message"]["content"]["text"] for event in got if event["type"] == "content-delta") == ANSWER
    assert (got[0]["type"], got[-1]["type"]) == ("message-start", "message-end")
    assert got[-1]["delta"]["usage"]["tokens"]["output_tokens"] == 12
    server.went_to(times=1)


def test_a_loop_of_tools_stays_on_its_model(server: Roads) -> None:
    def converse(road: Road) -> Any:
        messages: list[Any] = [USER]
        called = ask(road, messages, tools=[TOOL])
        called_streaming = ask_streaming(road, messages, tools=[TOOL])
        calls = called["message"]["tool_calls"]
        messages.append({"role": "assistant", "tool_plan": called["message"]["tool_plan"], "tool_calls": calls})
        document = {"type": "document", "document": {"data": {"text": LAW}}}
        messages.append({"role": "tool", "tool_call_id": calls[0]["id"], "content": [document]})
        answered = ask(road, messages, tools=[TOOL])
        messages += [{"role": "assistant", "content": ANSWER}, {"role": "user", "content": SHORT_FOLLOW_UP}]
        return called, called_streaming, answered, ask_streaming(road, messages, tools=[TOOL])

    called, _, answered, _ = server.same(converse)
    assert called["message"]["tool_calls"][0]["function"]["arguments"] == str(ARGUMENTS).replace("'", '"')
    assert answered["message"]["content"][0]["text"] == ANSWER
    server.went_to(times=4)


SERVER_ERRORS = {
    "a wrong request": (400, cohere.BadRequestError),
    "no such model": (404, cohere.NotFoundError),
    "the server's own limit": (429, cohere.TooManyRequestsError),
    "a failure": (500, cohere.InternalServerError),
}


@pytest.mark.parametrize("name", SERVER_ERRORS)
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, name: str, streamed: bool) -> None:
    status, kind = SERVER_ERRORS[name]
    failing = roads(lambda: CohereServer(fails=(status, {"id": "e-1", "message": "No – «not» so."})))

    def fail(road: Road) -> Any:
        with pytest.raises(ApiError) as raised:
            (ask_streaming if streamed else ask)(road)
        return type(raised.value), raised.value.status_code, str(raised.value.body)

    assert failing.same(fail)[:2] == (kind, status)
