"""Puts the demo's outcomes on the screen: a table that fits 100 columns, or one JSON object a line."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TextIO

from .checks import OURS, Outcome

# Title, width, and whether numbers line up to the right.
COLUMNS = [
    ("prompt", 32, False),
    ("domain", 16, False),
    ("conf", 4, True),
    ("model", 13, False),
    ("server", 7, False),
    ("charged", 7, True),
    ("left", 6, True),
    ("µs", 4, True),
    ("", 3, False),
]
GREEN, RED, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"


def fitted(text: str, width: int) -> str:
    """The text in one line, cut to the width; combining marks take no room."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return text if len(text) <= width else text[: width - 1] + "…"


class Table:
    """Prints rows as they come, in colour only on a terminal."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colour = out.isatty()

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._colour else text

    def say(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def heading(self, text: str) -> None:
        """A title over a part of the table, and the names of the columns."""
        self.say("\n" + self._paint(BOLD, text))
        self.say(self._cells([title for title, _, _ in COLUMNS]))
        self.say("-" * (sum(width for _, width, _ in COLUMNS) + len(COLUMNS) - 1))

    def _cells(self, values: list[str]) -> str:
        cut = [
            fitted(value, width).rjust(width) if right else fitted(value, width).ljust(width)
            for value, (_, width, right) in zip(values, COLUMNS)
        ]
        return " ".join(cut).rstrip()

    def outcome(self, outcome: Outcome) -> None:
        reply = outcome.reply
        explained = reply.headers.get(OURS + "reason") in ("classified", "unsure")
        domain = reply.headers.get(OURS + "domain", "-") if explained else "-"
        if reply.headers.get(OURS + "reason") == "unsure":
            domain = f"unsure ({domain})"
        server = ", ".join(one.server for one in outcome.seen) or f"{reply.status}"
        row = self._cells([
            outcome.call.label,
            domain,
            reply.headers.get(OURS + "confidence", "-") if explained else "-",
            reply.headers.get(OURS + "model", "-"),
            server,
            str(outcome.charged) if outcome.charged else "-",
            f"{outcome.left:,}" if outcome.left is not None else "-",
            reply.headers.get(OURS + "classify-us", "-") if explained else "-",
        ])  # fmt: skip
        verdict = self._paint(RED, "NO") if outcome.wrong else self._paint(GREEN, "ok")
        # The verdict stands in the last column whatever the row's width.
        self.say(row.ljust(sum(width for _, width, _ in COLUMNS[:-1]) + len(COLUMNS) - 1) + verdict)
        for sentence in outcome.wrong:
            self.say("     " + self._paint(RED, sentence))

    def answer(self, outcome: Outcome) -> None:
        """A refusal in full, as the client gets it."""
        self.say(f"\n  HTTP {outcome.reply.status}")
        for name, value in sorted(outcome.reply.headers.items()):
            if name in ("retry-after", "content-type") or name.startswith(("x-ratelimit-", "x-should-retry", OURS)):
                self.say(f"  {name}: {value}")
        self.say("  " + outcome.reply.body.decode(errors="replace"))


class JsonLines:
    """Prints one JSON object a request on standard output, and all else on standard error."""

    def say(self, text: str = "") -> None:
        print(text, file=sys.stderr, flush=True)

    def heading(self, text: str) -> None:
        self.say(text)

    def answer(self, outcome: Outcome) -> None:
        """The object of a refused request holds its headers and body already."""

    def outcome(self, outcome: Outcome) -> None:
        call, reply = outcome.call, outcome.reply
        confidence = reply.headers.get(OURS + "confidence")
        print(
            json.dumps({
                "request": {"method": call.method, "path": call.path, "model": call.model if call.prompt else None,
                            "prompt": call.prompt or None, "stream": call.stream},
                "tenant": call.tenant,
                "status": reply.status,
                "reason": reply.headers.get(OURS + "reason"),
                "domain": reply.headers.get(OURS + "domain"),
                "confidence": float(confidence) if confidence else None,
                "model": reply.headers.get(OURS + "model"),
                "server": outcome.seen[0].server if outcome.seen else None,
                "tokens_charged": outcome.charged,
                "tokens_left": outcome.left,
                "classify_us": reply.number(OURS + "classify-us"),
                "headers": {name: value for name, value in reply.headers.items()
                            if name.startswith(("x-", "retry-after"))},
                "error": reply.json().get("error") if reply.status >= 400 else None,
                "as_expected": not outcome.wrong,
                "wrong": outcome.wrong,
            }, ensure_ascii=False),
            flush=True,
        )  # fmt: skip


Show = Table | JsonLines
