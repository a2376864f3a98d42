"""Ollama's client: chat and generate, whole and as lines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lab import LAW
from ollama import AsyncClient, Client, ResponseError
from ollama_server import ARGUMENTS, OllamaServer
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads

USER = {"role": "user", "content": MATH}


def solve(expression: str) -> str:
    """Solves an equation.

    Args:
      expression: The left side; the right one is nothing.
    """
    return LAW


def client(road: Road) -> Client:
    return Client(host=road.url, headers=road.headers, timeout=10, trust_env=False)


def chat(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return client(road).chat(model=road.model, messages=list(messages), **options).model_dump()


def chat_streaming(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return [line.model_dump() for line in client(road).chat(model=road.model, messages=list(messages), stream=True, **options)]


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(OllamaServer)


def test_a_chat(server: Roads) -> None:
    got = server.same(lambda road: chat(road, options={"num_predict": 300}))
    assert (got["message"]["content"], got["eval_count"]) == (ANSWER, 12)
    server.went_to(times=1)


def test_a_named_model(roads: MakeRoads) -> None:
    named = roads(OllamaServer, "llama3.2", "llama3.2")
    named.same(chat)
    named.went_to("llama3.2", "general", times=1)


def test_a_streamed_chat(server: Roads) -> None:
    got = server.same(chat_streaming)
    assert "".join(line["message"]["content"] for line in got) == ANSWER
    assert [line["done"] for line in got] == [False] * (len(got) - 1) + [True]
    server.went_to(times=1)


@pytest.mark.parametrize("streamed", [False, True])
def test_generate(server: Roads, streamed: bool) -> None:
    def generate(road: Road) -> Any:
        answer = client(road).generate(model=road.model, prompt=MATH, system="Be brief.", stream=streamed)
        return [line.model_dump() for line in answer] if streamed else [answer.model_dump()]

    assert "".join(line["response"] for line in server.same(generate)) == ANSWER
    server.went_to(times=1)


def test_a_loop_of_tools_stays_on_its_model(server: Roads) -> None:
    def converse(road: Road) -> Any:
        messages: list[Any] = [USER]
        called = chat(road, messages, tools=[solve])
        called_streaming = chat_streaming(road, messages, tools=[solve])
        messages += [called["message"], {"role": "tool", "tool_name": "solve", "content": solve("")}]
        answered = chat(road, messages, tools=[solve])
        messages += [answered["message"], {"role": "user", "content": SHORT_FOLLOW_UP}]
        return called, called_streaming, answered, chat_streaming(road, messages)

    called, _, answered, _ = server.same(converse)
    assert called["message"]["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
    assert answered["message"]["content"] == ANSWER
    server.went_to(times=4)


def test_many_at_once(server: Roads) -> None:
    async def all_of_them(road: Road) -> list[Any]:
        many = AsyncClient(host=road.url, headers=road.headers, timeout=20, trust_env=False)

        async def whole() -> Any:
            return (await many.chat(model=road.model, messages=[USER])).model_dump()

        async def streamed() -> Any:
            return [line.model_dump() async for line in await many.chat(model=road.model, messages=[USER], stream=True)]

        return await asyncio.gather(*(make() for make in (whole, streamed) for _ in range(6)))

    server.same(lambda road: asyncio.run(all_of_them(road)))
    server.went_to(times=12)


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, status: int, streamed: bool) -> None:
    failing = roads(lambda: OllamaServer(fails=(status, {"error": "model 'x' – not «found»"})))

    def fail(road: Road) -> Any:
        with pytest.raises(ResponseError) as raised:
            (chat_streaming if streamed else chat)(road)
        return raised.value.status_code, raised.value.error

    assert failing.same(fail) == (status, "model 'x' – not «found»")
