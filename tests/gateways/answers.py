"""How the servers behind the gateway answer: well, or as badly as servers do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from demo.wire import Answer, Application, Request

USUAL_TOTAL = 18
PAUSE_SECONDS = 0.002


def usage(total: int) -> dict[str, int]:
    return {"prompt_tokens": total // 2, "completion_tokens": total - total // 2, "total_tokens": total}


def completion(total: int = USUAL_TOTAL) -> Application:
    """A chat completion that used so many tokens."""
    return whole(completion_body(total))


def completion_body(total: int = USUAL_TOTAL, **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps({**answer, "usage": usage(total), **fields}).encode()


def whole(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Application:
    """An answer with a content-length. Keyword names become header names, with hyphens."""
    named = [("content-type", kind), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return lambda request, answer: answer.bytes(status, body, named)


def chunk(content: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk of a stream; without content it has no choices."""
    choices = [] if content is None else [{"index": 0, "delta": {"content": content}, "finish_reason": None}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **fields}


def event(data: dict[str, Any] | str, end: str = "\n") -> bytes:
    """A server-sent event with the given line end."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}{end}{end}".encode()


DONE = event("[DONE]")


def usage_chunk(total: int = USUAL_TOTAL) -> bytes:
    """The last chunk that `include_usage` asks for."""
    return event(chunk(usage=usage(total)))


def events(*pieces: bytes, pause: float = 0.0) -> Application:
    """A stream of server-sent events, each piece a write of its own with a pause before the next."""

    def answer_so(_request: Request, answer: Answer) -> None:
        answer.event_stream()
        for piece in pieces:
            answer.chunk(piece)
            if pause:
                time.sleep(pause)
        answer.end()

    return answer_so


def stream(total: int = USUAL_TOTAL, words: Iterable[str] = ("Well", ",", " yes")) -> Application:
    """An OpenAI-like stream whose last chunk reports usage."""
    return events(*(event(chunk(word, usage=None)) for word in words), usage_chunk(total), DONE)


def dying_stream(*pieces: bytes) -> Application:
    """A stream whose server crashes after those pieces."""

    def answer_so(_request: Request, answer: Answer) -> None:
        answer.event_stream()
        for piece in pieces:
            answer.chunk(piece)
        # Time for the pieces to get through; a reset discards what is still under way.
        time.sleep(0.1)
        answer.abort()

    return answer_so


def crash(_request: Request, answer: Answer) -> None:
    """A server that dies before it has said anything."""
    answer.abort()


def until(condition: Callable[[], bool], *pieces: bytes) -> Application:
    """A stream that goes on writing its last piece until the condition holds or its reader leaves."""

    def answer_so(_request: Request, answer: Answer) -> None:
        answer.event_stream()
        for piece in pieces:
            answer.chunk(piece)
        while not condition():
            time.sleep(0.01)
            answer.chunk(pieces[-1])
        answer.end()

    return answer_so
