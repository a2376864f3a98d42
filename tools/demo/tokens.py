"""How the demo's servers count tokens: plainly, the same every time, and in whole pieces of text.

A token is a run of at most four letters or digits, or one other visible character. That is close to what real tokenizers
average on English, and it needs no vocabulary. What matters for a quota is that the number is true to the text served.
"""

from __future__ import annotations

import re
from typing import Any

PIECE = re.compile(r"\s*(?:\w{1,4}|[^\w\s])")
# What chat templates put around each message, and before the answer.
TOKENS_PER_MESSAGE = 3
TOKENS_BEFORE_ANSWER = 3


def pieces(text: str) -> list[str]:
    """The text cut into tokens; leading white space belongs to the token that it precedes."""
    return PIECE.findall(text)


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content if isinstance(part, dict))
    return ""


def of_prompt(messages: list[dict[str, Any]]) -> int:
    """Tokens of a chat prompt."""
    return TOKENS_BEFORE_ANSWER + sum(TOKENS_PER_MESSAGE + len(pieces(text_of(message.get("content")))) for message in messages)
