"""A server that speaks Cohere's chat, version 2."""

from __future__ import annotations

import json
from typing import Any

from demo.wire import Answer, Request
from roads import Json, Speaker, pieces, sse, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}


class CohereServer(Speaker):
    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        assert path == "/v2/chat", path
        calls = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
        usage = {
            # What is billed leaves out what Cohere puts around a prompt; the quota counts what the model has read.
            "billed_units": {"input_tokens": 5, "output_tokens": self.answer_tokens},
            "tokens": {"input_tokens": self.prompt_tokens, "output_tokens": self.answer_tokens},
            "cached_tokens": 16,
        }
        self.report(self.prompt_tokens, self.answer_tokens)
        arguments = json.dumps(self.wants or ARGUMENTS)
        call = {"id": "solve_1", "type": "function", "function": {"name": "solve", "arguments": arguments}}
        reason = "TOOL_CALL" if calls else "COMPLETE"
        if not body.get("stream"):
            message: Json = {"role": "assistant"}
            message |= {"tool_plan": "I will solve it.", "tool_calls": [call]} if calls else {"content": [{"type": "text", "text": self.says}]}
            answer.json(200, {"id": "c-1", "finish_reason": reason, "message": message, "usage": usage})
            return
        events: list[bytes] = []

        def say(kind: str, **fields: Any) -> None:
            events.append(sse({"type": kind, **fields}, kind))

        start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        say("message-start", id="c-1", delta={"message": start})
        if calls:
            say("tool-plan-delta", delta={"message": {"tool_plan": "I will solve it."}})
            empty = {**call, "function": {"name": "solve", "arguments": ""}}
            say("tool-call-start", index=0, delta={"message": {"tool_calls": empty}})
            for piece in pieces(arguments):
                say("tool-call-delta", index=0, delta={"message": {"tool_calls": {"function": {"arguments": piece}}}})
            say("tool-call-end", index=0)
        else:
            say("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}})
            for piece in pieces(self.says):
                say("content-delta", index=0, delta={"message": {"content": {"text": piece}}})
            say("content-end", index=0)
        say("message-end", id="c-1", delta={"finish_reason": reason, "usage": usage})
        stream(answer, [*events, sse("[DONE]")])
