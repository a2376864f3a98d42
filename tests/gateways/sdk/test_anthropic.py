"""Anthropic's client: messages, its streaming helper, tools, counting, and its typed errors."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic, beta_tool
from anthropic_server import ARGUMENTS, COUNTED, AnthropicServer
from lab import LAW
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads

USER = {"role": "user", "content": MATH}
SCHEMA = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
TOOL = {"name": "solve", "description": "Solves an equation", "input_schema": SCHEMA}


def client(road: Road, **options: Any) -> Anthropic:
    return Anthropic(base_url=road.url, api_key="none", default_headers=road.headers, **{"max_retries": 0, "timeout": 10, **options})


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(AnthropicServer)


def create(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return client(road).messages.create(model=road.model, max_tokens=500, messages=list(messages), **options)


def test_a_message(server: Roads) -> None:
    got = server.same(lambda road: create(road, system="Be brief.").model_dump())
    assert got["content"][0]["text"] == ANSWER
    assert server.through.server.spent == 31 + 200 + 50 + 12
    server.went_to(times=1)


def test_a_named_model(roads: MakeRoads) -> None:
    named = roads(AnthropicServer, "claude-opus-4-1", "claude-opus-4-1")
    named.same(lambda road: create(road).model_dump())
    named.went_to("claude-opus-4-1", "general", times=1)


def test_a_stream_of_raw_events(server: Roads) -> None:
    def follow(road: Road) -> Any:
        with create(road, stream=True, thinking={"type": "enabled", "budget_tokens": 1024}) as events:
            return [event.model_dump() for event in events]

    got = server.same(follow)
    kinds = [event["type"] for event in got]
    assert (kinds[0], kinds[-2], kinds[-1]) == ("message_start", "message_delta", "message_stop")
    server.went_to(times=1)


def test_the_streaming_helper(server: Roads) -> None:
    def follow(road: Road) -> Any:
        with client(road).messages.stream(model=road.model, max_tokens=500, messages=[USER]) as stream:
            text = "".join(stream.text_stream)
            return text, stream.get_final_message().model_dump()

    text, message = server.same(follow)
    assert text == ANSWER
    assert message["usage"]["output_tokens"] == 12


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_tools_stays_on_its_model(server: Roads, streamed: bool) -> None:
    def converse(road: Road) -> Any:
        messages: list[Any] = [USER]
        said = []
        for _ in range(3):
            if streamed:
                with client(road).messages.stream(model=road.model, max_tokens=500, messages=messages, tools=[TOOL]) as stream:
                    message = stream.get_final_message()
            else:
                message = create(road, messages, tools=[TOOL])
            content = [block.model_dump(exclude_none=True) for block in message.content]
            said.append(content)
            known = ("type", "id", "name", "input", "text")
            back = [{name: value for name, value in block.items() if name in known} for block in content]
            messages.append({"role": "assistant", "content": back})
            calls = [block for block in message.content if block.type == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": LAW}]} for call in calls]
            messages.append({"role": "user", "content": results or SHORT_FOLLOW_UP})
        return said

    first, second, third = server.same(converse)
    assert first[1]["input"] == ARGUMENTS
    assert second[0]["text"] == ANSWER and third[1]["type"] == "tool_use"
    server.went_to(times=3)


@beta_tool
def solve(expression: str) -> str:
    """Solves an equation.

    Args:
        expression: The left side; the right one is nothing.
    """
    assert expression == ARGUMENTS["expression"]
    return LAW


def run_tools(road: Road, **options: Any) -> Any:
    runner = client(road).beta.messages.tool_runner(model=road.model, max_tokens=500, messages=[USER], tools=[solve], **options)
    return [message.model_dump() for message in runner]


def test_its_own_runner_of_tools_stays_on_its_model(server: Roads) -> None:
    got = server.same(lambda road: run_tools(road, thread=False))
    assert got[-1]["content"][0]["text"] == ANSWER
    server.went_to(times=2)


def test_a_conversation_that_the_server_keeps_wants_its_model_named(roads: MakeRoads) -> None:
    """The runner has the server keep it unless told otherwise: after the first request come a result and an id, which name no domain."""
    named = roads(AnthropicServer, "claude-opus-4-1", "claude-opus-4-1")
    assert named.same(run_tools)[-1]["content"][0]["text"] == ANSWER
    first, second = named.went_to("claude-opus-4-1", "general", times=2)
    assert first.json()["thread"] == {"type": "create"}
    assert second.json()["thread"] == {"type": "continue", "previous_message_id": "msg_1"}


def test_counting_is_left_alone(server: Roads) -> None:
    """It generates nothing: not charged, not routed, not a byte changed."""
    count = lambda road: client(road).messages.count_tokens(model="auto", messages=[USER]).model_dump()  # noqa: E731
    assert server.same(count) == {**server.same(count), "input_tokens": COUNTED}
    assert server.through.server.spent == 0
    first, _ = server.went_to("auto", "general", times=2)
    assert first.body == server.straight.reached[0].body
    assert first.header("x-pointsman-model") is None


def test_many_at_once(server: Roads) -> None:
    async def all_of_them(road: Road) -> list[Any]:
        async with AsyncAnthropic(base_url=road.url, api_key="none", default_headers=road.headers, max_retries=0, timeout=20) as many:
            asked = {"model": road.model, "max_tokens": 300, "messages": [USER]}

            async def whole() -> Any:
                return (await many.messages.create(**asked)).model_dump()

            async def streamed() -> Any:
                async with many.messages.stream(**asked) as stream:
                    return (await stream.get_final_message()).model_dump()

            return await asyncio.gather(*(make() for make in (whole, streamed) for _ in range(8)))

    server.same(lambda road: asyncio.run(all_of_them(road)))
    server.went_to(times=16)


SERVER_ERRORS = {
    "no such model": (404, "not_found_error", anthropic.NotFoundError),
    "a wrong request": (400, "invalid_request_error", anthropic.BadRequestError),
    "the server's own limit": (429, "rate_limit_error", anthropic.RateLimitError),
    "overloaded": (529, "overloaded_error", anthropic.InternalServerError),
}


@pytest.mark.parametrize("name", SERVER_ERRORS)
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, name: str) -> None:
    status, code, kind = SERVER_ERRORS[name]
    error = {"type": "error", "error": {"type": code, "message": "No – «not» so."}, "request_id": "req_1"}
    failing = roads(lambda: AnthropicServer(fails=(status, error)))

    def fail(road: Road) -> Any:
        with pytest.raises(kind) as raised:
            create(road)
        return type(raised.value), raised.value.status_code, raised.value.body

    assert failing.same(fail)[1:] == (status, error)


def test_an_error_in_a_stream(roads: MakeRoads) -> None:
    """What was reported before it is charged."""
    failing = roads(lambda: AnthropicServer(overloaded_midway=True))

    def fail(road: Road) -> Any:
        seen = []
        with pytest.raises(anthropic.APIStatusError) as raised, create(road, stream=True) as events:
            seen.extend(event.model_dump() for event in events)
        return type(raised.value), raised.value.body

    assert failing.same(fail)[1]["error"]["type"] == "overloaded_error"
    assert failing.through.server.spent == 31 + 200 + 50 + 3
