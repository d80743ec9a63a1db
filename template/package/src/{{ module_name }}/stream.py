"""Chunks in the order and form that LiteLLM needs. Template's file: do not edit.

The rules are measured on LiteLLM, not documented: usage on or after the finish chunk is thrown away and
replaced by an estimate; deltas of several tool calls in turns are mixed up on /v1/messages; a stream
without a finish reason is taken for a complete one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._litellm import BaseModelResponseIterator, ModelResponse, ModelResponseStream
from ._litellm import convert_model_response_to_streaming as streaming_form
from .errors import TruncatedStreamError, read_error
from .sse import EventDecoder

# What a delta may carry besides text and tool calls.
_OTHER_CONTENT = (
    "reasoning_content",
    "thinking_blocks",
    "reasoning_items",
    "function_call",
    "audio",
    "images",
    "annotations",
    "provider_specific_fields",
)


class ChunkOrder:
    """Puts the chunks of one stream in order.

    One id, time of creation and model throughout; the role on the first chunk; tool calls one after the
    other; then a chunk with the upstream's usage, then the finish chunk.

    Args:
        model: the model of the request; chunks carry this name.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._id: str | None = None
        self._created = 0
        self._usage: Any = None
        self._finish_reason: str | None = None
        self._calls: list[str] = []
        self._places: dict[int, int] = {}
        self._turn = 0
        self._arguments = ""
        self._waiting: dict[int, list[Any]] = {}
        self._fields: dict[str, Any] = {}

    def feed(self, chunk: ModelResponseStream) -> list[ModelResponseStream]:
        """Returns what can be passed on once this chunk of the upstream is known."""
        usage = _values(chunk).get("usage")
        if usage is not None:
            self._usage = usage
        if chunk.model_extra is not None:
            # Also where there is none: LiteLLM asks each chunk for it, and what is missing takes longest to find.
            chunk.model_extra["usage"] = None
        if not chunk.choices or chunk.choices[0].index != 0:
            return []
        choice: Any = chunk.choices[0]
        of_choice = _values(choice)
        delta = of_choice["delta"]
        of_delta = _values(delta)
        if of_choice["finish_reason"]:
            self._finish_reason = choice.finish_reason
            choice.finish_reason = None
        tool_calls = of_delta.get("tool_calls")
        more_calls: list[Any] = []
        if tool_calls:
            # A chunk for each, and none with text: LiteLLM's bridges to other APIs mix them up.
            calls = self._in_turn(tool_calls)
            own = 0 if of_delta.get("content") else 1
            tool_calls, more_calls = calls[:own] or None, calls[own:]
            delta.tool_calls = tool_calls
        if not (of_delta.get("content") or tool_calls or of_choice["logprobs"]) and not any(
            of_delta.get(name) for name in _OTHER_CONTENT
        ):
            return []
        if self._id is None:
            self._id = chunk.id
            self._created = chunk.created
            delta.role = "assistant"
            self._fields = {"system_fingerprint": chunk.system_fingerprint} if chunk.system_fingerprint else {}
        else:
            if chunk.id != self._id:
                chunk.id = self._id
            if chunk.created != self._created:
                chunk.created = self._created
            if of_delta.get("role") is not None:
                delta.role = None
        if chunk.model != self._model:
            chunk.model = self._model
        return [chunk, *map(self._call_chunk, more_calls)]

    def close(self) -> list[ModelResponseStream]:
        """Returns the last chunks: tool calls that waited for their turn, usage, finish reason.

        Raises:
            TruncatedStreamError: the upstream gave no finish reason.
        """
        if self._finish_reason is None:
            raise TruncatedStreamError("it ended before a finish reason")
        chunks = [self._call_chunk(call) for index in sorted(self._waiting) for call in self._waiting[index]]
        if self._usage is not None:
            chunks.append(self._chunk([], usage=self._usage))
        reason = "tool_calls" if self._calls and self._finish_reason == "stop" else self._finish_reason
        chunks.append(self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}]))
        return chunks

    def _in_turn(self, deltas: list[Any]) -> list[Any]:
        """Returns the deltas of the call whose turn it is; the next one's is when that one's arguments are whole."""
        for delta in deltas:
            delta.index = self._index(delta)
            self._waiting.setdefault(delta.index, []).append(delta)
        passed: list[Any] = []
        while True:
            for delta in self._waiting.pop(self._turn, []):
                self._arguments += delta.function.arguments or ""
                passed.append(delta)
            if self._turn + 1 not in self._waiting or not _is_whole_json(self._arguments):
                return passed
            self._turn += 1
            self._arguments = ""

    def _index(self, delta: Any) -> int:
        """The place of a call among the calls. Some upstreams count badly: a new id with a name is a new call."""
        known = delta.id and delta.id in self._calls
        if not known and (delta.index not in self._places or (delta.id and delta.function.name)):
            self._places[delta.index] = len(self._calls)
            self._calls.append(delta.id or "")
            return self._places[delta.index]
        place = self._calls.index(delta.id) if known else self._places[delta.index]
        delta.id = None  # as OpenAI's: the first delta of a call names it
        return place

    def _call_chunk(self, call: Any) -> ModelResponseStream:
        return self._chunk([{"index": 0, "delta": {"tool_calls": [call]}}])

    def _chunk(self, choices: list[Any], **fields: Any) -> ModelResponseStream:
        return ModelResponseStream(
            id=self._id,
            created=self._created or None,
            model=self._model,
            choices=choices,
            **self._fields,
            **fields,
        )


class StreamReader:
    """Turns the reads of a streamed response into chunks for LiteLLM.

    Args:
        parser: the transformation's parser of chunks.
        model: the model of the request.
    """

    def __init__(self, parser: BaseModelResponseIterator, model: str) -> None:
        self._events = EventDecoder()
        self._order = ChunkOrder(model)
        self._parse = parser.chunk_parser
        self.complete = False
        """Whether the upstream was finished: who gives up the stream then has lost nothing."""

    def feed(self, read: bytes) -> Iterator[ModelResponseStream]:
        """Yields the chunks that this read completes, each as soon as it is made.

        Args:
            read: any number of bytes of the body.

        Raises:
            BaseLLMException: the upstream reports an error inside the stream.
            ValueError: the stream is not what it should be.
        """
        return self._chunks(self._events.feed(read))

    def close(self) -> Iterator[ModelResponseStream]:
        """Yields the last chunks, at the end of the body.

        Raises:
            TruncatedStreamError: the upstream was not finished.
        """
        yield from self._chunks(self._events.close())
        if not self.complete:
            yield from self._end()

    def _chunks(self, events: list[bytes]) -> Iterator[ModelResponseStream]:
        for event in events:
            if self.complete:
                return
            if event == b"[DONE]":
                yield from self._end()
                return
            yield from self._order.feed(self._parsed(event))

    def _end(self) -> list[ModelResponseStream]:
        chunks = self._order.close()
        self.complete = True
        return chunks

    def _parsed(self, event: bytes) -> ModelResponseStream:
        try:
            content = json.loads(event.decode())
        except ValueError as error:
            raise TruncatedStreamError(f"it has an event that is not JSON ({error})") from None
        if not isinstance(content, dict):
            raise read_error(event.decode("utf-8", "replace"), 200, {})
        chunk = self._parse(content)
        return chunk if isinstance(chunk, ModelResponseStream) else _from_generic(chunk)


def _is_whole_json(text: str) -> bool:
    if not text.endswith("}") or text.count("{") != text.count("}"):  # quick answers for the usual piece
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _values(model: Any) -> dict[str, Any]:
    """All attributes of a chunk or of a part of it: pydantic takes up to 2 µs to look one of them up."""
    return {**vars(model), **(model.model_extra or {})}


def whole_stream(response: ModelResponse, model: str) -> list[ModelResponseStream]:
    """Returns a complete answer as the chunks of a stream, for upstreams that did not stream it."""
    order = ChunkOrder(model)
    return [*order.feed(streaming_form(response)), *order.close()]


def _from_generic(chunk: Any) -> ModelResponseStream:
    """LiteLLM's older form of a chunk (`GenericStreamingChunk`) in the newer one."""
    tool = chunk.get("tool_use")
    choice: Any = {
        "index": chunk.get("index") or 0,
        "delta": {"content": chunk.get("text") or None, "tool_calls": [tool] if tool else None},
        "finish_reason": chunk.get("finish_reason") or None if chunk.get("is_finished") else None,
    }
    return ModelResponseStream(
        choices=[choice],
        usage=chunk.get("usage"),
        provider_specific_fields=chunk.get("provider_specific_fields"),
    )
