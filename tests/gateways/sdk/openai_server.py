"""A server that speaks OpenAI's APIs: chat completions, completions, Responses and embeddings."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from demo.wire import Answer, Request
from roads import Json, Speaker, pieces, sse, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}
VECTOR = [0.25, -0.5, 0.125, 1.0]


class OpenAiServer(Speaker):
    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        ends = {
            "/chat/completions": self.chat,
            "/completions": self.completions,
            "/responses": self.responses,
            "/embeddings": self.embeddings,
        }
        next(serve for end, serve in ends.items() if path.endswith(end))(body, answer)

    def usage(self, choices: int = 1) -> Json:
        answered = self.answer_tokens * choices
        self.report(self.prompt_tokens, answered)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": answered,
            "total_tokens": self.prompt_tokens + answered,
            "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0, "accepted_prediction_tokens": 0},
        }

    def calls_tool(self, messages: list[Json], body: Json) -> str | None:
        """The tool to call: the first one, unless its result is there."""
        if not body.get("tools") or messages[-1].get("role") == "tool" or messages[-1].get("type") == "function_call_output":
            return None
        tool = body["tools"][0]
        return (tool.get("function") or tool)["name"]

    def chat(self, body: Json, answer: Answer) -> None:
        tool = self.calls_tool(body["messages"], body)
        arguments = json.dumps(self.wants or ARGUMENTS)
        choices = range(body.get("n", 1))
        head = {"id": "chatcmpl-7", "created": 1_760_000_000, "model": body["model"], "service_tier": "default", "system_fingerprint": "fp_1"}
        if not body.get("stream"):
            call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
            message = {"role": "assistant", "content": None if tool else self.says, "refusal": None, "annotations": []}
            message |= {"tool_calls": [call]} if tool else {}
            reason = "tool_calls" if tool else "stop"
            listed = [{"index": index, "message": message, "logprobs": None, "finish_reason": reason} for index in choices]
            answer.json(200, {**head, "object": "chat.completion", "choices": listed, "usage": self.usage(len(choices))})
            return
        asked = (body.get("stream_options") or {}).get("include_usage")
        shown: Json = {"usage": None} if asked else {}
        events = []

        def chunk(index: int, delta: Json, reason: str | None = None) -> None:
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
            events.append(sse({**head, "object": "chat.completion.chunk", "choices": [choice], **shown, "obfuscation": "Qx7"}))

        for index in choices:
            if tool:
                call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": ""}}
                chunk(index, {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None})
                for piece in pieces(arguments):
                    chunk(index, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            else:
                chunk(index, {"role": "assistant", "content": "", "refusal": None})
                for piece in pieces(self.says):
                    chunk(index, {"content": piece})
            chunk(index, {}, "tool_calls" if tool else "stop")
        if asked:
            last = {**head, "object": "chat.completion.chunk", "choices": [], "usage": self.usage(len(choices)), "obfuscation": ""}
            events.append(sse(last))
        stream(answer, [*events, sse("[DONE]")])

    def completions(self, body: Json, answer: Answer) -> None:
        head = {"id": "cmpl-7", "object": "text_completion", "created": 1_760_000_000, "model": body["model"]}

        def choice(text: str, reason: str | None) -> Json:
            return {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}

        if not body.get("stream"):
            answer.json(200, {**head, "choices": [choice(self.says, "stop")], "usage": self.usage()})
            return
        asked = (body.get("stream_options") or {}).get("include_usage")
        shown: Json = {"usage": None} if asked else {}
        events = [sse({**head, "choices": [choice(piece, None)], **shown}) for piece in pieces(self.says)]
        events.append(sse({**head, "choices": [choice("", "stop")], **shown}))
        if asked:
            events.append(sse({**head, "choices": [], "usage": self.usage()}))
        stream(answer, [*events, sse("[DONE]")])

    def embeddings(self, body: Json, answer: Answer) -> None:
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        vector: Any = VECTOR
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<4f", *VECTOR)).decode()
        data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(inputs))]
        self.report(self.prompt_tokens)
        usage = {"prompt_tokens": self.prompt_tokens, "total_tokens": self.prompt_tokens}
        answer.json(200, {"object": "list", "data": data, "model": body["model"], "usage": usage})

    def responses(self, body: Json, answer: Answer) -> None:
        items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        tool = self.calls_tool(items, body)
        arguments = json.dumps(self.wants or ARGUMENTS)
        if tool:
            item: Json = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool, "arguments": arguments}
        else:
            part = {"type": "output_text", "text": self.says, "annotations": [], "logprobs": []}
            item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        made = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_760_000_000,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "model": body["model"],
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": True,
            "temperature": 1.0,
            "text": body.get("text", {"format": {"type": "text"}}),
            "tool_choice": "auto",
            "tools": body.get("tools", []),
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
            "metadata": {},
        }
        usage = {
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self.answer_tokens,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": self.prompt_tokens + self.answer_tokens,
        }
        done = {**made, "status": "completed", "output": [{**item, "status": "completed"}], "usage": usage}
        self.report(self.prompt_tokens, self.answer_tokens)
        if not body.get("stream"):
            answer.json(200, done)
            return
        events: list[bytes] = []

        def say(kind: str, **fields: Any) -> None:
            events.append(sse({"type": kind, "sequence_number": len(events), **fields}, kind))

        at: Json = {"item_id": item["id"], "output_index": 0}
        say("response.created", response=made)
        say("response.in_progress", response=made)
        if tool:
            say("response.output_item.added", output_index=0, item={**item, "arguments": "", "status": "in_progress"})
            for piece in pieces(arguments):
                say("response.function_call_arguments.delta", **at, delta=piece)
            say("response.function_call_arguments.done", **at, name=tool, arguments=arguments)
        else:
            at |= {"content_index": 0}
            say("response.output_item.added", output_index=0, item={**item, "content": [], "status": "in_progress"})
            say("response.content_part.added", **at, part={**part, "text": ""})
            for piece in pieces(self.says):
                say("response.output_text.delta", **at, delta=piece, logprobs=[])
            say("response.output_text.done", **at, text=self.says, logprobs=[])
            say("response.content_part.done", **at, part=part)
        say("response.output_item.done", output_index=0, item={**item, "status": "completed"})
        say("response.completed", response=done)
        stream(answer, events)
