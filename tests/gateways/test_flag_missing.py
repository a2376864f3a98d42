"""Without `allow_on_headers_stop_iteration` Envoy never shows a body while headers are held: nothing may hang, and the log says what to do."""

from __future__ import annotations

import time

from answers import completion
from demo import config
from demo.envoy import Envoy
from demo.wire import Server
from lab import CHAT, SERVERS, body_of, eventually, settings
from policies import BASE
from web import exchange



def test_requests_are_let_go_charged_and_the_log_says_why() -> None:
    with Server(completion(7)) as server:
        without = settings({name: server.port for name in SERVERS}, {"main": BASE})
        config.plugin(config.listeners(without)[0])["allow_on_headers_stop_iteration"] = False
        with Envoy(without, workers=1) as envoy:
            started = time.monotonic()
            headers = {"content-type": "application/json", "x-tenant": "anyone"}
            reply = exchange(envoy.ports["main"], "POST", CHAT, headers, body_of(model="general-large"))
            waited = time.monotonic() - started
            assert reply.status == 200, reply
            assert reply.header("x-pointsman-reason") == "unseen"
            assert reply.number("x-pointsman-reserved") > 0
            assert 2.5 < waited < 8, f"waited {waited:.1f} s"
            eventually(lambda: "allow_on_headers_stop_iteration: true" in envoy.log(), True)
            assert "panicked" not in envoy.log() and envoy.alive()
