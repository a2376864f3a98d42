"""One HTTP exchange through the gateway, seen as a client sees it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 15.0


@dataclass
class Reply:
    """A whole answer. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def number(self, name: str) -> int | None:
        """A header's value as a whole number, or nothing if it is absent or is none."""
        value = self.headers.get(name, "")
        return int(value) if value.isdigit() else None

    def events(self) -> list[str]:
        """The data of each server-sent event."""
        blocks = self.body.decode().split("\n\n")
        return [block.removeprefix("data: ") for block in blocks if block.startswith("data: ")]


def send(port: int, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
    """Sends one request on a connection of its own and reads the answer to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
