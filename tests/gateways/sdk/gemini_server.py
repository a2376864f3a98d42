"""A server that speaks Gemini's generateContent, whole and streamed in both of its forms."""

from __future__ import annotations

import json

from demo.wire import Answer, Request
from lab import Seen
from roads import Json, Speaker, pieces, sse, stream

ARGUMENTS = {"expression": "x^2 - 5x + 6"}
THOUGHT, COUNTED = 9, 77


class GeminiServer(Speaker):
    def model(self, seen: Seen) -> str:
        return seen.request.target.split("/models/")[1].split(":")[0]

    def serve(self, path: str, body: Json, request: Request, answer: Answer) -> None:
        model, method = path.split("/models/")[1].rsplit(":", 1)
        if method == "countTokens":
            answer.json(200, {"totalTokens": COUNTED, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": COUNTED}]})
            return
        chunks = self.chunks(body, model)
        if method == "generateContent":
            parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
            if all("text" in part for part in parts):
                parts = [{"text": "".join(part["text"] for part in parts)}]
            whole = chunks[-1]
            whole["candidates"][0]["content"]["parts"] = parts
            answer.json(200, whole)
        elif "alt=sse" in request.target:
            # Google's servers end their lines so.
            stream(answer, [sse(chunk).replace(b"\n\n", b"\r\n\r\n") for chunk in chunks], "text/event-stream")
        else:
            texts = [json.dumps(chunk, indent=2).encode() for chunk in chunks]
            starts = [b"[", *[b",\r\n"] * (len(texts) - 1)]
            stream(answer, [start + text for start, text in zip(starts, texts)] + [b"]"], "application/json; charset=UTF-8")

    def chunks(self, body: Json, model: str) -> list[Json]:
        """The answer in pieces; counts of the prompt come with each, and grow for what was generated."""
        last = body["contents"][-1]["parts"]
        has_result = any("functionResponse" in part for part in last)
        if body.get("tools") and not has_result:
            tool = body["tools"][0]["functionDeclarations"][0]["name"]
            parts = [{"functionCall": {"name": tool, "args": self.wants or ARGUMENTS}, "thoughtSignature": "c2ln"}]
        else:
            parts = [{"text": piece} for piece in pieces(self.says)]
        chunks = []
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            generated = self.answer_tokens if is_last else index + 1
            usage = {
                "promptTokenCount": self.prompt_tokens,
                "candidatesTokenCount": generated,
                "totalTokenCount": self.prompt_tokens + generated + THOUGHT,
                "thoughtsTokenCount": THOUGHT,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": self.prompt_tokens}],
            }
            candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
            if is_last:
                candidate["finishReason"] = "STOP"
            chunks.append({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "r-1"})
        self.report(self.prompt_tokens, self.answer_tokens, THOUGHT)
        return chunks
