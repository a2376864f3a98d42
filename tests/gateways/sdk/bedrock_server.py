"""A server that speaks Bedrock's Converse: JSON, or binary frames with their checksums, after it has checked the signature."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from demo.wire import Answer, Request
from lab import Seen
from roads import Json, Speaker, pieces, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}
KEY, SECRET, REGION, TOKEN = "AKIDEXAMPLE", "a-secret-of-this-test", "us-east-1", "a-token-of-this-test"
CACHE_READ = 100


def frame(payload: Json, **headers: str) -> bytes:
    """One message of an event stream: lengths and their checksum, headers, payload, and the checksum of it all."""
    named = {f":{name.replace('_', '-')}": value for name, value in headers.items()}
    named[":content-type"] = "application/json"
    head = b""
    for name, value in named.items():
        # 7 is a string.
        head += struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(head) + len(body), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + body
    return message + struct.pack("!I", zlib.crc32(message))


def event(kind: str, payload: Json) -> bytes:
    return frame(payload, event_type=kind, message_type="event")


def is_signed(request: Request) -> bool:
    """Whether the signature is the one of this request as it arrived: its path, its signed headers, its body."""
    scheme, _, rest = (request.get("authorization") or "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return False
    fields = dict(field.strip().split("=", 1) for field in rest.split(","))
    signed = {name: request.get(name) for name in fields["SignedHeaders"].split(";")}
    again = AWSRequest(request.method, f"http://{request.get('host')}{request.target}", headers=signed, data=request.body)
    again.context["timestamp"] = request.get("x-amz-date")
    signer = SigV4Auth(Credentials(KEY, SECRET), "bedrock", REGION)
    return signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again) == fields["Signature"]


class BedrockServer(Speaker):
    def __init__(self, *args: Any, signed: bool = False, throttled_midway: bool = False, **options: Any) -> None:
        """`signed` wants signatures and no API key; `throttled_midway` ends a stream with an exception after its first words."""
        super().__init__(*args, **options)
        self.signed, self.throttled_midway = signed, throttled_midway

    def model(self, seen: Seen) -> str:
        return unquote(seen.request.target.split("/")[2])

    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        if not (is_signed(request) if self.signed else request.get("authorization") == f"Bearer {TOKEN}"):
            refusal = {"message": "The request signature we calculated does not match the signature you provided."}
            answer.json(403, refusal, [("x-amzn-errortype", "InvalidSignatureException")])
            return
        has_result = any("toolResult" in block for block in body["messages"][-1]["content"])
        calls = "toolConfig" in body and not has_result
        usage = {
            "inputTokens": self.prompt_tokens,
            "outputTokens": self.answer_tokens,
            "totalTokens": self.prompt_tokens + CACHE_READ + self.answer_tokens,
            "cacheReadInputTokens": CACHE_READ,
            "cacheWriteInputTokens": 0,
        }
        reason = "tool_use" if calls else "end_turn"
        call = {"toolUseId": "tooluse_1", "name": "solve"}
        if path.endswith("/converse"):
            block: Json = {"toolUse": {**call, "input": self.wants or ARGUMENTS}} if calls else {"text": self.says}
            message = {"role": "assistant", "content": [block]}
            self.report(self.prompt_tokens, CACHE_READ, self.answer_tokens)
            answer.json(200, {"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 7}})
            return
        events = [event("messageStart", {"role": "assistant"})]
        if calls:
            events.append(event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": call}}))
            deltas: list[Json] = [{"toolUse": {"input": piece}} for piece in pieces(json.dumps(self.wants or ARGUMENTS))]
        else:
            deltas = [{"text": piece} for piece in pieces(self.says)]
        events += [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta, "p": "abcdef"}) for delta in deltas]
        if self.throttled_midway:
            events = [*events[:3], frame({"message": "Too many tokens."}, exception_type="throttlingException", message_type="exception")]
        else:
            events.append(event("contentBlockStop", {"contentBlockIndex": 0}))
            events.append(event("messageStop", {"stopReason": reason}))
            events.append(event("metadata", {"usage": usage, "metrics": {"latencyMs": 7}}))
            self.report(self.prompt_tokens, CACHE_READ, self.answer_tokens)
        stream(answer, events, "application/vnd.amazon.eventstream")
