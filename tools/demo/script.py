"""What the demo sends, and what must come of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Expected:
    """What a request must meet on its way. `domain` is the routing header that the server sees, absent when None."""

    reason: str | None
    domain: str | None
    model: str | None
    server: str | None
    status: int = 200


@dataclass(frozen=True)
class Call:
    """One request of the demo."""

    label: str
    tenant: str
    expected: Expected
    prompt: str = ""
    model: str = "auto"
    stream: bool = False
    max_tokens: int | None = 40
    method: str = "POST"
    path: str = CHAT
    raw_body: bytes | None = None

    def body(self) -> bytes | None:
        """The bytes to send."""
        if self.method == "GET" or self.raw_body is not None:
            return self.raw_body
        request: dict[str, Any] = {"model": self.model, "messages": [{"role": "user", "content": self.prompt}]}
        if self.max_tokens is not None:
            request["max_tokens"] = self.max_tokens
        if self.stream:
            request["stream"] = True
        return json.dumps(request, ensure_ascii=False).encode()


def classified(prompt: str, domain: str, model: str, server: str, **other: Any) -> Call:
    """A prompt whose domain decides where it goes."""
    return Call(prompt, "globex", Expected("classified", domain, model, server), prompt, **other)


STEM = ("stem-32b", "stem")
OFFICE = ("office-14b", "office")
GENERAL = ("general-large", "general")

ROUTED: list[Call] = [
    classified("Solve 3x^2 - 12x + 9 = 0 and show each step", "math", *STEM),
    classified("my landlord keeps the deposit and wont say why, can i sue him in small claims court?", "law", *OFFICE),
    classified("Why does my Python list comprehension raise IndexError inside a nested for loop?", "computer science", *STEM),
    classified("Balance the redox reaction of permanganate with oxalate in acid solution", "chemistry", *STEM),
    classified("How does a central bank raising interest rates bring inflation down?", "economics", *OFFICE),
    classified("Why did the Western Roman Empire fall in the fifth century?", "history", *GENERAL),
    classified("I have had a dry cough and a mild fever for two weeks, which tests should my doctor order?", "health", *GENERAL),
    classified("A satellite is in circular orbit at 400 km above the Earth, what is its orbital speed?", "physics", *STEM),
    classified("¿Por qué las células de las plantas necesitan clorofila y cloroplastos para la fotosíntesis?", "biology", *STEM),
    classified("Draft a quarterly marketing plan and budget for our small coffee shop franchise", "business", *OFFICE, stream=True),
    Call("blorp zint quaffle?", "globex", Expected("unsure", None, *GENERAL), "blorp zint quaffle?"),
    Call(
        "Prove that sqrt(2) is irrational [model: office-14b]",
        "globex",
        Expected("explicit", None, *OFFICE),
        "Prove that sqrt(2) is irrational",
        model="office-14b",
    ),
    Call(
        "POST /v1/feedback (not a chat)",
        "globex",
        Expected(None, None, None, "general"),
        path="/v1/feedback",
        raw_body=b'{ "model":"auto",  "rating":5,\t"x":[1.0,1e2] }',
    ),
    Call("GET /v1/models", "globex", Expected(None, None, None, "general"), method="GET", path="/v1/models"),
]


@dataclass
class Spending:
    """How one tenant's quota is spent: the same prompt until it is refused, then once more by somebody else."""

    tenant: str = "acme"
    other: str = "globex"
    prompt: str = "Find the derivative of f(x) = x^3 sin(x)"
    max_tokens: int = 300
    # A quota that is never refused must not keep the demo running for ever.
    most_calls: int = 60
    served: Expected = field(default_factory=lambda: Expected("classified", "math", *STEM))
    refused: Expected = field(default_factory=lambda: Expected(None, None, None, None, status=429))

    def call(self, tenant: str, expected: Expected, label: str | None = None) -> Call:
        return Call(label or self.prompt, tenant, expected, self.prompt, max_tokens=self.max_tokens)
