"""A server that speaks Anthropic's Messages."""

from __future__ import annotations

import json
from typing import Any

from demo.wire import Answer, Request
from roads import Json, Speaker, pieces, sse, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}
CACHE_READ, CACHE_WRITTEN = 200, 50
COUNTED = 77


class AnthropicServer(Speaker):
    def __init__(self, *args: Any, overloaded_midway: bool = False, **options: Any) -> None:
        """`overloaded_midway` ends a stream with an error after its first words."""
        super().__init__(*args, **options)
        self.overloaded_midway = overloaded_midway

    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        if path == "/v1/messages/count_tokens":
            answer.json(200, {"input_tokens": COUNTED})
        elif path == "/v1/messages":
            self.messages(body, answer)
        else:
            answer.json(404, {"type": "error", "error": {"type": "not_found_error", "message": path}, "request_id": "req_1"})

    def messages(self, body: Json, answer: Answer) -> None:
        last = body["messages"][-1]["content"]
        has_result = isinstance(last, list) and any(block["type"] == "tool_result" for block in last)
        if body.get("tools") and not has_result:
            blocks = [{"type": "text", "text": "Let me see."}]
            blocks.append({"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": self.wants or ARGUMENTS})
            reason = "tool_use"
        else:
            blocks = [{"type": "thinking", "thinking": "Two roots …", "signature": "c2ln"}] if body.get("thinking") else []
            blocks.append({"type": "text", "text": self.says})
            reason = "end_turn"
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}
        cache = {"cache_creation_input_tokens": CACHE_WRITTEN, "cache_read_input_tokens": CACHE_READ}
        begun = {"input_tokens": self.prompt_tokens, **cache, "output_tokens": 3, "service_tier": "standard"}
        done = {**begun, "output_tokens": self.answer_tokens}
        if not body.get("stream"):
            self.report(self.prompt_tokens, CACHE_WRITTEN, CACHE_READ, self.answer_tokens)
            answer.json(200, {**message, "content": blocks, "stop_reason": reason, "stop_sequence": None, "usage": done})
            return
        empty = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": begun}
        events = [sse({"type": "message_start", "message": empty}, "message_start")]
        for index, block in enumerate(blocks):
            events += self.block(index, block)
            if index == 0:
                events.append(sse({"type": "ping"}, "ping"))
        if self.overloaded_midway:
            self.report(self.prompt_tokens, CACHE_WRITTEN, CACHE_READ, 3)
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            stream(answer, [*events[:3], sse(error, "error")])
            return
        # Counts in here are cumulative, and the last of them are the answer's.
        for output, why in ((self.answer_tokens - 2, None), (self.answer_tokens, reason)):
            usage = {"input_tokens": self.prompt_tokens, **cache, "output_tokens": output}
            delta = {"stop_reason": why, "stop_sequence": None}
            events.append(sse({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta"))
        self.report(self.prompt_tokens, CACHE_WRITTEN, CACHE_READ, self.answer_tokens)
        stream(answer, [*events, sse({"type": "message_stop"}, "message_stop")])

    def block(self, index: int, block: Json) -> list[bytes]:
        """The events of one content block."""
        if block["type"] == "text":
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        elif block["type"] == "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        else:
            empty = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(json.dumps(block["input"]))]]
        named: list[tuple[str, Json]] = [("content_block_start", {"content_block": empty})]
        named += [("content_block_delta", {"delta": delta}) for delta in deltas]
        named += [("content_block_stop", {})]
        return [sse({"type": name, "index": index, **fields}, name) for name, fields in named]
