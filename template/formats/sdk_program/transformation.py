"""How a call becomes a run of the program, and what it prints an answer. Yours to edit.

This is a worked example, complete and tested, for an imaginary program that is given JSON on stdin:

    {"model": "m", "messages": [...], "stream": true, "max_tokens": 100, "tools": [...]}

and prints JSON, one object a line: {"type": "text", "text": "Hel"}, also "thought", "call", "usage" and "error", and at
last "end". It takes its token, and headers for its service, from the environment. Put your program in its place, here and in tests/stand_in/.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from .sdk_events import Call, Event, Finish, Reasoning, SdkError, Text, ToolCall, Usage
from .sdk_format import SdkFormatConfig
from .sdk_program import json_lines, program

# The program's word for why it ended -> OpenAI's finish reason.
FINISH_REASONS = {"complete": "stop", "calls": "tool_calls", "length": "length", "filtered": "content_filter"}


class ChatConfig(SdkFormatConfig):
    """The program's chat."""

    parameters = (
        "max_tokens",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    )
    most_at_once = 16

    async def events(self, call: Call) -> AsyncIterator[Event]:
        """Yields what the model says."""
        environment = {"EXAMPLE_TOKEN": call.credential or "", "EXAMPLE_HEADERS": json.dumps(dict(call.headers))}
        if call.api_base is not None:
            environment["EXAMPLE_BASE_URL"] = call.api_base
        asked = {"model": call.model, "messages": call.messages, "stream": call.stream, **call.parameters}
        async with aclosing(json_lines([*program(), "--json"], json.dumps(asked), environment)) as lines:
            async for line in lines:
                for event in _events(line):
                    yield event


def _events(line: Mapping[str, Any]) -> list[Event]:
    """What the program prints, as events; nothing for what it will invent."""
    kind = line["type"]
    if kind == "text":
        return [Text(line["text"])]
    if kind == "thought":
        return [Reasoning(line["text"])]
    if kind == "call":
        # The name comes with the first piece of a call only; "slot" tells parallel calls apart.
        return [ToolCall(line["args"], line["slot"], line.get("id"), line.get("name"))]
    if kind == "usage":
        return [Usage(line["in"], line["out"], line.get("cached", 0))]
    if kind == "end":
        return [Finish(FINISH_REASONS.get(line["reason"], "stop"))]
    if kind == "error":
        raise SdkError(line["message"], line.get("status"), line.get("code"), line.get("retry_after"))
    return []
