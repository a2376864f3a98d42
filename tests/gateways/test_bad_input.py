"""Bodies that cannot be read: a clear 4xx in OpenAI's form, or passed on untouched, as the policy says. Nothing hangs or traps."""

from __future__ import annotations

import gzip
import json

import pytest
from answers import USUAL_TOTAL, completion
from lab import CHAT, LAW, MATH, Lab, Listener, body_of
from policies import OFFICE, STEM

GOOD = body_of(MATH)
UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n ",
    "half of it": GOOD[: len(GOOD) // 2],
    "all but the last byte": GOOD[:-1],
    "words": b"please solve x^2 = 4",
    "form data": b"model=auto&messages=hello",
    "a binary": bytes(range(256)) * 4,
    "zero bytes": b"\0" * 100,
    "a stray comma": b'{"model":"auto","messages":[],}',
    "no comma": b'{"model":"auto" "messages":[]}',
    "single quotes": b"{'model':'auto','messages':[]}",
    "a second document": GOOD + GOOD,
    "rubbish behind": GOOD + b"x",
    "a cut escape": b'{"model":"auto","messages":[{"role":"user","content":"\\u12"}]}',
    "a bare control character": b'{"model":"auto","messages":[{"role":"user","content":"a\nb\x01"}]}',
    "not a number": b'{"model":"auto","temperature":NaN,"messages":[{"role":"user","content":"hi"}]}',
    "UTF-16": GOOD.decode().encode("utf-16"),
}
WRONG_TYPES: dict[str, tuple[bytes, str | None]] = {
    "a list": (b"[]", None),
    "a string": (b'"auto"', None),
    "a number": (b"17", None),
    "null": (b"null", None),
    "no members": (b"{}", "messages"),
    "no messages": (b'{"model":"auto"}', "messages"),
    "messages null": (b'{"model":"auto","messages":null}', "messages"),
    "messages a string": (b'{"model":"auto","messages":"hi"}', "messages"),
    "messages an object": (b'{"model":"auto","messages":{"role":"user"}}', "messages"),
    "a message that is a string": (b'{"model":"auto","messages":["hi"]}', "messages"),
    "content a number": (b'{"model":"auto","messages":[{"role":"user","content":5}]}', "messages"),
    "model a number": (b'{"model":7,"messages":[{"role":"user","content":"hi"}]}', "model"),
    "model a list": (b'{"model":["auto"],"messages":[{"role":"user","content":"hi"}]}', "model"),
    "model an object": (b'{"model":{"a":"auto"},"messages":[{"role":"user","content":"hi"}]}', "model"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_json_is_refused(gateway: Listener, name: str) -> None:
    sent = gateway.send(UNREADABLE[name])
    assert sent.reply.status == 400, sent.reply
    error = sent.reply.error()
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_json")
    assert sent.reached == []


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_wrong_types_are_refused_by_name(gateway: Listener, name: str) -> None:
    body, member = WRONG_TYPES[name]
    sent = gateway.send(body)
    assert sent.reply.status == 400, sent.reply
    error = sent.reply.error()
    assert error["type"] == "invalid_request_error"
    if member is not None:
        assert (error["param"] or "").startswith(member), error
    assert sent.reached == []


@pytest.mark.parametrize("name", [*UNREADABLE, *WRONG_TYPES])
def test_or_passed_on_untouched_if_the_policy_says_so(lab: Lab, name: str, tenant: str) -> None:
    body = UNREADABLE[name] if name in UNREADABLE else WRONG_TYPES[name][0]
    sent = lab.listener("pass").send(body, {"x-pointsman-model": OFFICE}, tenant=tenant)
    assert sent.reply.status == 200, sent.reply
    assert sent.seen.body == body
    assert sent.seen.server == "general"
    assert sent.reply.header("x-pointsman-reason") == "unreadable"


@pytest.mark.parametrize("policy", ["main", "pass"])
@pytest.mark.parametrize("kind", ["arrays", "objects", "arrays left open", "in the content"])
def test_nesting_ten_thousand_deep(lab: Lab, policy: str, kind: str) -> None:
    deep = {"arrays": b"[" * 10_000 + b"]" * 10_000, "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000}
    bodies = {
        "arrays": b'{"x":' + deep["arrays"] + b"," + GOOD[1:],
        "objects": b'{"x":' + deep["objects"] + b"," + GOOD[1:],
        "arrays left open": b"[" * 10_000,
        "in the content": b'{"model":"auto","messages":[{"role":"user","content":' + deep["arrays"] + b"}]}",
    }
    sent = lab.listener(policy).send(bodies[kind])
    if sent.reply.status == 400:
        assert policy == "main"
        assert sent.reply.error()["type"] == "invalid_request_error"
    else:
        # The nest itself arrives as it was sent, whether or not the request around it was routed.
        assert sent.reply.status == 200
        assert deep["objects" if kind == "objects" else "arrays"][:9_000] in sent.seen.body


def test_five_megabytes_are_routed(gateway: Listener) -> None:
    filler = "lorem ipsum dolor sit amet " * 200_000
    body = body_of([{"role": "system", "content": filler}, {"role": "user", "content": MATH}])
    assert len(body) > 5_000_000
    sent = gateway.send(body)
    assert sent.reply.status == 200, sent.reply
    assert sent.seen.server == "stem"
    assert sent.seen.body == body.replace(b'"model": "auto"', b'"model": "stem-32b"', 1)


def test_a_long_prompt_is_read_from_its_ends(gateway: Listener) -> None:
    """One user turn of a megabyte: bounded work, and an answer."""
    sent = gateway.chat((MATH + ". ") * 14_000)
    assert sent.reply.header("x-pointsman-domain") == "math"
    assert sent.reply.number("x-pointsman-classify-us") < 20_000


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_policy_reads_is_refused(lab: Lab, chunked: bool) -> None:
    body = body_of("x" * 3000)
    pieces = [body[:1500], body[1500:2500], body[2500:]] if chunked else None
    sent = lab.listener("small").send(body, pieces=pieces)
    assert sent.reply.status == 413, sent.reply
    assert sent.reply.error()["type"] == "invalid_request_error"
    assert sent.reached == []


@pytest.mark.parametrize("chunked", [False, True])
def test_or_passed_on_whole(lab: Lab, chunked: bool) -> None:
    body = body_of("x" * 3000)
    pieces = [body[:1500], body[1500:2500], body[2500:]] if chunked else None
    sent = lab.listener("small-pass").send(body, pieces=pieces)
    assert sent.reply.status == 200, sent.reply
    assert sent.seen.body == body
    assert sent.reply.header("x-pointsman-reason") == "oversize"


def test_compressed_bodies_are_not_read(gateway: Listener) -> None:
    sent = gateway.send(gzip.compress(GOOD), {"content-encoding": "gzip"})
    assert sent.reply.status == 415, sent.reply
    assert sent.reply.error()["type"] == "invalid_request_error"
    assert sent.reached == []


def test_or_passed_on_compressed(lab: Lab) -> None:
    body = gzip.compress(GOOD)
    sent = lab.listener("pass").send(body, {"content-encoding": "gzip"})
    assert sent.reply.status == 200, sent.reply
    assert sent.seen.body == body


def test_identity_is_no_compression(gateway: Listener) -> None:
    assert gateway.send(GOOD, {"content-encoding": "identity"}).seen.server == "stem"


BAD_TEXT: dict[str, bytes] = {
    "a lone byte": b"\xff",
    "a cut sequence": b"\xe2\x82",
    "an overlong slash": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "an escaped lone surrogate": b"\\ud800",
    "surrogates the wrong way round": b"\\udc00\\ud800",
}


@pytest.mark.parametrize("policy", ["main", "pass"])
@pytest.mark.parametrize("name", BAD_TEXT)
def test_text_that_is_no_unicode(lab: Lab, policy: str, name: str) -> None:
    """Refused as unreadable, or routed with those bytes left as they are; never mended."""
    body = b'{"model":"auto","messages":[{"role":"user","content":"Solve x^2 = 4 ' + BAD_TEXT[name] + b' for x"}]}'
    sent = lab.listener(policy).send(body)
    if sent.reply.status == 400:
        assert policy == "main"
        assert sent.reply.error()["code"] == "invalid_json"
    else:
        assert sent.reply.status == 200, sent.reply
        assert sent.seen.body.split(b'"messages"')[1] == body.split(b'"messages"')[1]


@pytest.mark.parametrize("header", ["x-anything", "user-agent", "x-tenant", "x-pointsman-model", "content-encoding", "accept-encoding"])
@pytest.mark.parametrize("path", [CHAT, "/v1/feedback"])
def test_headers_that_are_no_unicode(gateway: Listener, header: str, path: str) -> None:
    sent = gateway.send(GOOD, {header: b"\xff\xfe\xc0"}, tenant=None, path=path)
    if sent.reply.status == 200:
        assert sent.seen.header("x-pointsman-model") == (STEM if path == CHAT else None)
    else:
        assert 400 <= sent.reply.status < 500, sent.reply


TWICE: dict[str, bytes] = {
    "auto first": b'{"model":"auto","model":"office-14b","messages":[{"role":"user","content":"Solve x^2 = 4"}]}',
    "auto last": b'{"model":"office-14b","model":"auto","messages":[{"role":"user","content":"Solve x^2 = 4"}]}',
    "both auto": b'{"model":"auto","messages":[{"role":"user","content":"Solve x^2 = 4"}],"model":"auto"}',
    "two explicit": b'{"model":"office-14b","model":"general-large","messages":[{"role":"user","content":"Solve x^2 = 4"}]}',
    "one escaped": b'{"model":"office-14b","mod\\u0065l":"auto","messages":[{"role":"user","content":"Solve x^2 = 4"}]}',
    "one null": b'{"model":"auto","model":null,"messages":[{"role":"user","content":"Solve x^2 = 4"}]}',
}


@pytest.mark.parametrize("name", TWICE)
def test_a_model_named_twice_cannot_be_routed_by_one_and_served_by_the_other(gateway: Listener, name: str) -> None:
    sent = gateway.send(TWICE[name])
    if sent.reply.status == 400:
        sent.reply.error()
        return
    pairs = json.loads(sent.seen.body, object_pairs_hook=list)
    models = {value for key, value in pairs if key == "model"}
    assert models == {sent.seen.header("x-pointsman-model")}


def test_messages_named_twice_are_not_routed_by_what_is_not_served(gateway: Listener) -> None:
    first, last = json.loads(body_of(MATH))["messages"], json.loads(body_of(LAW))["messages"]
    body = b'{"model":"auto","messages":%s,"messages":%s}' % (json.dumps(first).encode(), json.dumps(last).encode())
    sent = gateway.send(body)
    if sent.reply.status == 400:
        sent.reply.error()
        return
    # Nearly every server's JSON reader takes the last.
    assert sent.seen.header("x-pointsman-domain") == "law"


def test_a_stream_asked_for_twice_is_still_charged(gateway: Listener, tenant: str) -> None:
    """Whichever of the two the server heeds, its usage is known or the estimate is kept."""
    body = b'{"model":"auto","stream":true,"stream":false,"max_tokens":1,"max_tokens":500,"messages":[{"role":"user","content":"hi"}]}'
    sent = gateway.send(body, answer=completion(300), tenant=tenant)
    if sent.reply.status == 400:
        sent.reply.error()
        return
    assert gateway.used(tenant) == 300


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_a_chat_path_passes(gateway: Listener, method: str) -> None:
    sent = gateway.send(method=method, length=None if method == "GET" else 0)
    assert sent.reply.status == 200
    assert sent.seen.request.method == method


def test_an_upgrade_passes_without_being_held(gateway: Listener) -> None:
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "eA=="}
    sent = gateway.send(headers=headers, method="GET")
    assert sent.reached and sent.seen.header("upgrade") == "websocket"


def test_a_posted_upgrade_is_not_held_either(gateway: Listener) -> None:
    """Envoy keeps the body back until the server agrees to the upgrade, so no server can answer it as a chat."""
    sent = gateway.send(GOOD, {"connection": "Upgrade", "upgrade": "websocket"})
    assert sent.reply.status == 200, sent.reply
    assert sent.seen.body == b""


NO_UPGRADES: dict[str, dict[str, str | bytes]] = {
    "no connection header": {"upgrade": "websocket"},
    "h2c, which Envoy ignores": {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQAAP__"},
    "nothing to upgrade to": {"connection": "Upgrade"},
    "an empty one": {"connection": "Upgrade", "upgrade": ""},
}


@pytest.mark.parametrize("name", NO_UPGRADES)
def test_what_only_looks_like_an_upgrade_does_not_pass_the_quota(gateway: Listener, name: str, tenant: str) -> None:
    """Envoy sends these on as ordinary requests, body and all."""
    sent = gateway.send(GOOD, NO_UPGRADES[name], tenant=tenant)
    if any(one.body for one in sent.reached):
        assert sent.reply.header("x-pointsman-reason") == "classified", sent
        assert gateway.used(tenant) == USUAL_TOTAL


def test_a_model_with_line_breaks_reaches_no_header(gateway: Listener) -> None:
    sent = gateway.send(body_of(model="x\r\nset-cookie: a=b"))
    assert sent.seen.header("x-pointsman-model") is None
    assert sent.reply.header("x-pointsman-model") is None
    assert sent.reply.header("set-cookie") is None
    assert sent.reply.status == 200
