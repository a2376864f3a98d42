"""How a request is put on the wire: in pieces, with a length that lies, with trailers, over HTTP/2. Nothing hangs, nothing is cut."""

from __future__ import annotations

import json
import socket
import time

import pytest
from answers import completion
from lab import CHAT, MATH, Lab, Listener, body_of
from policies import STEM
from web import PATIENCE_SECONDS, dial, head_of, read_reply

BODY = body_of(MATH + " é 😀")
ROUTED = BODY.replace(b'"auto"', b'"stem-32b"')


def cut(data: bytes, *places: int) -> list[bytes]:
    ends = [*places, len(data)]
    return [data[start:end] for start, end in zip([0, *places], ends)]


@pytest.mark.parametrize("place", [1, 2, 8, 11, 13, 14, 16, 17, 30, len(BODY) - 25, len(BODY) - 2, len(BODY) - 1])
def test_a_chunked_body_cut_in_two(gateway: Listener, place: int) -> None:
    sent = gateway.send(BODY, pieces=cut(BODY, place))
    assert sent.seen.body == ROUTED
    assert sent.seen.header("content-length") in (None, str(len(ROUTED)))


def test_a_chunked_body_of_single_bytes(gateway: Listener) -> None:
    sent = gateway.send(BODY, pieces=[BODY[at : at + 1] for at in range(len(BODY))])
    assert sent.seen.body == ROUTED


@pytest.mark.parametrize("pieces", [[BODY], cut(BODY, 30), []])
def test_trailers_end_a_chunked_body(gateway: Listener, pieces: list[bytes]) -> None:
    sent = gateway.send(pieces=pieces, trailers={"x-checksum": "1"})
    if not pieces:
        assert sent.reply.error()["code"] == "invalid_json"
        return
    assert sent.seen.body == ROUTED
    assert sent.seen.request.trailers == [("x-checksum", "1")]


def test_a_body_that_dribbles_in(gateway: Listener) -> None:
    """A content-length known from the start, and bytes that come late."""
    mark = gateway.lab.expect()
    with dial(gateway.port) as connection:
        connection.sendall(head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(BODY))}))
        for piece in cut(BODY, 5, 40, len(BODY) - 1):
            time.sleep(0.03)
            connection.sendall(piece)
        assert read_reply(connection).status == 200
    (seen,) = gateway.lab.reached(mark)
    assert seen.body == ROUTED


@pytest.mark.parametrize("policy", ["main", "pass"])
def test_a_length_that_promises_too_much(lab: Lab, policy: str) -> None:
    """The client ends its side before the body is whole: the request ends, and no server is given half of it as a whole."""
    listener = lab.listener(policy)
    mark = lab.expect()
    with dial(listener.port) as connection:
        connection.sendall(head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(BODY) + 50)}) + BODY)
        connection.shutdown(socket.SHUT_WR)
        started = time.monotonic()
        answered = connection.recv(65536)
        assert time.monotonic() - started < 5
    assert answered == b"" or answered.startswith(b"HTTP/1.1 4"), answered
    assert [seen for seen in lab.reached(mark) if seen.request.whole] == []


def test_a_length_that_promises_too_little(gateway: Listener) -> None:
    """What is over belongs to the next request, where it is nonsense; it never reaches a server as part of this one."""
    mark = gateway.lab.expect()
    smuggled = b"POST /smuggled HTTP/1.1\r\nhost: x\r\nx-test: " + mark.encode() + b"\r\ncontent-length: 0\r\n\r\n"
    with dial(gateway.port) as connection:
        connection.sendall(head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(BODY) - 3)}) + BODY + smuggled)
        reply = read_reply(connection)
    assert reply.status == 400, reply
    assert gateway.lab.reached(mark) == []


@pytest.mark.parametrize("lengths", ["5, 6", "-1", "0x10", "99999999999999999999", "abc"])
def test_a_length_that_is_none(gateway: Listener, lengths: str) -> None:
    sent = gateway.send(BODY, {"content-length": lengths}, pieces=[BODY])
    assert 400 <= sent.reply.status < 500, sent.reply


def test_a_shorter_model_name_leaves_no_surplus_for_the_next_request(gateway: Listener) -> None:
    """Two requests on one connection: were the length not mended, the second would begin with the first's leftovers."""
    body = body_of(MATH, model="auto", padding="x" * 50)
    marks = [gateway.lab.expect(), gateway.lab.expect()]
    with dial(gateway.port) as connection:
        for mark in marks:
            connection.sendall(head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(body))}) + body)
            assert read_reply(connection).status == 200
    bodies = [gateway.lab.reached(mark)[0].body for mark in marks]
    assert bodies == [body.replace(b'"auto"', b'"stem-32b"')] * 2


def test_pipelined_requests_are_routed_one_by_one(gateway: Listener) -> None:
    marks = [gateway.lab.expect() for _ in range(3)]
    requests = [head_of("POST", CHAT, {"x-test": mark, "content-length": str(len(BODY))}) + BODY for mark in marks]
    with dial(gateway.port) as connection:
        connection.sendall(b"".join(requests))
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < len(marks):
            data = connection.recv(65536)
            assert data, received
            received += data
    assert [gateway.lab.reached(mark)[0].body for mark in marks] == [ROUTED] * 3


def test_a_client_that_waits_for_continue(gateway: Listener) -> None:
    mark = gateway.lab.expect()
    headers = {"x-test": mark, "expect": "100-continue", "content-length": str(len(BODY))}
    with dial(gateway.port) as connection:
        connection.sendall(head_of("POST", CHAT, headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(BODY)
        assert read_reply(connection).status == 200
    assert gateway.lab.reached(mark)[0].body == ROUTED


@pytest.mark.parametrize("when", ["after the headers", "in the body"])
def test_a_client_that_leaves_before_its_request_is_whole(gateway: Listener, when: str, tenant: str) -> None:
    mark = gateway.lab.expect()
    with dial(gateway.port) as connection:
        connection.sendall(head_of("POST", CHAT, {"x-test": mark, "x-tenant": tenant, "content-length": str(len(BODY))}))
        if when == "in the body":
            connection.sendall(BODY[:40])
        time.sleep(0.02)
    assert gateway.lab.reached(mark) == []
    assert gateway.used(tenant) == 0


def test_a_request_without_any_body(gateway: Listener) -> None:
    """A POST that ends with its headers has no body callback to decide in."""
    sent = gateway.send(length=0)
    assert sent.reply.status == 400
    assert sent.reply.error()["code"] == "invalid_json"


class H2:
    """One HTTP/2 connection in the clear, just enough of a client to send what httpx would not."""

    def __init__(self, port: int) -> None:
        import h2.connection

        self.wire = dial(port)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.wire.sendall(self.h2.data_to_send())

    def request(self, headers: dict[str, str], pieces: list[bytes], trailers: dict[str, str] | None) -> tuple[int, bytes]:
        stream = self.h2.get_next_available_stream_id()
        pseudo = {":method": "POST", ":path": CHAT, ":scheme": "http", ":authority": "gateway.test"}
        self.h2.send_headers(stream, list({**pseudo, **headers}.items()), end_stream=not pieces and not trailers)
        for at, piece in enumerate(pieces):
            self.h2.send_data(stream, piece, end_stream=at == len(pieces) - 1 and not trailers)
            self.flush()
        if trailers:
            self.h2.send_headers(stream, list(trailers.items()), end_stream=True)
        self.flush()
        return self.answer(stream)

    def answer(self, stream: int) -> tuple[int, bytes]:
        import h2.events

        status, body, end = 0, b"", time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            for event in self.h2.receive_data(self.wire.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream:
                    status = int(dict(event.headers)[b":status"])
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    return status, body
                elif isinstance(event, h2.events.StreamEnded) and event.stream_id == stream:
                    return status, body
            self.flush()
        raise TimeoutError(f"no end of the answer; so far {status} {body!r}")


@pytest.mark.parametrize("trailers", [None, {"x-checksum": "1"}])
@pytest.mark.parametrize("pieces", [[BODY], cut(BODY, 13, 60), [*cut(BODY, 20), b""]])
@pytest.mark.parametrize("counted", [True, False])
def test_http2_with_and_without_trailers(
    gateway: Listener, pieces: list[bytes], trailers: dict[str, str] | None, counted: bool
) -> None:
    mark = gateway.lab.expect()
    headers = {"x-test": mark, "content-type": "application/json"}
    if counted:
        headers["content-length"] = str(len(BODY))
    status, body = H2(gateway.port).request(headers, pieces, trailers)
    assert (status, json.loads(body)["object"]) == (200, "chat.completion")
    (seen,) = gateway.lab.reached(mark)
    assert (seen.server, seen.body) == ("stem", ROUTED)
    assert seen.header("x-pointsman-model") == STEM


def test_http2_with_trailers_and_no_body(gateway: Listener) -> None:
    status, body = H2(gateway.port).request({"x-test": gateway.lab.expect()}, [], {"x-checksum": "1"})
    assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_json")


def test_http2_streams_are_charged_apart(gateway: Listener, tenant: str) -> None:
    connection = H2(gateway.port)
    for total in (10, 20, 30):
        headers = {"x-test": gateway.lab.expect(completion(total)), "x-tenant": tenant}
        assert connection.request(headers, [BODY], None)[0] == 200
    assert gateway.used(tenant) == 60


def test_httpx_over_http2(gateway: Listener) -> None:
    import httpx

    mark = gateway.lab.expect()
    with httpx.Client(http1=False, http2=True) as client:
        answer = client.post(f"http://127.0.0.1:{gateway.port}{CHAT}", content=BODY, headers={"x-test": mark})
    assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
    assert gateway.lab.reached(mark)[0].body == ROUTED
