"""How a call becomes one of the SDK, and what it yields an answer. Yours to edit.

This is a worked example, complete and tested, for an imaginary SDK named `example_sdk`:

    client = example_sdk.AsyncClient(token=..., base_url=..., headers=...)
    async for said in client.chat(model="m", messages=[...], max_tokens=100, tools=[...]):
        ...  # {"type": "text", "text": "Hel"}, also "thought", "call" and "usage", and at last "end"

It raises `example_sdk.ApiError`, with a status, a code and the seconds to wait. Put your SDK in its place, here and in
tests/stand_in/, which the tests import under the same name. An SDK that blocks needs no other form: leave out `async`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .sdk_events import Call, Event, Finish, Reasoning, SdkError, Text, ToolCall, Usage, installed
from .sdk_format import SdkFormatConfig

# The SDK's word for why it ended -> OpenAI's finish reason.
FINISH_REASONS = {"complete": "stop", "calls": "tool_calls", "length": "length", "filtered": "content_filter"}


class ChatConfig(SdkFormatConfig):
    """The SDK's chat."""

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

    async def events(self, call: Call) -> AsyncIterator[Event]:
        """Yields what the model says."""
        sdk = installed("example_sdk")
        try:
            async with sdk.AsyncClient(token=call.credential, base_url=call.api_base, headers=call.headers) as client:
                async for said in client.chat(
                    model=call.model, messages=call.messages, stream=call.stream, **call.parameters
                ):
                    for event in _events(said):
                        yield event
        except sdk.ApiError as error:
            raise SdkError(str(error), error.status, error.code, error.retry_after) from None


def _events(said: Mapping[str, Any]) -> list[Event]:
    """What the SDK yields, as events; nothing for what it will invent."""
    kind = said["type"]
    if kind == "text":
        return [Text(said["text"])]
    if kind == "thought":
        return [Reasoning(said["text"])]
    if kind == "call":
        # The name comes with the first piece of a call only; "slot" tells parallel calls apart.
        return [ToolCall(said["args"], said["slot"], said.get("id"), said.get("name"))]
    if kind == "usage":
        return [Usage(said["in"], said["out"], said.get("cached", 0))]
    if kind == "end":
        return [Finish(FINISH_REASONS.get(said["reason"], "stop"))]
    return []
