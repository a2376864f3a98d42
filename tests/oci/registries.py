"""A real registry on a free port of the loopback; and a small false one for what the real one cannot be made to do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from demo import config
from demo.envoy import die_with_parent
from demo.wire import Answer, Request

# bcrypt's own published test vector, so that no tool has to make one.
USER, PASSWORD = "tester", "U*U"
HTPASSWD = f"{USER}:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"
LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
SECONDS = 20


def binary() -> str:
    """Debian's registry; the tests that need it are skipped where it is not to be had."""
    fetched = config.ROOT / ".tools" / "docker-registry"
    found = str(fetched) if fetched.exists() else shutil.which("docker-registry")
    if found is None:
        pytest.skip("docker-registry is not here; bash tools/build/registry.sh fetches it where apt-get can")
    return found


@dataclass
class Registry:
    """A running registry."""

    address: str

    def get(self, path: str, accept: str = "*/*", login: str | None = None) -> bytes:
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers={"Accept": accept})
        if login is not None:
            request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read()


@contextmanager
def docker_registry(folder: Path, htpasswd: bool = False) -> Iterator[Registry]:
    """Debian's docker-registry with its store in `folder`; it never outlives the test."""
    settings: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        "http": {"addr": "127.0.0.1:0", "secret": "only for this test"},
    }
    if htpasswd:
        (folder / "htpasswd").write_text(HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    # YAML takes JSON.
    (folder / "config.yml").write_text(json.dumps(settings))
    log_path = folder / "log"
    with log_path.open("wb") as log:
        command = [binary(), "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    try:
        yield Registry(address_in(log_path, process))
    finally:
        process.terminate()
        process.wait(SECONDS)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        if said := LISTENING.search(log.read_text(errors="replace")):
            return said[1]
        time.sleep(0.02)
    raise AssertionError(f"the registry did not start:\n{log.read_text(errors='replace')}")


@dataclass
class TokenRegistry:
    """Keeps what is pushed, asks for a Bearer token as public registries do, and may alter or refuse what it is told to."""

    refuse_manifest: bool = False
    stored: dict[str, bytes] = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    # Where it sends clients for a token; empty means itself.
    realm: str = ""

    def __call__(self, request: Request, answer: Answer) -> None:
        host = request.get("host") or ""
        url = urlsplit(request.target)
        query = parse_qs(url.query)
        if url.path == "/token":
            self.asked.append(query)
            good = request.get("authorization") == "Basic " + login_of(USER, PASSWORD)
            answer.json(200 if good else 401, {"token": "t0ken"} if good else {"errors": [{"code": "DENIED", "message": "wrong password"}]})
        elif request.get("authorization") != "Bearer t0ken":
            realm = self.realm or f"http://{host}/token"
            answer.bytes(401, b"", [("www-authenticate", f'Bearer realm="{realm}",service="false"')])
        elif request.method == "HEAD":
            known = url.path.rsplit("/", 1)[1] in self.stored
            answer.head(200 if known else 404, [("content-length", "0")])
        elif request.method == "POST":
            # A relative place with a query of its own: both are allowed, and clients stumble over them.
            answer.bytes(202, b"", [("location", "/v2/uploads/1?state=x")])
        elif "digest" in query:
            digest = "sha256:" + hashlib.sha256(request.body).hexdigest()
            good = query == {"state": ["x"], "digest": [digest]}
            self.stored[digest] = request.body
            answer.bytes(201 if good else 400, b"", [])
        elif self.refuse_manifest:
            answer.json(400, {"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]})
        else:
            self.stored[url.path.rsplit("/", 1)[1]] = request.body
            answer.bytes(201, b"", [])


def login_of(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
