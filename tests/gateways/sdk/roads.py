"""Two roads to one server: through the gateway, and straight. A client must not be able to tell them apart."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from demo.wire import Answer, Request
from lab import MATH, Lab, Listener, Seen, eventually
from policies import PLENTY, STEM

Json = dict[str, Any]
T = TypeVar("T")

SHORT_FOLLOW_UP = "And what is the sum of both roots?"
ANSWER = "The roots are 2 and 3 – «x₁» and «x₂» 😀."


class Speaker:
    """A server that speaks one API as its documentation says. It remembers the tokens that it reported."""

    # What the server reports unless a test says otherwise.
    prompt_tokens, answer_tokens = 31, 12

    def __init__(self, says: str = ANSWER, wants: Json | None = None, fails: tuple[int, Any] | None = None) -> None:
        """It says `says`, or, when it was given a tool, first calls the tool with `wants`; `fails` is a status and an error instead."""
        self.says, self.wants, self.fails = says, wants, fails
        self.reported: list[int] = []

    def __call__(self, request: Request, answer: Answer) -> None:
        body = json.loads(request.body)
        if self.fails is not None:
            answer.json(*self.fails)
        else:
            self.serve(request.target.partition("?")[0], body, request, answer)

    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        raise NotImplementedError

    def model(self, seen: Seen) -> str:
        """The model that a request asks for."""
        return seen.json()["model"]

    def report(self, *tokens: int) -> None:
        self.reported.append(sum(tokens))

    @property
    def spent(self) -> int:
        return sum(self.reported)


def pieces(text: str) -> list[str]:
    """A text as a model says it: a word, or less, at a time."""
    return [text[at : at + 5] for at in range(0, len(text), 5)]


def sse(data: Json | str, event: str | None = None) -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def stream(answer: Answer, events: list[bytes], kind: str = "text/event-stream; charset=utf-8") -> None:
    """Writes each event by itself."""
    answer.head(200, [("content-type", kind), ("transfer-encoding", "chunked")])
    for event in events:
        answer.chunk(event)
    answer.end()


@dataclass
class Road:
    """One way to a server: what a client has to be told."""

    lab: Lab
    port: int
    model: str
    server: Any
    tenant: str | None
    # Clients that close their connections when nobody holds them.
    held: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mark = self.lab.expect(self.server)
        self.url = f"http://127.0.0.1:{self.port}"
        self.headers = {"x-test": self.mark, **({} if self.tenant is None else {"x-tenant": self.tenant})}

    def hold(self, client: T) -> T:
        self.held.append(client)
        return client

    @property
    def reached(self) -> list[Seen]:
        return self.lab.reached(self.mark)


@dataclass
class Roads:
    """Both ways to two servers that are alike."""

    gateway: Listener
    through: Road
    straight: Road

    def same(self, call: Callable[[Road], T]) -> T:
        """What a client gets through the gateway, which is what it gets straight from the server; and its tenant was charged to the token."""
        got, expected = call(self.through), call(self.straight)
        assert got == expected
        self.is_charged()
        return got

    def is_charged(self, limit: int = PLENTY) -> None:
        assert self.through.tenant is not None
        eventually(lambda: self.gateway.used(self.through.tenant, limit), self.through.server.spent)

    def went_to(self, model: str = STEM, server: str = "stem", times: int | None = None) -> list[Seen]:
        """Every request through the gateway asked this model of this server."""
        seen = self.through.reached
        assert {(one.server, self.through.server.model(one)) for one in seen} == {(server, model)}
        assert times is None or len(seen) == times
        return seen


MakeRoads = Callable[..., Roads]


def at_the_start_of_a_second() -> None:
    """Waits for a new window of a limit per second, so that what follows falls into it as a whole."""
    time.sleep(1.02 - time.time() % 1)


# MATH comes from the lab; the tests of clients have all that they say from here.
__all__ = ["ANSWER", "MATH", "SHORT_FOLLOW_UP", "Json", "MakeRoads", "Road", "Roads", "Speaker", "at_the_start_of_a_second"]
__all__ += ["pieces", "sse", "stream"]
