"""Events of Anthropic's Messages as chunks. Template's file: do not edit.

LiteLLM's own parser calls every error a 500, keeps all that came in memory, and on older versions loses the usage of
`message_start`; see docs of the events at https://docs.anthropic.com/en/docs/build-with-claude/streaming.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from litellm.constants import RESPONSE_FORMAT_TOOL_NAME as JSON_TOOL
from litellm.llms.anthropic.chat.transformation import ANTHROPIC_TOOL_NAME_REVERSE_MAP_KEY as TOOL_NAMES
from litellm.llms.anthropic.chat.transformation import AnthropicConfig

from ._litellm import ModelResponseStream, Usage
from .errors import is_error, read_error
from .parser import StreamParser

if TYPE_CHECKING:
    from .request import Request

# A tool call is known by the call itself. Whoever was paused (`pause_turn`) sends the turn back as it is to go on.
FINISH_REASONS = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "stop",
    "refusal": "content_filter",
    "stop_sequence": "stop",
    "tool_use": "stop",
}

_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


def call_id(block: Mapping[str, Any]) -> str:
    """Returns the id of a call; one of its own for a call without: clients send it back with the result."""
    return str(block.get("id") or f"toolu_{uuid.uuid4().hex}")


def call_arguments(block: Mapping[str, Any]) -> str:
    """Returns the arguments of a call that came whole, as JSON: an object, or the text of one."""
    arguments = block.get("input") or {}
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


class AnthropicChunks(StreamParser):
    """Parses the events of one stream."""

    def __init__(self, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> None:
        super().__init__(streaming_response, sync_stream, json_mode)
        self._id: str | None = None
        self._usage: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._calls = 0
        self._thinking = 0
        self._signature = ""
        self._block: dict[str, Any] = {}
        """The block that is under way, as it began."""
        self._has_arguments = False
        self._searches: list[Any] = []
        self._results: list[Any] = []

    def begin(self, request: Request) -> None:
        """Learns the names that tools have in the call."""
        self._names = request.litellm_params.get(TOOL_NAMES) or {}

    def chunk_parser(self, chunk: dict[str, Any]) -> ModelResponseStream:
        """Returns what one event says. Order, role and the last chunk are stream.py's.

        Raises:
            BaseLLMException: the event is an error of the upstream.
        """
        kind = chunk.get("type")
        if kind == "content_block_delta":
            return self._chunk(self._piece(chunk.get("delta") or {}))
        if kind == "content_block_start":
            return self._chunk(self._start(chunk.get("content_block") or {}))
        if kind == "content_block_stop":
            return self._chunk(self._stop())
        if kind == "message_delta":
            return self._end_of_message(chunk)
        if kind == "message_start":
            message = chunk.get("message") or {}
            self._id = message.get("id")
            self._add_usage(message.get("usage"))
        elif kind == "message_stop":
            self.finished = True
        elif kind != "ping" and is_error(chunk):
            raise read_error(json.dumps(chunk), 200, {})
        return self._chunk({})

    def _start(self, block: dict[str, Any]) -> dict[str, Any]:
        self._block = block
        self._has_arguments = False
        kind = block.get("type") or ""
        if kind == "text":
            return {"content": block.get("text")}
        if kind == "thinking":
            self._thinking += 1
            self._signature = block.get("signature") or ""
            text = block.get("thinking")
            return self._thought(text) if text else {}
        if kind == "redacted_thinking":
            self._thinking += 1
            made = {"type": kind, "data": block.get("data"), "index": self._thinking - 1}
            return {"thinking_blocks": [made], "reasoning_content": ""}
        if kind in _CALLS:
            if self._is_answer:
                return {}
            self._calls += 1
            name = str(block.get("name"))
            return self._call("", id=call_id(block), name=self._names.get(name, name))
        if kind in ("web_search_tool_result", "web_fetch_tool_result"):
            self._searches.append(block)
            return {"provider_specific_fields": {"web_search_results": list(self._searches)}}
        if kind.endswith("_tool_result"):
            self._results.append(block)
            return {"provider_specific_fields": {"tool_results": list(self._results)}}
        return {}

    def _piece(self, delta: dict[str, Any]) -> dict[str, Any]:
        if "text" in delta:
            return {"content": delta["text"]}
        if "partial_json" in delta:
            piece = delta["partial_json"] or ""
            if self._block.get("type") not in _CALLS or not piece:
                return {}
            self._has_arguments = True
            return {"content": piece} if self._is_answer else self._call(piece)
        if "thinking" in delta:
            return self._thought(delta["thinking"] or "")
        if "signature" in delta:
            self._signature += delta["signature"] or ""
            return {}
        if "citation" in delta:
            return {"provider_specific_fields": {"citation": delta["citation"]}}
        return {}

    def _stop(self) -> dict[str, Any]:
        """What a block leaves to say at its end: a signature, arguments that came with its start, or none at all."""
        block, self._block = self._block, {}
        if block.get("type") == "thinking" and self._signature:
            signed = {"type": "thinking", "thinking": "", "signature": self._signature, "index": self._thinking - 1}
            return {"reasoning_content": "", "thinking_blocks": [signed]}
        if block.get("type") not in _CALLS or self._has_arguments:
            return {}
        arguments = call_arguments(block)
        return {"content": arguments} if self._is_json_tool(block) else self._call(arguments)

    def _end_of_message(self, chunk: dict[str, Any]) -> ModelResponseStream:
        delta = chunk.get("delta") or {}
        self._add_usage(chunk.get("usage"))
        reason = delta.get("stop_reason")
        fields: dict[str, Any] = {}
        if reason in ("pause_turn", "refusal"):
            fields["stop_reason"] = reason
        for name in ("container", "stop_details"):
            if delta.get(name):
                fields[name] = delta[name]
        usage: Usage | None = None
        if self._usage:
            usage = AnthropicConfig().calculate_usage(usage_object=self._usage, reasoning_content=None)
        return self._chunk(
            {"provider_specific_fields": fields} if fields else {},
            finish_reason=FINISH_REASONS.get(reason, "stop") if reason else None,
            usage=usage,
        )

    def _add_usage(self, usage: object) -> None:
        """The later report has some of the figures, and older versions of LiteLLM take it for all of them."""
        if isinstance(usage, dict):
            # Some servers count the prompt at the start, and say 0 at the end.
            self._usage |= {name: value for name, value in usage.items() if value or name not in self._usage}

    @property
    def _is_answer(self) -> bool:
        return self._is_json_tool(self._block)

    def _is_json_tool(self, block: dict[str, Any]) -> bool:
        """Whether a call is the form in which LiteLLM asked for JSON."""
        return bool(self.json_mode) and block.get("name") == JSON_TOOL

    def _thought(self, text: str) -> dict[str, Any]:
        # LiteLLM's bridge to /v1/messages begins a block with the first entry, and then repeats it as a piece.
        blocks = [{"type": "thinking", "thinking": part, "index": self._thinking - 1} for part in ("", text)]
        return {"reasoning_content": text, "thinking_blocks": blocks}

    def _call(self, arguments: str, **first: str) -> dict[str, Any]:
        function = {"name": first.get("name"), "arguments": arguments}
        call = {"index": self._calls - 1, "id": first.get("id"), "type": "function", "function": function}
        return {"tool_calls": [call]}

    def _chunk(
        self, delta: dict[str, Any], finish_reason: str | None = None, usage: Usage | None = None
    ) -> ModelResponseStream:
        choice: Any = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return ModelResponseStream(id=self._id, choices=[choice], usage=usage)
