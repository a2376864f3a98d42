"""What the gateway itself answers, as each official client understands it: its own kind of error, and what it does about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anthropic
import botocore.exceptions
import cohere
import ollama
import openai
import pytest
import test_anthropic
import test_bedrock
import test_cohere
import test_gemini
import test_ollama
import test_openai_chat
from answers import completion
from anthropic_server import AnthropicServer
from bedrock_server import BedrockServer
from cohere.core.api_error import ApiError
from cohere_server import CohereServer
from gemini_server import GeminiServer
from google.genai import errors, types
from lab import MATH
from ollama_server import OllamaServer
from openai_server import OpenAiServer
from roads import MakeRoads, Road, Roads, Speaker, at_the_start_of_a_second

LIMIT = 1000


def openai_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    messages: Any = [{"role": "user", "content": prompt}]
    asked = {"model": road.model, "messages": messages, "max_tokens": tokens, "stream": stream}
    return list(test_openai_chat.client(road, max_retries=retries).chat.completions.create(**asked))


def responses_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    asked = {"model": road.model, "input": prompt, "max_output_tokens": tokens, "stream": stream}
    return list(test_openai_chat.client(road, max_retries=retries).responses.create(**asked))


def anthropic_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    messages: Any = [{"role": "user", "content": prompt}]
    asked = {"model": road.model, "messages": messages, "max_tokens": tokens, "stream": stream}
    return list(test_anthropic.client(road, max_retries=retries).messages.create(**asked))


def gemini_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    again = types.HttpRetryOptions(attempts=retries + 1, initial_delay=1.0, jitter=0.2)
    # Its client checks types itself; what is put into the body past it is not checked.
    body = {"extra_body": {"generationConfig": {"maxOutputTokens": tokens}}}
    models = test_gemini.client(road, retry_options=again, **body).models
    if stream:
        return list(models.generate_content_stream(model=road.model, contents=prompt))
    return models.generate_content(model=road.model, contents=prompt)


def cohere_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    there = test_cohere.client(road, retries)
    messages: Any = [{"role": "user", "content": prompt}]
    options: Any = {"additional_body_parameters": {"max_tokens": tokens}}
    if stream:
        return list(there.chat_stream(model=road.model, messages=messages, request_options=options))
    return there.chat(model=road.model, messages=messages, request_options=options)


def ollama_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    messages = [{"role": "user", "content": prompt}]
    return list(test_ollama.client(road).chat(model=road.model, messages=messages, options={"num_predict": tokens}, stream=stream))


def bedrock_ask(road: Road, retries: int = 0, tokens: Any = 1, stream: bool = False, prompt: str = MATH) -> Any:
    there = test_bedrock.client(road, retries + 1, parameter_validation=False)
    asked = {"modelId": road.model, "messages": [{"role": "user", "content": [{"text": prompt}]}], "inferenceConfig": {"maxTokens": tokens}}
    return list(there.converse_stream(**asked)["stream"]) if stream else there.converse(**asked)


def openai_told(error: Exception) -> Any:
    assert isinstance(error, openai.APIStatusError)
    return type(error), error.status_code, error.code


def anthropic_told(error: Exception) -> Any:
    assert isinstance(error, anthropic.APIStatusError) and isinstance(error.body, dict)
    assert set(error.body) == {"type", "error"} and error.body["type"] == "error"
    return type(error), error.status_code, error.body["error"]["type"]


def gemini_told(error: Exception) -> Any:
    assert isinstance(error, errors.APIError) and error.message
    return type(error), error.code, error.status


def cohere_told(error: Exception) -> Any:
    assert isinstance(error, ApiError)
    body = error.body if isinstance(error.body, dict) else {"message": error.body.message}
    assert body["message"]
    return type(error), error.status_code


def ollama_told(error: Exception) -> Any:
    assert isinstance(error, ollama.ResponseError) and not error.error.startswith("{")
    return type(error), error.status_code


def bedrock_told(error: Exception) -> Any:
    assert isinstance(error, botocore.exceptions.ClientError) and error.response["Error"]["Message"]
    return type(error).__name__, error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


# For each client: how it asks, how it tells an error, and what it should tell for 400, 401, 413 and 429.
CLIENTS: dict[str, tuple[type[Speaker], Callable[..., Any], Callable[[Exception], Any], dict[int, Any]]] = {
    "openai": (
        OpenAiServer,
        openai_ask,
        openai_told,
        {
            400: (openai.BadRequestError, 400, "invalid_type"),
            401: (openai.AuthenticationError, 401, "tenant_required"),
            413: (openai.APIStatusError, 413, "request_too_large"),
            429: (openai.RateLimitError, 429, "rate_limit_exceeded"),
        },
    ),
    "openai responses": (
        OpenAiServer,
        responses_ask,
        openai_told,
        {
            400: (openai.BadRequestError, 400, "invalid_type"),
            401: (openai.AuthenticationError, 401, "tenant_required"),
            413: (openai.APIStatusError, 413, "request_too_large"),
            429: (openai.RateLimitError, 429, "rate_limit_exceeded"),
        },
    ),
    "anthropic": (
        AnthropicServer,
        anthropic_ask,
        anthropic_told,
        {
            400: (anthropic.BadRequestError, 400, "invalid_request_error"),
            401: (anthropic.AuthenticationError, 401, "authentication_error"),
            413: (anthropic.APIStatusError, 413, "request_too_large"),
            429: (anthropic.RateLimitError, 429, "rate_limit_error"),
        },
    ),
    "google-genai": (
        GeminiServer,
        gemini_ask,
        gemini_told,
        {
            400: (errors.ClientError, 400, "INVALID_ARGUMENT"),
            401: (errors.ClientError, 401, "UNAUTHENTICATED"),
            413: (errors.ClientError, 413, "INVALID_ARGUMENT"),
            429: (errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        },
    ),
    "cohere": (
        CohereServer,
        cohere_ask,
        cohere_told,
        {
            400: (cohere.BadRequestError, 400),
            401: (cohere.UnauthorizedError, 401),
            413: (ApiError, 413),
            429: (cohere.TooManyRequestsError, 429),
        },
    ),
    "ollama": (
        OllamaServer,
        ollama_ask,
        ollama_told,
        {status: (ollama.ResponseError, status) for status in (400, 401, 413, 429)},
    ),
    "boto3": (
        BedrockServer,
        bedrock_ask,
        bedrock_told,
        {
            400: ("ValidationException", 400, "ValidationException"),
            401: ("AccessDeniedException", 401, "AccessDeniedException"),
            413: ("ValidationException", 413, "ValidationException"),
            429: ("ThrottlingException", 429, "ThrottlingException"),
        },
    ),
}


def same_kind(told: Any, expected: Any) -> bool:
    """Clients may have a narrower class than the one that is documented for all their errors."""
    (kind, *rest), (expected_kind, *expected_rest) = told, expected
    return rest == expected_rest and (kind == expected_kind if isinstance(kind, str) else issubclass(kind, expected_kind))


def refused(name: str, road: Road, **asked: Any) -> Any:
    _, ask, tell, _ = CLIENTS[name]
    with pytest.raises(Exception) as raised:
        ask(road, **asked)
    return tell(raised.value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_wrong_request(roads: MakeRoads, name: str, stream: bool) -> None:
    server, _, _, expected = CLIENTS[name]
    both = roads(server)
    assert same_kind(refused(name, both.through, tokens=["many"], stream=stream), expected[400])
    assert both.through.reached == []


@pytest.mark.parametrize("name", CLIENTS)
def test_a_missing_tenant(roads: MakeRoads, name: str) -> None:
    server, _, _, expected = CLIENTS[name]
    both = roads(server, listener="strict", named=False)
    assert same_kind(refused(name, both.through), expected[401])
    assert both.through.reached == []


@pytest.mark.parametrize("name", CLIENTS)
def test_a_body_that_is_too_long(roads: MakeRoads, name: str) -> None:
    server, _, _, expected = CLIENTS[name]
    both = roads(server, listener="small")
    assert same_kind(refused(name, both.through, prompt=MATH * 50), expected[413])
    assert both.through.reached == []


def spend(both: Roads, name: str) -> None:
    both.through.server.prompt_tokens = LIMIT
    CLIENTS[name][1](both.through)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_spent_quota(roads: MakeRoads, name: str, stream: bool) -> None:
    server, _, _, expected = CLIENTS[name]
    both = roads(server, listener="tight")
    spend(both, name)
    assert same_kind(refused(name, both.through, stream=stream), expected[429])
    assert len(both.through.reached) == 1


RETRY = ["openai", "openai responses", "anthropic", "google-genai", "cohere", "boto3"]


@pytest.mark.parametrize("name", RETRY)
def test_a_client_that_comes_back_when_it_is_told_is_served(roads: MakeRoads, name: str) -> None:
    """A limit per second, spent: the client waits by itself and gets its answer in the next window, and nothing reaches the server before."""
    server, ask, _, _ = CLIENTS[name]
    both = roads(server, listener="seconds")
    ask(both.through)
    before, served = refusals(both), 1
    # On a busy machine the window may have turned before the client asks; then there was nothing to wait for.
    for _ in range(8):
        at_the_start_of_a_second()
        assert both.gateway.chat(answer=completion(LIMIT), tenant=both.through.tenant, max_tokens=1).reply.status == 200
        started = time.monotonic()
        ask(both.through, retries=4)
        waited = time.monotonic() - started
        served += 1
        assert len(both.through.reached) == served
        if refusals(both) > before:
            break
    else:
        pytest.fail("no request fell into the spent window")
    # Clients that know retry-after wait the second that it says; the others a random time, several times.
    assert waited >= (0.9 if name in ("openai", "openai responses", "anthropic", "cohere") else 0.0)


@pytest.mark.parametrize("name", ["openai", "openai responses", "anthropic"])
def test_what_can_never_fit_is_not_tried_again(roads: MakeRoads, name: str) -> None:
    both = roads(CLIENTS[name][0], listener="tight")
    before = refusals(both)
    assert refused(name, both.through, tokens=LIMIT + 1, retries=5)[1] == 429
    assert refusals(both) == before + 1
    assert both.through.reached == []


def refusals(both: Roads) -> int:
    return both.gateway.lab.envoy.stats("http.llm.downstream_rq_4xx")["http.llm.downstream_rq_4xx"]
