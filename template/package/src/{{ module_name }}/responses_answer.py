"""Answers in OpenAI's Responses, whole and in events. Template's file: do not edit.

Not LiteLLM's parser of such streams: it takes an error for the end of the stream, and counts each part of a summary as a
choice of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ._litellm import BaseLLMException, ModelResponse, ModelResponseStream, Usage
from .errors import read_error
from .openai_fields import figures
from .parser import Chunks, StreamParser
from .responses_request import reasoning_block

_Fields = dict[str, Any]
_Key = int | str | None

_ENDS = frozenset({"response.completed", "response.incomplete", "response.done"})
_FAILURES = frozenset({"error", "response.cancelled", "response.error", "response.failed"})
_FAILED = frozenset({"cancelled", "failed"})
_UNFINISHED = frozenset({"in_progress", "queued"})

# Why a response is incomplete, as chat completions say it; what is not here is `length`.
_FINISH_REASONS = {"content_filter": "content_filter", "max_output_tokens": "length"}

_BETWEEN_PARTS = "\n\n"
"""Between the parts of a summary, each of which begins with a headline."""


def answer_of(response: _Fields, model: str) -> ModelResponse:
    """Returns a response that came whole.

    Args:
        response: the JSON object.
        model: the model of the request.

    Raises:
        BaseLLMException: it has failed.
        ValueError: it is no response, or not finished.
    """
    if error := failure_of(response):
        raise error
    output = response.get("output")
    if not isinstance(output, list):
        raise ValueError("the body has no output")
    if response.get("status") in _UNFINISHED:
        raise ValueError(f"the response is {response['status']}: ask without `background`")
    message: _Fields = {"role": "assistant", "content": None}
    for item in output:
        said = said_by(item, len(message["content"] or ""))
        for name, value in said.items():
            message[name] = message[name] + value if message.get(name) else value
    for index, image in enumerate(message.get("images", ())):
        image["index"] = index
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(response, bool(message.get("tool_calls")))}
    if any(is_refusal(item) for item in output):
        choice["finish_reason"] = "content_filter"
    envelope = {name: response[name] for name in ("id",) if isinstance(response.get(name), str)}
    if isinstance(created := response.get("created_at"), int | float):
        envelope["created"] = int(created)
    return ModelResponse(**envelope, model=model, choices=[choice], usage=usage_of(response) or Usage())


def failure_of(response: Mapping[str, Any]) -> BaseLLMException | None:
    """Returns the error that a response, or the event of one, says that it ended with."""
    error = response.get("error")
    if not error and response.get("status") not in _FAILED:
        return None
    said = error or {"message": f"the response is {response['status']}"}
    return read_error(json.dumps({"error": said}), 200, {})


def said_by(item: Mapping[str, Any], start: int = 0) -> _Fields:
    """Returns what an item of the output adds to a message of chat completions.

    Args:
        item: of any type; those that say nothing to the caller, such as a search, add nothing.
        start: characters of text before it, which places of quotations are counted from.
    """
    kind = item.get("type")
    if kind == "message":
        return _said_by_message(item, start)
    if kind == "function_call":
        function = {"name": item["name"], "arguments": item.get("arguments") or "{}"}
        return {"tool_calls": [{"id": item["call_id"], "type": "function", "function": function}]}
    if kind == "reasoning":
        text, sealed = _reasoning(item), item.get("encrypted_content")
        said: _Fields = {"reasoning_content": text} if text else {}
        return {**said, "thinking_blocks": [reasoning_block(text, item)]} if sealed else said
    if kind == "image_generation_call" and item.get("result"):
        url = f"data:image/{item.get('output_format') or 'png'};base64,{item['result']}"
        return {"images": [{"type": "image_url", "index": 0, "image_url": {"url": url}}]}
    return {}


def is_refusal(item: Mapping[str, Any]) -> bool:
    """Whether the model refuses in this item."""
    return item.get("type") == "message" and any(part.get("type") == "refusal" for part in item.get("content") or ())


def finish_reason(response: Mapping[str, Any], called: bool) -> str:
    """Returns the finish reason in the words of chat completions.

    Args:
        response: the response at its end.
        called: whether the model calls a tool in it.
    """
    details = response.get("incomplete_details") or {}
    if response.get("status") == "incomplete" or details:
        return _FINISH_REASONS.get(details.get("reason") or "", "length")
    return "tool_calls" if called else "stop"


def usage_of(response: Mapping[str, Any]) -> Usage | None:
    """Returns the upstream's count of tokens, with those of its cache and of reasoning."""
    found = figures(response.get("usage"))
    return (
        Usage(**{name: value for name, value in found.items() if not name.startswith(("input_", "output_"))})
        if found
        else None
    )


class ResponsesChunks(StreamParser):
    """Parses the events of one stream.

    What an item has said in pieces is not said again when it is done; what came in no piece is.
    """

    def __init__(self, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> None:
        super().__init__(streaming_response, sync_stream, json_mode)
        self._envelope: _Fields = {}
        self._in_pieces: set[_Key] = set()
        self._done: set[_Key] = set()
        self._calls: dict[_Key, int] = {}
        self._thought: tuple[_Key, Any] | None = None
        self._length = 0
        self._images = 0
        self._refused = False

    def chunk_parser(self, chunk: dict[str, Any]) -> Chunks:  # type: ignore[override]  # as StreamParser's caller takes it
        """Returns what one event says.

        Raises:
            BaseLLMException: the event is an error of the upstream.
        """
        kind = chunk.get("type")
        if kind == "response.output_text.delta":
            return self._text(chunk)
        if kind == "response.function_call_arguments.delta":
            if not chunk["delta"]:
                return None
            key = _key(chunk)
            self._in_pieces.add(key)
            return self._call(key, {"arguments": chunk["delta"]})
        if kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            return self._reasoning(chunk)
        if kind == "response.refusal.delta":
            self._refused = True
            return self._text(chunk)
        if kind == "response.output_item.added":
            item = chunk.get("item") or {}
            if item.get("type") == "function_call":
                return self._call(_key(chunk), {"name": item["name"], "arguments": ""}, item["call_id"])
        elif kind == "response.output_item.done":
            return self._item(_key(chunk), chunk.get("item") or {})
        elif kind in _ENDS:
            return self._end(chunk.get("response") or {})
        elif kind in _FAILURES:
            raise failure_of(chunk.get("response") or {}) or _event_error(chunk)
        elif kind == "response.created":
            response = chunk.get("response") or {}
            if isinstance(response.get("id"), str):
                self._envelope = {"id": response["id"]}
        return None

    def _text(self, chunk: _Fields) -> Chunks:
        text = chunk["delta"]
        self._in_pieces.add(_key(chunk))
        self._length += len(text)
        return self._chunk({"content": text})

    def _reasoning(self, chunk: _Fields) -> Chunks:
        key, text = _key(chunk), chunk["delta"]
        self._in_pieces.add(key)
        part = (key, chunk.get("summary_index", chunk.get("content_index")))
        if self._thought is not None and self._thought != part and self._thought[0] == key:
            text = f"{_BETWEEN_PARTS}{text}"
        self._thought = part
        return self._chunk({"reasoning_content": text, "thinking_blocks": _unsigned(text)})

    def _call(self, key: _Key, function: _Fields, call_id: str | None = None) -> ModelResponseStream:
        index = self._calls.setdefault(key, len(self._calls))
        return self._chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})

    def _item(self, key: _Key, item: _Fields) -> list[ModelResponseStream]:
        """What a finished item says that its pieces have not said."""
        self._done.add(key)
        in_pieces = key in self._in_pieces
        kind = item.get("type")
        if kind == "function_call":
            if in_pieces:
                return []
            known = key in self._calls
            function = {"name": None if known else item["name"], "arguments": item.get("arguments") or "{}"}
            return [self._call(key, function, None if known else item["call_id"])]
        length = len(_message_text(item)) if kind == "message" else 0
        said = said_by(item, self._length - length if in_pieces else self._length)
        if kind == "message":
            self._refused = self._refused or is_refusal(item)
            if in_pieces:
                said.pop("content", None)
            else:
                self._length += length
        elif kind == "reasoning":
            return self._thoughts(said, in_pieces)
        for image in said.get("images", ()):
            image["index"] = self._images
            self._images += 1
        return [self._chunk(said)] if said else []

    def _thoughts(self, said: _Fields, in_pieces: bool) -> list[ModelResponseStream]:
        """The text, where it has not come, and then the signature alone: of a chunk with one, LiteLLM's bridge takes nothing else."""
        signed: list[_Fields] = said.get("thinking_blocks", [])
        chunks = [self._chunk({"thinking_blocks": [{**block, "thinking": ""}]}) for block in signed]
        if in_pieces or not said:
            return chunks
        text = signed[0]["thinking"] if signed else said["reasoning_content"]
        said["thinking_blocks"] = _unsigned(text)
        return [self._chunk(said), *chunks]

    def _end(self, response: _Fields) -> Chunks:
        if error := failure_of(response):
            raise error
        chunks: list[ModelResponseStream] = []
        for index, item in enumerate(response.get("output") or ()):
            if index not in self._done and item.get("id") not in self._done:
                key = item.get("id") if item.get("id") in self._in_pieces or item.get("id") in self._calls else index
                chunks += self._item(key, item)
        reason = finish_reason(response, bool(self._calls))
        if self._refused and reason in ("stop", "tool_calls"):
            reason = "content_filter"
        chunks.append(self._chunk({}, reason, usage_of(response)))
        self.finished = True
        return chunks

    def _chunk(self, delta: _Fields, reason: str | None = None, usage: Usage | None = None) -> ModelResponseStream:
        choice: Any = {"index": 0, "delta": delta, "finish_reason": reason}
        return ModelResponseStream(**self._envelope, choices=[choice], usage=usage)


def _unsigned(text: str) -> list[_Fields]:
    """A piece of thinking. The empty block comes first, as LiteLLM's bridge to /v1/messages says the first one twice."""
    return [{"type": "thinking", "thinking": ""}, {"type": "thinking", "thinking": text}]


def _key(chunk: Mapping[str, Any]) -> _Key:
    """Which item an event is about. Its id is another in each event of some upstreams, its place is not."""
    place: _Key = chunk.get("output_index")
    if place is None:
        place = chunk.get("item_id") or (chunk.get("item") or {}).get("id")
    return place


def _event_error(chunk: Mapping[str, Any]) -> BaseLLMException:
    error = chunk.get("error") or {name: value for name, value in chunk.items() if name != "type"}
    return read_error(json.dumps({"error": error}), 200, {})


def _said_by_message(item: Mapping[str, Any], start: int) -> _Fields:
    said: _Fields = {}
    if text := _message_text(item):
        said["content"] = text
    annotations: list[_Fields] = []
    for part in item.get("content") or ():
        found = [note for note in part.get("annotations") or () if note.get("type") == "url_citation"]
        annotations += [{"type": "url_citation", "url_citation": _citation(note, start)} for note in found]
        start += len(part.get("text") or part.get("refusal") or "")
    return {**said, "annotations": annotations} if annotations else said


def _citation(found: Mapping[str, Any], start: int) -> _Fields:
    """Where the text quotes a page, in chat completions' words."""
    places = {name: found[name] + start for name in ("start_index", "end_index") if isinstance(found.get(name), int)}
    return {**places, "url": found.get("url"), "title": found.get("title")}


def _message_text(item: Mapping[str, Any]) -> str:
    """The text of a message, a refusal's as well: callers look nowhere else for it."""
    return "".join(part.get("text") or part.get("refusal") or "" for part in item.get("content") or ())


def _reasoning(item: Mapping[str, Any]) -> str:
    """What the model thought: the summary, and the thoughts themselves where a model shows them."""
    parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
    return _BETWEEN_PARTS.join(text for part in parts if (text := part.get("text")))
