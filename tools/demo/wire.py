"""A small HTTP/1.1 server that keeps the exact bytes it was sent and lets its application write any bytes back.

An ordinary server library would tidy what arrives (header case, framing, duplicates); here the point is to see what the
gateway really sent, and to answer as badly as a test wants.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
Headers = list[tuple[str, str]]


@dataclass
class Request:
    """One request as it arrived. `whole` is false when the connection ended before the body did."""

    method: str
    target: str
    headers: Headers
    head: bytes
    body: bytes = b""
    whole: bool = True
    trailers: Headers = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header, by any case of its name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str, otherwise: str | None = None) -> str | None:
        """The first value of a header."""
        return next(iter(self.all(name)), otherwise)


class Gone(Exception):
    """The peer closed the connection."""


class Answer:
    """The way back: whole answers, streams, or raw bytes. Writing to a peer that left raises `Gone`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.close = False

    def raw(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise Gone from error

    def bytes(self, status: int, body: bytes, headers: Headers) -> None:
        """A whole answer with a content-length."""
        self.head(status, [*headers, ("content-length", str(len(body)))])
        self.raw(body)

    def json(self, status: int, value: Any, headers: Headers | None = None) -> None:
        self.bytes(status, json.dumps(value).encode(), [("content-type", "application/json"), *(headers or [])])

    def head(self, status: int, headers: Headers) -> None:
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{name}: {value}" for name, value in headers)]
        self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def event_stream(self, headers: Headers | None = None) -> None:
        """Opens a chunked stream of server-sent events; follow with `chunk` and `end`."""
        kind = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
        self.head(200, [*kind, *(headers or [])])

    def chunk(self, data: bytes) -> None:
        """One chunk. An empty one would end the stream, so it is not written."""
        if data:
            self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.raw(b"0\r\n\r\n")

    def abort(self) -> None:
        """Ends the connection with a reset, as a server that crashes does."""
        self.close = True
        linger_zero = b"\1\0\0\0\0\0\0\0"
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        self._connection.close()


Application = Callable[[Request, Answer], None]


class _Connection(socketserver.StreamRequestHandler):
    """Reads request after request from one connection."""

    disable_nagle_algorithm = True
    server: _Listener

    def handle(self) -> None:
        answer = Answer(self.connection)
        try:
            while not answer.close:
                request = self._read()
                if request is None:
                    return
                self.server.application(request, answer)
        except (Gone, OSError):
            return

    def _read(self) -> Request | None:
        head = self._read_head()
        if not head:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target = first.split(" ")[:2]
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        request = Request(method, target, [(name, value.strip(" \t")) for name, value in pairs], head)
        if "upgrade" in (request.get("connection") or "").lower():
            # What follows belongs to the other protocol, and only once the server has agreed to it.
            return request
        if "chunked" in (request.get("transfer-encoding") or ""):
            self._read_chunked(request)
        else:
            length = int(request.get("content-length") or 0)
            request.body = self.rfile.read(length)
            request.whole = len(request.body) == length
        return request

    def _read_head(self) -> bytes:
        head = b""
        while line := self.rfile.readline():
            if line == b"\r\n":
                break
            head += line
        return head

    def _read_chunked(self, request: Request) -> None:
        parts: list[bytes] = []
        while True:
            size_line = self.rfile.readline()
            if not size_line.endswith(b"\n"):
                request.whole = False
                break
            size = int(size_line.split(b";")[0], 16)
            if size == 0:
                for line in self._read_head().decode("latin-1").split("\r\n"):
                    if ":" in line:
                        name, value = line.split(":", 1)
                        request.trailers.append((name, value.strip()))
                break
            part = self.rfile.read(size + 2)
            parts.append(part[:size])
            if len(part) < size + 2:
                request.whole = False
                break
        request.body = b"".join(parts)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    application: Application

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Peers that vanish are part of what is tested; anything else still shows its traceback."""
        super().handle_error(request, client_address)


class Server:
    """An application on a free port of the loopback, as a context manager."""

    def __init__(self, application: Application) -> None:
        self._listener = _Listener(("127.0.0.1", 0), _Connection)
        self._listener.application = application
        self.port: int = self._listener.server_address[1]

    def __enter__(self) -> Server:
        poll = {"poll_interval": 0.05}
        threading.Thread(target=self._listener.serve_forever, kwargs=poll, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
