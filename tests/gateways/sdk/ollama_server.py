"""A server that speaks Ollama's API, whose answers stream as lines of JSON."""

from __future__ import annotations

import json

from demo.wire import Answer, Request
from roads import Json, Speaker, pieces, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}


class OllamaServer(Speaker):
    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        chats = {"/api/chat": True, "/api/generate": False}[path]
        calls = chats and body.get("tools") and body["messages"][-1]["role"] != "tool"
        made = {"model": body["model"], "created_at": "2026-01-02T03:04:05.123456Z"}
        done = {
            "done": True,
            "done_reason": "stop",
            "total_duration": 5_043_500_667,
            "load_duration": 5_025_959,
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": 325_953_000,
            "eval_count": self.answer_tokens,
            "eval_duration": 4_709_213_000,
        }

        def said(text: str) -> Json:
            return {"message": {"role": "assistant", "content": text}} if chats else {"response": text}

        function = {"name": "solve", "arguments": self.wants or ARGUMENTS}
        call = {"message": {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}}
        self.report(self.prompt_tokens, self.answer_tokens)
        if body.get("stream", True):
            lines = [call] if calls else [said(piece) for piece in pieces(self.says)]
            documents = [{**made, **line, "done": False} for line in lines]
            documents.append({**made, **said(""), **done})
            stream(answer, [json.dumps(document).encode() + b"\n" for document in documents], "application/x-ndjson")
        else:
            body_bytes = json.dumps({**made, **(call if calls else said(self.says)), **done}).encode()
            answer.bytes(200, body_bytes, [("content-type", "application/json; charset=utf-8")])
