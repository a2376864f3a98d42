"""One Envoy with two workers, a listener for each policy, and servers behind it that record every byte and answer as told."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from answers import completion
from demo import config
from demo.envoy import Envoy
from demo.wire import Answer, Application, Request, Server
from policies import PLENTY, POLICIES
from web import Reply, exchange

SERVERS = ("general", "stem", "office")
# A stream that hangs is ended by Envoy before the client's patience ends, so that the test says what hung.
IDLE_TIMEOUT = "6s"
CHAT = "/v1/chat/completions"
MATH = "Solve the quadratic equation x^2 - 5x + 6 = 0 and factor the polynomial"
LAW = "Can my landlord evict me without notice, and can I sue him in court for breach of the lease?"


def body_of(prompt: Any = MATH, model: str | None = "auto", **fields: Any) -> bytes:
    """A chat request; `prompt` is the user's content, or a whole list of messages. A model of None is left out."""
    messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    named = {} if model is None else {"model": model}
    return json.dumps({**named, "messages": messages, **fields}).encode()


@dataclass
class Seen:
    """One request as a server received it."""

    server: str
    request: Request

    @property
    def body(self) -> bytes:
        return self.request.body

    def json(self) -> Any:
        return json.loads(self.request.body)

    def header(self, name: str) -> str | None:
        """A header's only value; several are an error in themselves."""
        values = self.request.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None


@dataclass
class Exchange:
    """What the client got, and what the servers saw of it."""

    reply: Reply
    reached: list[Seen] = field(default_factory=list)

    @property
    def seen(self) -> Seen:
        assert len(self.reached) == 1, f"reached {[one.server for one in self.reached]}; the client got {self.reply}"
        return self.reached[0]


class Listener:
    """The gateway under one policy."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.port = lab.envoy.ports[name]

    def send(
        self,
        body: bytes = b"",
        headers: dict[str, str | bytes] | None = None,
        answer: Application | None = None,
        *,
        tenant: str | None = "anyone",
        method: str = "POST",
        path: str = CHAT,
        length: int | None = None,
        pieces: list[bytes] | None = None,
        trailers: dict[str, str] | None = None,
    ) -> Exchange:
        """One request, as `web.exchange` sends it, answered by `answer` or by a plain completion."""
        mark = self.lab.expect(answer)
        named: dict[str, str | bytes] = {"x-test": mark, "content-type": "application/json"}
        if tenant is not None:
            named["x-tenant"] = tenant
        reply = exchange(self.port, method, path, {**named, **(headers or {})}, body, length=length, pieces=pieces, trailers=trailers)
        return Exchange(reply, self.lab.reached(mark))

    def chat(self, prompt: Any = MATH, answer: Application | None = None, *, tenant: str | None = "anyone", **fields: Any) -> Exchange:
        """One ordinary chat request."""
        return self.send(body_of(prompt, **fields), answer=answer, tenant=tenant)

    def used(self, tenant: str, limit: int = PLENTY) -> int:
        """What the tenant has been charged so far, asked with a request that itself costs nothing."""
        reply = self.chat("hi", completion(0), tenant=tenant, max_tokens=1).reply
        assert reply.status == 200, reply
        return limit - reply.number("x-ratelimit-remaining-tokens") - reply.number("x-pointsman-reserved")


class Lab:
    """All of it, as a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._answers: dict[str, Application] = {}
        self._reached: dict[str, list[Seen]] = {}

    def __enter__(self) -> Lab:
        self.ports = {name: self._stack.enter_context(Server(self._application(name))).port for name in SERVERS}
        self.envoy = self._stack.enter_context(Envoy(settings(self.ports), workers=2))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def listener(self, name: str) -> Listener:
        return Listener(self, name)

    def expect(self, answer: Application | None = None) -> str:
        """A mark for the header `x-test`; the request that bears it is answered so."""
        mark = uuid.uuid4().hex
        self._answers[mark] = answer or completion()
        return mark

    def reached(self, mark: str) -> list[Seen]:
        with self._lock:
            return list(self._reached.get(mark, []))

    def _application(self, name: str) -> Application:
        def serve(request: Request, answer: Answer) -> None:
            mark = request.get("x-test") or ""
            with self._lock:
                self._reached.setdefault(mark, []).append(Seen(name, request))
            self._answers.get(mark, completion())(request, answer)

        return serve

    def vms_created(self) -> int:
        """How many VMs Envoy has made since it started."""
        return self.envoy.stats("wasm.envoy.wasm.runtime.v8.created").get("wasm.envoy.wasm.runtime.v8.created", 0)


def settings(ports: dict[str, int], policies: dict[str, Any] = POLICIES) -> config.Config:
    """The shipped configuration with one listener for each policy (a string is a policy's text as it is).

    Upgrades and trailers are let through, which Envoy does not do unless told, so that the filter has to cope with them.
    """
    settings = config.shipped()
    settings["static_resources"]["listeners"] = [config.listener_with(settings, name, policy) for name, policy in policies.items()]
    for listener in config.listeners(settings):
        manager = config.connection_manager(listener)
        manager["stream_idle_timeout"] = IDLE_TIMEOUT
        manager["upgrade_configs"] = [{"upgrade_type": "websocket"}]
        manager["http_protocol_options"] = {"enable_trailers": True}
    for cluster in settings["static_resources"]["clusters"]:
        cluster["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}},
            }
        }
    config.set_upstreams(settings, ports)
    config.set_free_ports(settings)
    config.set_module(settings, config.MODULE)
    return settings


def eventually(found: Callable[[], Any], expected: Any, seconds: float = 3.0) -> None:
    """For what settles after the client has gone: asks again until it is so."""
    end = time.monotonic() + seconds
    while (value := found()) != expected:
        assert time.monotonic() < end, f"still {value!r} after {seconds} s, expected {expected!r}"
        time.sleep(0.02)
