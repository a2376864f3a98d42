"""OpenAI's client: Responses, completions and embeddings."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from lab import LAW
from openai_server import ARGUMENTS, VECTOR, OpenAiServer
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads
from test_openai_chat import ROOTS, TOOL, Roots, client

FLAT_TOOL = {"type": "function", **TOOL["function"]}


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(OpenAiServer)


def test_a_response(server: Roads) -> None:
    def create(road: Road) -> Any:
        answer = client(road).responses.create(model=road.model, input=MATH, instructions="Be brief.", max_output_tokens=300)
        assert answer.output_text == ANSWER
        return answer.model_dump()

    assert server.same(create)["usage"]["total_tokens"] == 43
    server.went_to(times=1)


def test_a_streamed_response(server: Roads) -> None:
    def create(road: Road) -> Any:
        with client(road).responses.create(model=road.model, input=MATH, stream=True) as events:
            return [event.model_dump() for event in events]

    got = server.same(create)
    assert [event["sequence_number"] for event in got] == list(range(len(got)))
    assert (got[-1]["type"], got[-1]["response"]["usage"]["output_tokens"]) == ("response.completed", 12)
    server.went_to(times=1)


def test_the_streaming_helper(server: Roads) -> None:
    def follow(road: Road) -> Any:
        with client(road).responses.stream(model=road.model, input=MATH) as events:
            kinds = [event.type for event in events]
            return kinds, events.get_final_response().model_dump()

    assert server.same(follow)[1]["output"][0]["content"][0]["text"] == ANSWER


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_of_tools_stays_on_its_model(server: Roads, streamed: bool) -> None:
    def converse(road: Road) -> Any:
        items: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": MATH}]}]
        said = []
        for _ in range(3):
            if streamed:
                with client(road).responses.stream(model=road.model, input=items, tools=[FLAT_TOOL]) as events:
                    output = events.get_final_response().output
            else:
                output = client(road).responses.create(model=road.model, input=items, tools=[FLAT_TOOL]).output
            (item,) = output
            said.append({key: value for key, value in item.model_dump().items() if value is not None and not key.startswith("parsed")})
            items.append(said[-1])
            if item.type == "function_call":
                items.append({"type": "function_call_output", "call_id": item.call_id, "output": LAW})
            else:
                items.append({"role": "user", "content": SHORT_FOLLOW_UP})
        return said

    first, second, _ = server.same(converse)
    assert json.loads(first["arguments"]) == ARGUMENTS
    assert second["type"] == "message"
    server.went_to(times=3)


def test_a_conversation_that_the_server_keeps_wants_its_model_named(roads: MakeRoads) -> None:
    """What continues by an id does not say what it is about."""
    named = roads(OpenAiServer, "gpt-4.1", "gpt-4.1")

    def converse(road: Road) -> Any:
        first = client(road).responses.create(model=road.model, input=MATH)
        second = client(road).responses.create(model=road.model, input=SHORT_FOLLOW_UP, previous_response_id=first.id)
        return first.model_dump(), second.model_dump()

    named.same(converse)
    named.went_to("gpt-4.1", "general", times=2)


def test_a_structured_response(roads: MakeRoads) -> None:
    server = roads(lambda: OpenAiServer(ROOTS))
    parse = lambda road: client(road).responses.parse(model=road.model, input=MATH, text_format=Roots).output_parsed  # noqa: E731
    assert server.same(parse) == Roots(roots=[2, 3], note="both – «real»")
    server.went_to(times=1)


@pytest.mark.parametrize("prompt", [MATH, [MATH, MATH]])
def test_a_completion(server: Roads, prompt: str | list[str]) -> None:
    create = lambda road: client(road).completions.create(model=road.model, prompt=prompt, max_tokens=20).model_dump()  # noqa: E731
    assert server.same(create)["choices"][0]["text"] == ANSWER
    server.went_to(times=1)


@pytest.mark.parametrize("options", [None, {"include_usage": True}, {"include_usage": False}])
def test_a_streamed_completion(server: Roads, options: dict[str, bool] | None) -> None:
    def create(road: Road) -> Any:
        asked = {} if options is None else {"stream_options": options}
        with client(road).completions.create(model=road.model, prompt=MATH, stream=True, **asked) as chunks:
            return [chunk.model_dump() for chunk in chunks]

    got = server.same(create)
    asked = bool(options and options["include_usage"])
    assert (got[-1]["choices"] == []) == asked
    assert "".join(choice["text"] for chunk in got for choice in chunk["choices"]) == ANSWER
    server.went_to(times=1)


@pytest.mark.parametrize("form", ["base64", "float", None])
def test_embeddings_keep_their_model_and_are_charged(roads: MakeRoads, form: str | None) -> None:
    server = roads(OpenAiServer, "text-embedding-3-small", "text-embedding-3-small")

    def create(road: Road) -> Any:
        named = {} if form is None else {"encoding_format": form}
        answer = client(road).embeddings.create(model=road.model, input=[MATH, "short"], **named)
        return [one.embedding for one in answer.data], answer.model, answer.usage

    vectors, *_ = server.same(create)
    assert vectors == [base64.b64encode(struct.pack("<4f", *VECTOR)).decode() if form == "base64" else VECTOR] * 2
    assert len(server.through.server.reported) == 1
    server.went_to("text-embedding-3-small", "general", times=1)


def test_embeddings_are_never_routed(roads: MakeRoads) -> None:
    server = roads(OpenAiServer, "auto", "auto")
    server.same(lambda road: client(road).embeddings.create(model=road.model, input=MATH).model_dump())
    server.went_to("auto", "general", times=1)
