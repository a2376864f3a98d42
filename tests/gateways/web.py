"""A client that sends exactly what it is told: any length, any bytes in headers, a body in pieces, half a connection."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any

# Longer than Envoy's idle timeout in these tests: a hang is reported by Envoy first.
PATIENCE_SECONDS = 10.0
# Enough for the gateway to read one piece before the next is written.
PAUSE_SECONDS = 0.003

Headers = dict[str, str | bytes]


@dataclass
class Reply:
    """An answer. `whole` is false when the connection ended before the answer did."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool = True

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def number(self, name: str) -> int:
        value = self.header(name)
        assert value is not None and value.isdigit(), f"{name} is {value!r} in {self}"
        return int(value)

    def json(self) -> Any:
        return json.loads(self.body)

    def error(self) -> dict[str, Any]:
        """The error of an answer in OpenAI's form, which is checked here for every test that reads one."""
        assert self.header("content-type") == "application/json", self
        document = self.json()
        assert list(document) == ["error"], document
        assert set(document["error"]) == {"message", "type", "param", "code"}, document
        assert document["error"]["message"], document
        return document["error"]


def head_of(method: str, path: str, headers: Headers) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: gateway.test"]
    for name, value in headers.items():
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")))
    return b"\r\n".join([*lines, b"", b""])


def dial(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_reply(connection: socket.socket, method: str = "POST") -> Reply:
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    try:
        body, whole = answer.read(), True
    except http.client.IncompleteRead as error:
        body, whole = error.partial, False
    except ConnectionError:
        body, whole = b"", False
    return Reply(answer.status, answer.getheaders(), body, whole)


def exchange(
    port: int,
    method: str,
    path: str,
    headers: Headers,
    body: bytes,
    *,
    length: int | None = None,
    pieces: list[bytes] | None = None,
    trailers: dict[str, str] | None = None,
) -> Reply:
    """One request on a connection of its own.

    `length` is the content-length to claim instead of the true one; `pieces` sends the body chunked in those pieces, with a
    pause after each, and `trailers` behind them.
    """
    with dial(port) as connection:
        if pieces is not None:
            connection.sendall(head_of(method, path, {**headers, "transfer-encoding": "chunked"}))
            for piece in pieces:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(PAUSE_SECONDS)
            end = b"".join(f"{name}: {value}\r\n".encode() for name, value in (trailers or {}).items())
            connection.sendall(b"0\r\n" + end + b"\r\n")
        else:
            framing: Headers = {} if method == "GET" and length is None else {"content-length": str(len(body) if length is None else length)}
            send_all(connection, head_of(method, path, {**headers, **framing}) + body)
        return read_reply(connection, method)


def send_all(connection: socket.socket, data: bytes) -> None:
    """Sends it; a gateway that answers and closes before it has read everything is no failure of the sending."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
