"""Amazon's client against Bedrock: the model stands in the path, requests are signed, and streams are binary frames."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from bedrock_server import ARGUMENTS, KEY, REGION, SECRET, TOKEN, BedrockServer
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from lab import LAW
from roads import ANSWER, MATH, SHORT_FOLLOW_UP, MakeRoads, Road, Roads

NAMED = "anthropic.claude-3-haiku-20240307-v1:0"
USER = {"role": "user", "content": [{"text": MATH}]}
SCHEMA = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
TOOLS = {"tools": [{"toolSpec": {"name": "solve", "description": "Solves an equation", "inputSchema": {"json": SCHEMA}}}]}

# Loading the service's description takes longer than all requests of a test.
SESSION = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)


def client(road: Road, attempts: int = 1, **options: Any) -> Any:
    """A client that signs for a model that it names. One of Bedrock's API keys, which a gateway may rewrite the path under, stands in for
    the signature otherwise; its own way of sending one wants TLS, so the header is put in by hand.
    """
    headers = dict(road.headers)
    if not road.server.signed:
        headers["authorization"] = f"Bearer {TOKEN}"
        options["signature_version"] = UNSIGNED
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=10, proxies={}, **options)
    made = SESSION.client("bedrock-runtime", endpoint_url=road.url, config=config)

    def add_headers(request: Any, **_: Any) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    made.meta.events.register("before-sign.bedrock-runtime.*", add_headers)
    return made


def converse(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    answer = client(road).converse(modelId=road.model, messages=list(messages), inferenceConfig={"maxTokens": 300}, **options)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def converse_stream(road: Road, messages: Any = (USER,), **options: Any) -> Any:
    return list(client(road).converse_stream(modelId=road.model, messages=list(messages), **options)["stream"])


@pytest.fixture
def server(roads: MakeRoads) -> Roads:
    return roads(BedrockServer)


@pytest.fixture
def signed(roads: MakeRoads) -> Roads:
    return roads(lambda: BedrockServer(signed=True), NAMED, NAMED)


def test_an_answer(server: Roads) -> None:
    got = server.same(lambda road: converse(road, system=[{"text": "Be brief."}]))
    assert got["output"]["message"]["content"] == [{"text": ANSWER}]
    assert server.through.server.spent == 31 + 100 + 12
    assert server.went_to(times=1)[0].request.target == "/model/stem-32b/converse"


def test_a_stream_of_frames(server: Roads) -> None:
    got = server.same(converse_stream)
    assert "".join(event["contentBlockDelta"]["delta"]["text"] for event in got if "contentBlockDelta" in event) == ANSWER
    assert got[-1]["metadata"]["usage"]["totalTokens"] == 143
    assert server.went_to(times=1)[0].request.target == "/model/stem-32b/converse-stream"


def test_a_loop_of_tools_stays_on_its_model(server: Roads) -> None:
    def loop(road: Road) -> Any:
        messages: list[Any] = [USER]
        called = converse(road, messages, toolConfig=TOOLS)
        called_streaming = converse_stream(road, messages, toolConfig=TOOLS)
        result = {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": LAW}]}}
        messages += [called["output"]["message"], {"role": "user", "content": [result]}]
        answered = converse(road, messages, toolConfig=TOOLS)
        messages += [answered["output"]["message"], {"role": "user", "content": [{"text": SHORT_FOLLOW_UP}]}]
        return called, called_streaming, answered, converse_stream(road, messages)

    called, _, answered, _ = server.same(loop)
    assert called["output"]["message"]["content"][0]["toolUse"]["input"] == ARGUMENTS
    assert answered["output"]["message"]["content"] == [{"text": ANSWER}]
    server.went_to(times=4)


def test_a_signed_request_for_a_named_model_arrives_as_it_was_signed(signed: Roads) -> None:
    signed.same(converse)
    signed.same(converse_stream)
    signed.went_to(NAMED, "general", times=2)
    assert signed.through.reached[0].body == signed.straight.reached[0].body


def test_a_signature_does_not_survive_a_rewritten_path(roads: MakeRoads) -> None:
    """Which is why a gateway in front of Bedrock signs behind Pointsman; the refusal is the server's and costs nothing."""
    chosen = roads(lambda: BedrockServer(signed=True))
    with pytest.raises(ClientError) as raised:
        converse(chosen.through)
    assert raised.value.response["Error"]["Code"] == "InvalidSignatureException"
    chosen.went_to(times=1)
    chosen.is_charged()


def test_an_exception_in_a_stream(roads: MakeRoads) -> None:
    failing = roads(lambda: BedrockServer(throttled_midway=True))

    def fail(road: Road) -> Any:
        seen = []
        with pytest.raises(EventStreamError) as raised:
            for event in client(road).converse_stream(modelId=road.model, messages=[USER])["stream"]:
                seen.append(event)
        return seen, raised.value.response["Error"]["Code"]

    got, expected = fail(failing.through), fail(failing.straight)
    assert got == expected
    assert got[1] == "throttlingException"
    # Nothing was reported, so the reserve stands.
    assert failing.gateway.used(str(failing.through.tenant)) > 0


SERVER_ERRORS = {"ValidationException": 400, "ResourceNotFoundException": 404, "ThrottlingException": 429, "ModelErrorException": 424}


@pytest.mark.parametrize("code", SERVER_ERRORS)
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_server_come_as_they_are(roads: MakeRoads, code: str, streamed: bool) -> None:
    error = [("x-amzn-errortype", f"{code}:http://internal.amazon.com/coral/")]
    failing = roads(lambda: BedrockServer(fails=(SERVER_ERRORS[code], {"message": "No – «not» so."}, error)))

    def fail(road: Road) -> Any:
        with pytest.raises(ClientError) as raised:
            (converse_stream if streamed else converse)(road)
        return type(raised.value).__name__, raised.value.response["Error"]

    assert failing.same(fail)[1]["Code"] == code
