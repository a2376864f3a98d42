"""Holds what happened against what had to happen. Each check returns sentences that say what was wrong; none is good news."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .client import Reply
from .script import CHAT, Call
from .upstreams import Seen

OURS = "x-pointsman-"


@dataclass
class Account:
    """What a tenant must have left, kept by what the servers say they served: the filter's figures are checked against it."""

    limit: int
    used: int = 0

    def left(self) -> int:
        return self.limit - self.used


@dataclass
class Outcome:
    """One request of the demo with all that is known of it."""

    call: Call
    reply: Reply
    seen: list[Seen]
    wrong: list[str] = field(default_factory=list)
    charged: int = 0
    left: int | None = None


def differs(what: str, found: Any, expected: Any) -> list[str]:
    return [] if found == expected else [f"{what} is {found!r}, expected {expected!r}"]


def judge(outcome: Outcome, account: Account) -> None:
    """Fills in what was charged, what is left and what was wrong."""
    call, reply, seen = outcome.call, outcome.reply, outcome.seen
    wrong = outcome.wrong
    wrong += differs("status", reply.status, call.expected.status)
    wrong += differs("servers that it reached", [one.server for one in seen], [call.expected.server] if call.expected.server else [])
    outcome.charged = sum(one.total_tokens for one in seen)
    if call.path != CHAT:
        wrong += untouched(call, reply, seen)
        return
    wrong += arithmetic(reply, account)
    account.used += outcome.charged
    outcome.left = account.left()
    if call.expected.status == 429:
        wrong += refusal(reply, account)
    elif reply.status == 200 and len(seen) == 1:
        wrong += routed(call, reply, seen[0])
        wrong += streamed(reply, seen[0]) if call.stream else answered(reply, seen[0])


def arithmetic(reply: Reply, account: Account) -> list[str]:
    """What the gateway says is left, with this request's own reservation, is the limit less the usage of all before it."""
    wrong = differs("x-ratelimit-limit-tokens", reply.number("x-ratelimit-limit-tokens"), account.limit)
    remaining = reply.number("x-ratelimit-remaining-tokens")
    # A refused request reserved nothing.
    reserved = reply.number(OURS + "reserved") if reply.status == 200 else 0
    if remaining is None or reserved is None:
        return [*wrong, f"quota headers are missing: remaining {remaining}, reserved {reserved}"]
    return wrong + differs("remaining + reserved", remaining + reserved, account.left())


def routed(call: Call, reply: Reply, seen: Seen) -> list[str]:
    """Reason, domain and model, told to the client in the answer and to the server in headers and body."""
    expected, request = call.expected, seen.request
    wrong = differs("reason", reply.headers.get(OURS + "reason"), expected.reason)
    wrong += differs("model told to the client", reply.headers.get(OURS + "model"), expected.model)
    wrong += differs("routing header for the model", request.all(OURS + "model"), [expected.model])
    wrong += differs("routing header for the domain", request.all(OURS + "domain"), [expected.domain] if expected.domain else [])
    sent = call.body() or b""
    if call.stream:
        # The gateway asks for usage on top; without that, the server must see what was sent but for the model.
        saw = json.loads(request.body)
        wrong += differs("stream_options", saw.pop("stream_options", None), {"include_usage": True})
        return wrong + differs("body", saw, {**json.loads(sent), "model": expected.model})
    rewritten = sent.replace(b'"model": "auto"', b'"model": "%s"' % (expected.model or "").encode(), 1)
    return wrong + differs("body, byte for byte,", request.body, rewritten)


def answered(reply: Reply, seen: Seen) -> list[str]:
    """The answer came through, with the server's own usage."""
    return differs("usage in the answer", reply.json().get("usage", {}).get("total_tokens"), seen.total_tokens)


def streamed(reply: Reply, seen: Seen) -> list[str]:
    """The stream came through whole, without the chunk of usage that the client did not ask for."""
    *chunks, last = reply.events() or [""]
    wrong = differs("last event", last, "[DONE]")
    if not seen.total_tokens:
        wrong.append("the server counted no tokens")
    if not chunks or any(not json.loads(chunk)["choices"] for chunk in chunks):
        wrong.append("the client was shown a usage chunk that it did not ask for")
    return wrong


def untouched(call: Call, reply: Reply, seen: list[Seen]) -> list[str]:
    """Traffic that is none of Pointsman's business arrives byte for byte and is answered without a header of its."""
    wrong = [f"the answer carries {name}" for name in reply.headers if name.startswith((OURS, "x-ratelimit-"))]
    for one in seen:
        wrong += differs("body, byte for byte,", one.request.body, call.body() or b"")
        wrong += differs("path", one.request.target, call.path)
    return wrong


def refusal(reply: Reply, account: Account) -> list[str]:
    """A 429 in OpenAI's form that says when to come back."""
    wait = reply.number("retry-after")
    wrong = [] if wait and wait >= 1 else [f"retry-after is {reply.headers.get('retry-after')!r}, expected whole seconds"]
    for name in ("limit", "remaining", "reset"):
        if f"x-ratelimit-{name}-tokens" not in reply.headers:
            wrong.append(f"x-ratelimit-{name}-tokens is missing")
    try:
        error = reply.json()["error"]
    except (ValueError, KeyError, TypeError):
        return [*wrong, f"the body is not OpenAI's error form: {reply.body[:200]!r}"]
    wrong += differs("members of the error", sorted(error), ["code", "message", "param", "type"])
    wrong += differs("error type and code", (error.get("type"), error.get("code")), ("tokens", "rate_limit_exceeded"))
    if str(account.limit) not in error.get("message", "").replace(",", ""):
        wrong.append(f"the message does not name the limit: {error.get('message')!r}")
    return wrong
