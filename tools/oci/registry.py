"""A minimal client of the registry's HTTP API, for pushing where skopeo is not installed: blobs first, the manifest last."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message

from .layout import Blob, Image
from .login import basic
from .reference import Reference

SECONDS = 60
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class PushFailed(Exception):
    """The registry was not reached or refused; the message says which step, and what the registry said."""


@dataclass
class Reply:
    status: int
    headers: Message
    body: bytes

    def reason(self) -> str:
        """The registry's own words where it gives any."""
        try:
            errors = json.loads(self.body)["errors"]
            return "; ".join(f"{error.get('code', '')}: {error.get('message', '')}" for error in errors)
        except (ValueError, KeyError, TypeError):
            return self.body[:200].decode(errors="replace").strip()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer here: following one would carry the login to another host."""

    def redirect_request(self, *_: object) -> None:
        return None


class Registry:
    """One repository of a registry. It logs in when the registry asks for it, once."""

    def __init__(self, reference: Reference, plain_http: bool) -> None:
        self.reference = reference
        self.base = f"{'http' if plain_http else 'https'}://{reference.registry}"
        self._authorization: str | None = None
        self._opener = urllib.request.build_opener(NoRedirect)

    def push(self, image: Image) -> None:
        """Pushes everything that is not there yet, then the manifest under the tag."""
        for blob in (image.config, *image.layers):
            self._push_blob(blob)
        self._push_manifest(image.manifest)

    def _push_blob(self, blob: Blob) -> None:
        if self._call("HEAD", self._url(f"blobs/{blob.digest}")).status == 200:
            return
        begun = self._expect(202, "begin an upload", self._call("POST", self._url("blobs/uploads/"), b""))
        # The place may be relative, and may carry a query of its own.
        place = urllib.parse.urljoin(self.base, begun.headers.get("Location", ""))
        place += ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": blob.digest})
        done = self._call("PUT", place, blob.data, "application/octet-stream")
        self._expect(201, f"upload {blob.digest}", done)

    def _push_manifest(self, manifest: Blob) -> None:
        url = self._url(f"manifests/{self.reference.tag}")
        done = self._expect(201, "put the manifest", self._call("PUT", url, manifest.data, manifest.media_type))
        taken = done.headers.get("Docker-Content-Digest", manifest.digest)
        if taken != manifest.digest:
            raise PushFailed(f"{self.reference}: the registry stored {taken} in place of {manifest.digest}")

    def _url(self, path: str) -> str:
        return f"{self.base}/v2/{self.reference.repository}/{path}"

    def _expect(self, status: int, step: str, reply: Reply) -> Reply:
        if reply.status == status:
            return reply
        hint = ""
        if reply.status in (401, 403):
            hint = f"; log in with: skopeo login {self.reference.registry} (or docker login)"
        elif 300 <= reply.status < 400:
            hint = "; the registry answers at another address than its name says: use skopeo, which knows such registries"
        raise PushFailed(f"{self.reference}: could not {step}: HTTP {reply.status} {reply.reason()}{hint}")

    def _call(self, method: str, url: str, data: bytes | None = None, kind: str | None = None) -> Reply:
        reply = self._once(method, url, data, kind)
        if reply.status == 401 and self._authorization is None:
            self._authorization = self._log_in(reply.headers.get("WWW-Authenticate", ""))
            if self._authorization:
                reply = self._once(method, url, data, kind)
        return reply

    def _once(self, method: str, url: str, data: bytes | None, kind: str | None) -> Reply:
        request = urllib.request.Request(url, data=data, method=method)
        if kind:
            request.add_header("Content-Type", kind)
        # An upload may be sent to a store elsewhere, which has no business with the login.
        if self._authorization and url.startswith(self.base + "/"):
            request.add_header("Authorization", self._authorization)
        return self._open(request)

    def _open(self, request: urllib.request.Request) -> Reply:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())
        except OSError as error:
            reason = getattr(error, "reason", error)
            hint = "" if self.base.startswith("http://") else "; a registry without TLS needs --plain-http"
            raise PushFailed(f"{self.reference}: {self.base} cannot be reached: {reason}{hint}") from error

    def _log_in(self, challenge: str) -> str | None:
        """Answers the registry's challenge: Basic with the login itself, Bearer with a token that the login buys."""
        login = basic(self.reference.registry, self.reference.repository)
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return f"Basic {login}" if login else None
        if scheme.lower() != "bearer":
            return None
        asked = dict(CHALLENGE.findall(rest))
        realm = asked.get("realm", "")
        if login and not realm.startswith(("https://", self.base + "/")):
            raise PushFailed(f"{self.reference}: the registry asks to send the login to {realm!r} without TLS; it was not sent")
        query = {"service": asked.get("service", ""), "scope": f"repository:{self.reference.repository}:pull,push"}
        request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(query)}")
        if login:
            request.add_header("Authorization", f"Basic {login}")
        answer = self._expect(200, "get a token", self._open(request))
        document = json.loads(answer.body)
        return f"Bearer {document.get('token') or document.get('access_token')}"
