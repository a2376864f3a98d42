"""OpenAI's client, chat completions: it sees the same through the gateway as straight from a server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from lab import LAW, eventually
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai_server import ARGUMENTS, OpenAiServer
from pydantic import BaseModel
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads

USER = {"role": "user", "content": MATH}
TOOL = {
    "type": "function",
    "function": {
        "name": "solve",
        "description": "Solves an equation",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


class Roots(BaseModel):
    roots: list[int]
    note: str


ROOTS = '{"roots": [2, 3], "note": "both – «real»"}'


def client(road: Road, **options: Any) -> OpenAI:
    return OpenAI(base_url=f"{road.url}/v1", api_key="none", default_headers=road.headers, **{"max_retries": 0, "timeout": 10, **options})


@pytest.fixture
def chat(roads: MakeRoads) -> Roads:
    return roads(OpenAiServer)


def ask(road: Road, messages: Any = (USER,), **options: Any) -> dict[str, Any]:
    return client(road).chat.completions.create(model=road.model, messages=list(messages), **options).model_dump()


def ask_streaming(road: Road, messages: Any = (USER,), **options: Any) -> list[dict[str, Any]]:
    with client(road).chat.completions.create(model=road.model, messages=list(messages), stream=True, **options) as chunks:
        return [chunk.model_dump() for chunk in chunks]


def test_an_answer(chat: Roads) -> None:
    got = chat.same(ask)
    assert got["choices"][0]["message"]["content"] == ANSWER
    assert got["usage"]["total_tokens"] == 43
    chat.went_to(times=1)


def test_the_raw_answer_carries_the_limits(chat: Roads) -> None:
    raw = client(chat.through).chat.completions.with_raw_response.create(model="auto", messages=[USER])
    assert raw.headers["x-pointsman-domain"] == "math"
    assert int(raw.headers["x-ratelimit-remaining-tokens"]) > 0
    assert raw.parse().choices[0].message.content == ANSWER


def test_a_named_model(roads: MakeRoads) -> None:
    named = roads(OpenAiServer, "gpt-4.1", "gpt-4.1")
    named.same(ask)
    named.same(ask_streaming)
    named.went_to("gpt-4.1", "general", times=2)


def test_several_choices(chat: Roads) -> None:
    assert len(chat.same(lambda road: ask(road, n=3, max_completion_tokens=40))["choices"]) == 3
    chat.same(lambda road: ask_streaming(road, n=3, max_completion_tokens=40))


def test_a_stream(chat: Roads) -> None:
    """Usage was asked for and charged, and the client, who did not ask, sees none of it."""
    got = chat.same(ask_streaming)
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in got) == ANSWER
    assert chat.went_to(times=1)[0].json()["stream_options"] == {"include_usage": True}
    assert {chunk["usage"] for chunk in got} == {None}


def test_a_stream_with_usage(chat: Roads) -> None:
    *_, last = chat.same(lambda road: ask_streaming(road, stream_options={"include_usage": True}))
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 43)


def test_a_stream_that_its_reader_leaves(chat: Roads) -> None:
    with client(chat.through).chat.completions.create(model="auto", messages=[USER], stream=True) as chunks:
        next(iter(chunks))
    # Whether the report came through before the reader left is a race; what was reported is charged, or else the reserve, never less.
    eventually(lambda: chat.gateway.used(chat.through.tenant) >= chat.through.server.spent > 0, True)


def test_the_streaming_helper(chat: Roads) -> None:
    def follow(road: Road) -> Any:
        with client(road).chat.completions.stream(model=road.model, messages=[USER]) as events:
            kinds = [event.type for event in events]
            return kinds, events.get_final_completion().model_dump()

    kinds, final = chat.same(follow)
    assert kinds[-1] == "content.done"
    assert final["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_tools_stays_on_its_model(chat: Roads, streamed: bool) -> None:
    """The tool's result is about something else altogether; the question is what it was."""

    def converse(road: Road) -> list[dict[str, Any]]:
        messages: list[Any] = [{"role": "system", "content": "Use your tools."}, USER]
        said = []
        for _ in range(3):
            if streamed:
                with client(road).chat.completions.stream(model=road.model, messages=messages, tools=[TOOL]) as events:
                    message = events.get_final_completion().choices[0].message
            else:
                message = client(road).chat.completions.create(model=road.model, messages=messages, tools=[TOOL]).choices[0].message
            said.append(message.model_dump())
            messages.append({key: value for key, value in said[-1].items() if key in ("role", "content", "tool_calls") and value})
            messages += [{"role": "tool", "tool_call_id": call.id, "content": LAW} for call in message.tool_calls or []]
            if not message.tool_calls:
                messages.append({"role": "user", "content": SHORT_FOLLOW_UP})
        return said

    first, second, third = chat.same(converse)
    assert json.loads(first["tool_calls"][0]["function"]["arguments"]) == ARGUMENTS
    assert second["content"] == ANSWER and third["tool_calls"]
    chat.went_to(times=3)


def test_structured_output(roads: MakeRoads) -> None:
    chat = roads(lambda: OpenAiServer(ROOTS))

    def parse(road: Road) -> Any:
        answer = client(road).chat.completions.parse(model=road.model, messages=[USER], response_format=Roots)
        return answer.choices[0].message.parsed

    def parse_streaming(road: Road) -> Any:
        with client(road).chat.completions.stream(model=road.model, messages=[USER], response_format=Roots) as events:
            return events.get_final_completion().choices[0].message.parsed

    assert chat.same(parse) == chat.same(parse_streaming) == Roots(roots=[2, 3], note="both – «real»")
    through, straight = (road.reached[0].json() for road in (chat.through, chat.straight))
    assert through == straight


def test_a_picture_in_the_question(chat: Roads) -> None:
    parts = [{"type": "text", "text": MATH}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 500}}]
    chat.same(lambda road: ask(road, [{"role": "user", "content": parts}]))
    chat.went_to(times=1)


def test_many_at_once(chat: Roads) -> None:
    async def all_of_them(road: Road) -> list[Any]:
        async with AsyncOpenAI(base_url=f"{road.url}/v1", api_key="none", default_headers=road.headers, max_retries=0, timeout=20) as many:

            async def whole() -> Any:
                return (await many.chat.completions.create(model=road.model, messages=[USER])).model_dump()

            async def streamed() -> Any:
                chunks = await many.chat.completions.create(model=road.model, messages=[USER], stream=True)
                return [chunk.model_dump() async for chunk in chunks]

            return await asyncio.gather(*(make() for make in (whole, streamed) for _ in range(12)))

    chat.same(lambda road: asyncio.run(all_of_them(road)))
    chat.went_to(times=24)


def test_azures_client_names_its_model_in_the_path(roads: MakeRoads) -> None:
    class Azure(OpenAiServer):
        def model(self, seen: Any) -> str:
            return seen.request.target.split("/deployments/")[1].split("/")[0]

        def serve(self, path: str, body: Any, request: Any, answer: Any) -> None:
            # A deployment answers with the model that is behind it.
            super().serve(path, {**body, "model": "gpt-4o-2024-11-20"}, request, answer)

    azure = roads(Azure)

    def create(road: Road) -> Any:
        options = {"api_key": "none", "api_version": "2024-10-21", "default_headers": road.headers, "max_retries": 0}
        with AzureOpenAI(azure_endpoint=road.url, **options) as there:
            whole = there.chat.completions.create(model=road.model, messages=[USER]).model_dump()
            chunks = there.chat.completions.create(model=road.model, messages=[USER], stream=True)
            return whole, [chunk.model_dump() for chunk in chunks]

    azure.same(create)
    first, _ = azure.went_to(times=2)
    assert first.request.target == "/openai/deployments/stem-32b/chat/completions?api-version=2024-10-21"


SERVER_ERRORS = {
    "no such model": (404, "model_not_found", openai.NotFoundError),
    "content refused": (400, "content_policy_violation", openai.BadRequestError),
    "the server's own limit": (429, "rate_limit_exceeded", openai.RateLimitError),
    "a failure": (500, "server_error", openai.InternalServerError),
}


@pytest.mark.parametrize("name", SERVER_ERRORS)
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, name: str, streamed: bool) -> None:
    status, code, kind = SERVER_ERRORS[name]
    error = {"error": {"message": "No – «not» so.", "type": "invalid_request_error", "param": "model", "code": code}}
    failing = roads(lambda: OpenAiServer(fails=(status, error)))

    def fail(road: Road) -> Any:
        with pytest.raises(kind) as raised:
            (ask_streaming if streamed else ask)(road)
        return raised.value.status_code, raised.value.code, raised.value.message, raised.value.body

    assert failing.same(fail)[1] == code
