"""Chunks in the order and form that LiteLLM needs. Template's file: do not edit.

The rules are measured on LiteLLM, not documented: usage on or after the finish chunk is thrown away and
replaced by an estimate; deltas of several tool calls in turns are mixed up on /v1/messages; a stream
without a finish reason is taken for a complete one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ._litellm import (
    BaseLLMException,
    BaseModelResponseIterator,
    ModelResponse,
    ModelResponseStream,
    OpenAIError,
    Usage,
    stream_chunk_builder,
)
from ._litellm import convert_model_response_to_streaming as streaming_form
from .error_body import BESIDE_MESSAGE
from .errors import TruncatedStreamError, is_error, read_error, unreadable
from .parser import Chunks, StreamParser
from .sse import MAX_EVENT_BYTES, Event, EventDecoder, EventTooLargeError

if TYPE_CHECKING:
    from .request import Request

_MAX_SKIPPED = 10_000
"""Events in a row that say nothing, such as pings; more of them are no stream of an answer."""

_DONE = frozenset({"[done]", "done", "<done>"})
"""How servers say that they are done who do not write it as OpenAI does, in small letters."""

_QUOTED = 300
"""Characters of what was not understood that a message repeats."""

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
        several: whether more than one choice was asked for; the first is passed on. Else all that comes is the one choice,
            whatever its index: some count the parts of an answer with it.
    """

    def __init__(self, model: str, several: bool = False) -> None:
        self._model = model
        self._several = several
        self.begun = False
        """Whether an answer has begun."""
        self._id: str | None = None
        self._created = 0
        self._usage: Any = None
        self._finish_reason: str | None = None
        self._calls: list[str] = []
        self._places: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._turn = 0
        self._arguments = ""
        self._waiting: dict[int, list[Any]] = {}
        self._fields: dict[str, Any] = {}

    def feed(self, chunk: ModelResponseStream) -> list[ModelResponseStream]:
        """Returns what can be passed on once this chunk of the upstream is known."""
        extra = chunk.__pydantic_extra__
        usage = extra["usage"] if extra and "usage" in extra else chunk.__dict__.get("usage")
        if usage is not None:
            self._usage = usage if self._usage is None else _later(self._usage, usage)
        if extra is not None:
            # Also where there is none: LiteLLM asks each chunk for it, and what is missing takes longest to find.
            extra["usage"] = None
        if not chunk.choices:
            return []
        choice: Any = chunk.choices[0]
        of_choice = _values(choice)
        index = of_choice["index"]
        if index != 0:
            if self._several and index not in (None, "0"):
                return []
            choice.index = 0
        self.begun = True
        delta = of_choice["delta"]
        of_delta = _values(delta)
        if of_choice["finish_reason"]:
            self._finish_reason = choice.finish_reason
            choice.finish_reason = None
        content = of_delta.get("content")
        tool_calls = of_delta.get("tool_calls")
        more_calls: list[Any] = []
        if tool_calls:
            # A chunk for each, and none with text: LiteLLM's bridges to other APIs mix them up.
            calls = self._in_turn(tool_calls)
            own = 0 if content else 1
            tool_calls, more_calls = calls[:own] or None, calls[own:]
            delta.tool_calls = tool_calls
        if not (content or tool_calls or of_choice["logprobs"]) and not any(
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
        return [chunk, *map(self._call_chunk, more_calls)] if more_calls else [chunk]

    def close(self, done: bool = False) -> list[ModelResponseStream]:
        """Returns the last chunks: tool calls that waited for their turn, usage, finish reason.

        Args:
            done: whether the upstream said that it is finished; its answer is then whole without a finish reason, too.

        Raises:
            TruncatedStreamError: the upstream gave no finish reason, or nothing at all.
        """
        if self._finish_reason is None:
            if not done:
                raise TruncatedStreamError("it ended before a finish reason")
            if not self.begun:
                raise TruncatedStreamError("it ended before an answer began")
            self._finish_reason = "stop"
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
            name = delta.function.name
            if name and self._names.setdefault(delta.index, name) is not name and self._names[delta.index] == name:
                delta.function.name = None  # repeated with each delta; clients would join them
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
        parser: the transformation's parser of the stream: LiteLLM's kind, or a `StreamParser`.
        request: the request that is answered.
        whole: makes an answer of a body that turns out not to be streamed.
    """

    def __init__(
        self, parser: BaseModelResponseIterator, request: Request, whole: Callable[[bytes], ModelResponse]
    ) -> None:
        own = parser if isinstance(parser, StreamParser) else None
        self._parser = own
        self._request = request
        self._whole = whole
        count = request.body.get("n")
        self._order = ChunkOrder(request.model, several=isinstance(count, int) and count > 1)
        self._parse = parser.chunk_parser
        self._parse_event: Callable[[Event], Chunks] | None = None
        if own is not None and type(own).event_parser is not StreamParser.event_parser:
            self._parse_event = own.event_parser
        self._decoder = own.decoder() if own is not None else EventDecoder()
        # The start of a body tells whether it is server-sent events at all; what is none is kept. In another dialect, it
        # is no stream if nothing comes of it.
        self._is_sse = type(self._decoder) is EventDecoder
        self._body = bytearray()
        self._is_stream: bool | None = None if self._is_sse else True
        self._skipped = 0
        self._odd = ""
        self._more: list[Event] = []
        """Events that came together in one."""
        self._done = False
        """Whether something said that it is over that is not quite `[DONE]`."""
        self.complete = False
        """Whether the upstream was finished: who gives up the stream then has lost nothing."""
        if own is not None:
            own.begin(request)

    def feed(self, read: bytes) -> Iterator[ModelResponseStream]:
        """Yields the chunks that this read completes, each as soon as it is made.

        Args:
            read: any number of bytes of the body.

        Raises:
            BaseLLMException: the upstream reports an error inside the stream.
            ValueError: the stream is not what it should be.
        """
        if not self._is_stream:
            read = self._after_start(read)
        elif not self._is_sse and not self._order.begun and len(self._body) < MAX_EVENT_BYTES:
            self._body += read
        return self._chunks(self._decoder.feed(read))

    def close(self) -> Iterator[ModelResponseStream]:
        """Yields the last chunks, at the end of the body.

        Raises:
            TruncatedStreamError: the upstream was not finished.
        """
        if self._is_stream is False:
            yield from self._unstreamed(bytes(self._body))
            return
        yield from self._chunks(self._decoder.close())
        if not self._is_sse and not self._order.begun and self._body.strip():
            yield from self._unstreamed(bytes(self._body))
        if not self.complete:
            yield from self._end(done=self._done)

    def _after_start(self, read: bytes) -> bytes:
        """Keeps the body while it is not known to be a stream; returns what the decoder gets of it."""
        self._body += read
        if len(self._body) > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"a body of more than {MAX_EVENT_BYTES} bytes that is no stream")
        if self._is_stream is False:
            return b""
        start = self._body.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not start:
            return b""
        # No field of an event begins so: it is JSON or a page.
        self._is_stream = not start.startswith((b"{", b"[", b"<"))
        if not self._is_stream:
            return b""
        read = bytes(self._body)
        self._body.clear()
        return read

    def _unstreamed(self, body: bytes) -> list[ModelResponseStream]:
        """The chunks of an answer that came whole, whatever its content type says."""
        text = body.decode("utf-8", "replace")
        try:
            content = json.loads(text)
        except ValueError:
            raise read_error(text, 502, {}) from None
        if not isinstance(content, dict) or is_error(content):
            raise read_error(text, 200, {})
        self.complete = True
        return whole_stream(self._whole(body), self._request.model)

    def _chunks(self, events: list[Event]) -> Iterator[ModelResponseStream]:
        for event in events:
            if self.complete:
                return
            if event.data.startswith(b"[") and event.data.strip() == b"[DONE]":
                yield from self._end(done=True)
                return
            if self._parse_event is not None:
                try:
                    made = self._parse_event(event)
                except (BaseLLMException, OpenAIError):
                    raise
                except Exception as error:
                    raise unreadable(event.data, error) from error
                yield from self._ordered(made)
            else:
                content = self._content(event)
                if content is None:
                    if self._more:
                        more, self._more = self._more, []
                        yield from self._chunks(more)
                    continue
                self._skipped = 0
                chunks = self._ordered(self._parsed(event, content))
                if not chunks and is_error(content):
                    if not content.keys() <= BESIDE_MESSAGE:
                        raise read_error(json.dumps(content), 200, {})
                    # It may be an event of the API; if it was the end, the error quotes it.
                    self._odd = self._odd or json.dumps(content, ensure_ascii=False)[:_QUOTED]
                yield from chunks
            if self._parser is not None and self._parser.finished:
                yield from self._end(done=True)

    def _end(self, done: bool) -> list[ModelResponseStream]:
        last: list[ModelResponseStream] = []
        if self._parser is not None:
            last = self._ordered(self._parser.end())
            done = done or self._parser.finished
        try:
            chunks = [*last, *self._order.close(done)]
        except TruncatedStreamError as error:
            raise TruncatedStreamError(f"{error}{self._quoted()}") from None
        self.complete = True
        return chunks

    def _content(self, event: Event) -> dict[str, Any] | None:
        """The JSON object of an event; None for what is no event, as pings are.

        Raises:
            BaseLLMException: it says that it is an error.
            TruncatedStreamError: it began as a JSON object and is none: a part of the answer is lost.
        """
        text = event.data.decode("utf-8", "replace")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            if text.strip().lower() in _DONE:
                self._done = True
                return None
            if event.type == b"error" and text.strip():
                raise read_error(text, 200, {}) from None
            if event.is_field and text.lstrip()[:1] in ("{", "["):
                raise TruncatedStreamError(f"it has an event that is not JSON ({error})") from None
            content = None
        if isinstance(content, dict) and (event.is_field or is_error(content)):
            return content
        if (event.type == b"error" and content is not None) or (isinstance(content, list) and _has_error(content)):
            raise read_error(text, 200, {})
        if isinstance(content, list) and content and all(isinstance(part, dict) for part in content):
            self._more = [Event(json.dumps(part).encode(), event.type) for part in content]
            return None
        if isinstance(content, str) and content.strip().lower() in _DONE:
            self._done = True
            return None
        self._skipped += 1
        self._odd = self._odd or text[:_QUOTED].strip()
        if self._skipped > _MAX_SKIPPED:
            raise TruncatedStreamError(f"it has {self._skipped} events in a row that say nothing{self._quoted()}")
        return None

    def _parsed(self, event: Event, content: dict[str, Any]) -> Chunks:
        """What the transformation's parser makes of an event; what is an error does not pass for an answer."""
        try:
            chunk = self._parse(content)
        except (BaseLLMException, OpenAIError):
            raise
        except Exception as error:
            if event.type == b"error":
                raise read_error(json.dumps(content), 200, {}) from None
            raise unreadable(event.data, error) from error
        if event.type == b"error":
            raise read_error(json.dumps(content), 200, {})
        return chunk

    def _ordered(self, chunks: Chunks) -> list[ModelResponseStream]:
        if isinstance(chunks, ModelResponseStream):
            return self._order.feed(chunks)
        if isinstance(chunks, list):
            return [passed for chunk in chunks for passed in self._order.feed(chunk)]
        return self._order.feed(_from_generic(chunks)) if chunks else []

    def _quoted(self) -> str:
        return f"; it also said: {self._odd}" if self._odd else ""


def joined(chunks: list[ModelResponseStream], request: Request) -> ModelResponse:
    """Returns the answer that the chunks of a whole stream come to, for a caller who wants no stream.

    Args:
        chunks: as a `StreamReader` yields them, to its end.
        request: the request that is answered.
    """
    figures = next((usage for chunk in reversed(chunks) if (usage := _values(chunk).get("usage"))), None)
    made = stream_chunk_builder(chunks, messages=request.messages)
    answer = ModelResponse(
        id=chunks[0].id,
        created=chunks[0].created,
        model=request.model,
        choices=made.choices if isinstance(made, ModelResponse) else [],
        # LiteLLM would estimate what the upstream has counted.
        usage=figures or getattr(made, "usage", None),
    )
    if fingerprint := chunks[0].system_fingerprint:
        answer.system_fingerprint = fingerprint
    return answer


class ReasoningInText:
    """Puts the reasoning of a stream into its text, between `<think>` and `</think>`: `merge_reasoning_content_in_choices`.

    LiteLLM does it for its own providers only. Each stream has one of its own, called with each chunk, which it changes.
    """

    def __init__(self) -> None:
        self._open = False

    def __call__(self, chunk: ModelResponseStream) -> ModelResponseStream:
        """Returns the chunk."""
        delta = _values(chunk.choices[0])["delta"] if chunk.choices else None
        if delta is None:
            return chunk
        text = delta.content or ""
        if reasoning := _values(delta).get("reasoning_content"):
            del delta.reasoning_content
            delta.content = reasoning if self._open else f"<think>{reasoning}"
            self._open = True
            if text:
                delta.content += f"</think>{text}"
                self._open = False
        elif self._open and text:
            delta.content = f"</think>{text}"
            self._open = False
        return chunk

    def over(self, chunks: Iterator[ModelResponseStream]) -> Iterator[ModelResponseStream]:
        """Yields the chunks of a sync stream."""
        for chunk in chunks:
            yield self(chunk)


def _has_error(content: list[Any]) -> bool:
    return any(isinstance(part, dict) and is_error(part) for part in content)


def _later(before: Any, after: Any) -> Any:
    """The usage of two reports: the later figures, but a zero is none; some split theirs over two events."""
    if not isinstance(before, Usage) or not isinstance(after, Usage):
        return after
    prompt = after.prompt_tokens or before.prompt_tokens
    completion = after.completion_tokens or before.completion_tokens
    if (prompt, completion) == (after.prompt_tokens, after.completion_tokens):
        return after
    values = {**before.model_dump(exclude_none=True), **after.model_dump(exclude_none=True)}
    return Usage(
        **{**values, "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    )


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
    return {**model.__dict__, **(model.__pydantic_extra__ or {})}


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
