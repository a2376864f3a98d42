"""Google's client against Gemini's API: the model stands in the path."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from gemini_server import ARGUMENTS, COUNTED, GeminiServer
from google import genai
from google.genai import errors, types
from lab import LAW
from pydantic import BaseModel
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads


class Roots(BaseModel):
    roots: list[int]


def client(road: Road, **options: Any) -> genai.Client:
    there = types.HttpOptions(base_url=road.url, headers=road.headers, timeout=10_000, **options)
    return road.hold(genai.Client(api_key="none", http_options=there))


def plain(answer: Any) -> dict[str, Any]:
    """An answer without the HTTP headers that its client puts in."""
    return answer.model_dump(exclude={"sdk_http_response", "automatic_function_calling_history"})


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(GeminiServer)


def test_an_answer(server: Roads) -> None:
    config = types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=300)
    got = server.same(lambda road: plain(client(road).models.generate_content(model=road.model, contents=MATH, config=config)))
    assert got["candidates"][0]["content"]["parts"][0]["text"] == ANSWER
    assert server.through.server.spent == 31 + 12 + 9
    assert server.went_to(times=1)[0].request.target.endswith("/models/stem-32b:generateContent")


def test_a_named_model(roads: MakeRoads) -> None:
    named = roads(GeminiServer, "gemini-2.5-pro", "gemini-2.5-pro")
    named.same(lambda road: plain(client(road).models.generate_content(model=road.model, contents=MATH)))
    named.went_to("gemini-2.5-pro", "general", times=1)


def test_a_stream(server: Roads) -> None:
    got = server.same(lambda road: [plain(chunk) for chunk in client(road).models.generate_content_stream(model=road.model, contents=MATH)])
    assert "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in got) == ANSWER
    (seen,) = server.went_to(times=1)
    assert seen.request.target.endswith("/models/stem-32b:streamGenerateContent?alt=sse")


def test_a_stream_as_one_array(server: Roads) -> None:
    """What the API sends when nobody asks for events; its client never does."""

    def ask(road: Road) -> Any:
        body = {"contents": [{"parts": [{"text": MATH}]}]}
        return httpx.post(f"{road.url}/v1beta/models/{road.model}:streamGenerateContent", json=body, headers=road.headers, trust_env=False).content

    got = server.same(ask)
    assert got.startswith(b"[{") and got.endswith(b"}]")
    server.went_to(times=1)


def test_a_chat_of_many_turns_stays_on_its_model(server: Roads) -> None:
    def converse(road: Road) -> Any:
        chat = client(road).chats.create(model=road.model)
        first = plain(chat.send_message(MATH))
        streamed = [plain(chunk) for chunk in chat.send_message_stream(SHORT_FOLLOW_UP)]
        return first, streamed, plain(chat.send_message("Thank you. And their product?"))

    server.same(converse)
    server.went_to(times=3)


def test_its_own_calling_of_functions_stays_on_its_model(server: Roads) -> None:
    called: list[str] = []

    def solve(expression: str) -> str:
        """Solves an equation."""
        called.append(expression)
        return LAW

    def converse(road: Road) -> Any:
        config = types.GenerateContentConfig(tools=[solve])
        return plain(client(road).models.generate_content(model=road.model, contents=MATH, config=config))

    got = server.same(converse)
    assert got["candidates"][0]["content"]["parts"][0]["text"] == ANSWER
    assert called == [ARGUMENTS["expression"]] * 2
    server.went_to(times=2)


def test_structured_output(roads: MakeRoads) -> None:
    server = roads(lambda: GeminiServer('{"roots": [2, 3]}'))
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Roots)
    parse = lambda road: client(road).models.generate_content(model=road.model, contents=MATH, config=config).parsed  # noqa: E731
    assert server.same(parse) == Roots(roots=[2, 3])


def test_counting_is_left_alone(server: Roads) -> None:
    count = lambda road: client(road).models.count_tokens(model="auto", contents=MATH).total_tokens  # noqa: E731
    assert server.same(count) == COUNTED
    assert server.through.server.spent == 0
    server.went_to("auto", "general", times=1)


def test_many_at_once(server: Roads) -> None:
    async def all_of_them(road: Road) -> list[Any]:
        async with client(road).aio as many:

            async def whole() -> Any:
                return plain(await many.models.generate_content(model=road.model, contents=MATH))

            async def streamed() -> Any:
                return [plain(chunk) async for chunk in await many.models.generate_content_stream(model=road.model, contents=MATH)]

            return await asyncio.gather(*(make() for make in (whole, streamed) for _ in range(6)))

    server.same(lambda road: asyncio.run(all_of_them(road)))
    server.went_to(times=12)


SERVER_ERRORS = {
    "a wrong request": (400, "INVALID_ARGUMENT", errors.ClientError),
    "no such model": (404, "NOT_FOUND", errors.ClientError),
    "the server's own limit": (429, "RESOURCE_EXHAUSTED", errors.ClientError),
    "overloaded": (503, "UNAVAILABLE", errors.ServerError),
}


@pytest.mark.parametrize("name", SERVER_ERRORS)
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, name: str, streamed: bool) -> None:
    code, status, kind = SERVER_ERRORS[name]
    error = {"error": {"code": code, "message": "No – «not» so.", "status": status, "details": [{"@type": "type.googleapis.com/x"}]}}
    failing = roads(lambda: GeminiServer(fails=(code, error)))

    def fail(road: Road) -> Any:
        with pytest.raises(kind) as raised:
            models = client(road).models
            if streamed:
                list(models.generate_content_stream(model=road.model, contents=MATH))
            else:
                models.generate_content(model=road.model, contents=MATH)
        return raised.value.code, raised.value.status, raised.value.message, raised.value.details

    assert failing.same(fail)[:2] == (code, status)
