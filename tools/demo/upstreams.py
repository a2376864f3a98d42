"""Three small LLM servers that speak OpenAI's chat completions, with usage that is true to what they served.

They keep OpenAI's rules where a gateway depends on them: `max_tokens` cuts the answer and says "length"; a stream carries
usage only when `stream_options.include_usage` asks, then in one last chunk with empty `choices`, and `usage: null` in the
chunks before; a model that is not served here is a 404. What they say is canned; how it is counted is not.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from . import tokens
from .wire import Answer, Headers, Request, Server

# Each server's models. Their names are those of the clusters in gateway-config/envoy/envoy.yaml.
MODELS = {"general": ["general-large"], "stem": ["stem-32b"], "office": ["office-14b"]}
ANSWERS = {
    "general": "Here is what I would say, in general terms: it depends on what you need, so let us look at it step by step.",
    "stem": "Let us derive it. Write down what is given, name the unknown, apply the law that links them, and check the units.",
    "office": "In short: read the terms, note the dates and the sums, put it in writing, and keep a copy of what was agreed.",
}
# How long an answer is, in tokens, when the request sets no lower limit: the sentence is said again until it is that long.
ANSWER_TOKENS = 160
SECONDS_BETWEEN_CHUNKS = 0.002


@dataclass
class Seen:
    """One request that reached a server, and the usage it reported (0 if the request was not LLM traffic)."""

    server: str
    request: Request
    total_tokens: int = 0


class Upstreams:
    """The three servers, as a context manager; `seen` is what reached them, by the request's `x-demo-id`."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self.ports: dict[str, int] = {}
        self.seen: dict[str, list[Seen]] = {}

    def __enter__(self) -> Upstreams:
        for name in MODELS:
            server = Server(lambda request, answer, name=name: self._serve(name, request, answer))
            self.ports[name] = self._stack.enter_context(server).port
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _serve(self, name: str, request: Request, answer: Answer) -> None:
        seen = Seen(name, request)
        with self._lock:
            self.seen.setdefault(request.get("x-demo-id") or "", []).append(seen)
        served_by: Headers = [("x-served-by", name)]
        if request.method == "POST" and request.target.split("?")[0].endswith("/chat/completions"):
            chat(seen, answer, served_by)
        elif request.target == "/v1/models":
            listed = [{"id": model, "object": "model", "owned_by": name} for model in MODELS[name]]
            answer.json(200, {"object": "list", "data": listed}, served_by)
        else:
            echo = {"method": request.method, "path": request.target, "sha256": hashlib.sha256(request.body).hexdigest()}
            answer.json(200, echo, served_by)


def refuse(answer: Answer, status: int, message: str, code: str | None, headers: Headers) -> None:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    answer.json(status, {"error": error}, headers)


def chat(seen: Seen, answer: Answer, headers: Headers) -> None:
    """Answers one chat completion, whole or streamed."""
    try:
        body = json.loads(seen.request.body)
        messages = body["messages"]
        model = body["model"]
    except (ValueError, KeyError, TypeError):
        return refuse(answer, 400, "The body is not a chat completion request.", None, headers)
    if model not in MODELS[seen.server]:
        return refuse(answer, 404, f"The model '{model}' does not exist here.", "model_not_found", headers)
    sentence = tokens.pieces(" " + ANSWERS[seen.server])
    said = (sentence * (ANSWER_TOKENS // len(sentence) + 1))[:ANSWER_TOKENS]
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(said)
    finish = "length" if limit < len(said) else "stop"
    said = said[:limit]
    prompt_tokens = tokens.of_prompt(messages)
    seen.total_tokens = prompt_tokens + len(said)
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(said), "total_tokens": seen.total_tokens}
    if body.get("stream"):
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        return stream(answer, headers, model, said, finish, usage if asked else None)
    message = {"role": "assistant", "content": "".join(said).strip()}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    answer.json(200, {**frame("chat.completion", model), "choices": [choice], "usage": usage}, headers)


def frame(kind: str, model: str) -> dict[str, Any]:
    """The fields that an answer and each of its chunks have in common."""
    return {"id": "chatcmpl-demo", "object": kind, "created": int(time.time()), "model": model}


def stream(answer: Answer, headers: Headers, model: str, said: list[str], finish: str, usage: dict[str, int] | None) -> None:
    """The answer as server-sent events, a token each. `usage` is given only when the request asked for it."""
    common = frame("chat.completion.chunk", model)

    def send(choices: list[dict[str, Any]], counted: dict[str, int] | None = None) -> None:
        event = {**common, "choices": choices}
        if usage is not None:
            event["usage"] = counted
        answer.chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def delta(content: dict[str, str], finish_reason: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": content, "finish_reason": finish_reason}]

    answer.event_stream(headers)
    send(delta({"role": "assistant", "content": ""}))
    for piece in said:
        send(delta({"content": piece}))
        time.sleep(SECONDS_BETWEEN_CHUNKS)
    send(delta({}, finish))
    if usage is not None:
        send([], usage)
    answer.chunk(b"data: [DONE]\n\n")
    answer.end()
