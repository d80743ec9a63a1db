"""Replies that upstreams are known to give, and what a caller should get out of each: the rows of readings.py.

The bytes are after public reports about OpenAI-compatible servers and gateways. What is right is what the bytes
say: the text, the tool calls, the server's own figures; or an exception of the class that the server's words mean, with
these words in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEXT = "Hello, world"
_HEAD = {"id": "c1", "object": "chat.completion", "created": 1700000000, "model": "m"}
_CHUNK = {**_HEAD, "object": "chat.completion.chunk"}
_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
_DONE = b"data: [DONE]\n\n"
_EVENT_STREAM = "text/event-stream"
_JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    """One reply of an upstream.

    `right` has what the caller should see: `text`, `reasoning`, `calls` (name and arguments), `finish`, `usage`
    (prompt and completion), or `error` (the exception's class) and `says` (a part of its message).
    """

    point: str
    name: str
    body: bytes
    right: Mapping[str, Any]
    streamed: bool = True
    status: int = 200
    content_type: str = _EVENT_STREAM


def _event(content: object) -> bytes:
    return b"data: %s\n\n" % (content if isinstance(content, bytes) else json.dumps(content).encode())


def _delta(delta: object, finish: object = None, **fields: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _event({**_CHUNK, "choices": [choice], **fields})


_FIRST = _delta({"role": "assistant", "content": "Hello, "})
_SECOND = _delta({"content": "world"})
_FINISH = _delta({}, "stop")
_FIGURES = _event({**_CHUNK, "choices": [], "usage": _USAGE})
_RIGHT: Mapping[str, Any] = {"text": TEXT, "finish": "stop", "usage": (11, 7)}


def _stream(point: str, name: str, *parts: bytes, right: Mapping[str, Any] = _RIGHT, **fields: Any) -> Reply:
    return Reply(point, name, b"".join(parts), right, **fields)


def _between(point: str, name: str, odd: bytes) -> Reply:
    """A stream that is whole but for this."""
    return _stream(point, name, _FIRST, odd, _SECOND, _FINISH, _FIGURES, _DONE)


def _broken(point: str, name: str, odd: bytes, error: str, says: str) -> Reply:
    """A stream that begins, and then has this error."""
    return _stream(point, name, _FIRST, odd, right={"error": error, "says": says})


def _answer(point: str, name: str, message: object, right: Mapping[str, Any] = _RIGHT, **fields: Any) -> Reply:
    choice = {"index": 0, "message": message, "finish_reason": "stop", **fields.pop("choice", {})}
    body = {**_HEAD, "choices": [choice], "usage": _USAGE, **fields}
    return Reply(point, name, json.dumps(body).encode(), right, streamed=False, content_type=_JSON)


def _refusal(point: str, name: str, status: int, body: object, error: str, says: str) -> Reply:
    right = {"error": error, "says": says}
    return Reply(point, name, json.dumps(body).encode(), right, streamed=False, status=status, content_type=_JSON)


def _tool(index: object, arguments: object, name: object = None, call_id: object = None) -> bytes:
    function = {"name": name, "arguments": arguments}
    return _delta({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})


_CALLED: Mapping[str, Any] = {"calls": [("f", '{"a": 1}')], "finish": "tool_calls", "usage": (11, 7)}
_TOOL_END = _delta({}, "tool_calls") + _FIGURES + _DONE

_EVENTS = (
    _between("1", "data: with nothing after it", b"data:\n\n"),
    _between("1", "data: of one blank", b"data: \n\n"),
    _stream("1", "[DONE] with a trailing blank", _FIRST, _SECOND, _FINISH, _FIGURES, b"data: [DONE] \n\n"),
    _stream("1", "[DONE] without a blank before it", _FIRST, _SECOND, _FINISH, _FIGURES, b"data:[DONE]\n\n"),
    _between("1", "a comment in data:", b"data: : keep-alive\n\n"),
    _between("1", "a ping in data:", b"data: ping\n\n"),
    _between("1", "a ping as an event", b'event: ping\ndata: {"type": "ping"}\n\n'),
    _between("1", "null in data:", b"data: null\n\n"),
    _between("1", "an empty object in data:", b"data: {}\n\n"),
    _between("1", "fields id and retry", b"id: 7\nretry: 1000\n\n"),
    _stream("1", "a byte order mark", b"\xef\xbb\xbf", _FIRST, _SECOND, _FINISH, _FIGURES, _DONE),
    _stream(
        "1",
        "bytes that are no UTF-8 in a delta",
        _FIRST.replace(b"Hello, ", b"Hell\xff, "),
        _SECOND,
        _FINISH,
        _FIGURES,
        _DONE,
        right={**_RIGHT, "text": "Hell\ufffd, world"},
    ),
)

_ERRORS = (
    _broken(
        "2",
        "event: error, flat body",
        b'event: error\ndata: {"message": "out of memory"}\n\n',
        "InternalServerError",
        "out of memory",
    ),
    _broken(
        "2",
        "event: error, plain text",
        b"event: error\ndata: out of memory\n\n",
        "InternalServerError",
        "out of memory",
    ),
    _broken(
        "2",
        "the field error: (llama.cpp)",
        b'error: {"code": 503, "message": "Loading model"}\n\n',
        "ServiceUnavailableError",
        "Loading model",
    ),
    _broken(
        "2",
        "choices[0].error",
        _event({**_CHUNK, "choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "upstream died"}}]}),
        "BadGatewayError",
        "upstream died",
    ),
    _broken("2", 'finish_reason "error"', _delta({}, "error") + _DONE, "Error", "error"),
    _broken("2", 'finish_reason "abort"', _delta({}, "abort") + _DONE, "Error", "abort"),
    _broken("2", "error as text", _event({"error": "model crashed"}), "InternalServerError", "model crashed"),
    _broken("2", "detail of FastAPI", _event({"detail": "model crashed"}), "InternalServerError", "model crashed"),
    *(
        Reply(
            "2",
            f"a JSON error instead of a stream, {kind or 'no content type'}",
            b'{"error": {"message": "slow down", "code": 429}}',
            {"error": "RateLimitError", "says": "slow down"},
            content_type=kind,
        )
        for kind in (_JSON, "text/plain", _EVENT_STREAM, "")
    ),
    Reply(
        "2",
        "text instead of a stream",
        b"no healthy upstream",
        {"error": "Error", "says": "no healthy upstream"},
        content_type="text/plain",
    ),
    _answer(
        "2",
        "choices[0].error in a whole answer",
        None,
        {"error": "BadGatewayError", "says": "upstream died"},
        choice={"error": {"code": 502, "message": "upstream died"}},
    ),
    _answer(
        "2",
        'finish_reason "error" in a whole answer',
        {"content": ""},
        {"error": "Error", "says": "error"},
        choice={"finish_reason": "error"},
    ),
)

_WINDOW = "ContextWindowExceededError"
_CLASSES = (
    _refusal(
        "3",
        "vLLM: context length",
        400,
        {
            "object": "error",
            "message": "You passed 40961 input tokens and requested 1 output tokens. However, the model's context length is only 40960 tokens",
            "code": 400,
        },
        _WINDOW,
        "40961",
    ),
    _refusal(
        "3",
        "llama.cpp: 500 exceed_context_size_error",
        500,
        {
            "error": {
                "code": 500,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
            }
        },
        _WINDOW,
        "available context size",
    ),
    _refusal(
        "3",
        "TGI: 422",
        422,
        {
            "error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
            "error_type": "validation",
        },
        _WINDOW,
        "4096",
    ),
    _refusal(
        "3",
        "Anthropic-like: prompt is too long",
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
        },
        _WINDOW,
        "210000",
    ),
    _refusal(
        "3",
        "Bedrock: Input is too long",
        400,
        {"message": "Input is too long for requested model."},
        _WINDOW,
        "too long",
    ),
    _refusal(
        "3",
        "Gemini-like: token count",
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "status": "INVALID_ARGUMENT",
            }
        },
        _WINDOW,
        "1048576",
    ),
    _refusal(
        "3",
        "content policy of Azure",
        400,
        {
            "error": {
                "code": "content_filter",
                "message": "The response was filtered",
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        "ContentPolicyViolationError",
        "filtered",
    ),
    _refusal(
        "3",
        "413 with rate_limit_exceeded",
        413,
        {"error": {"code": "rate_limit_exceeded", "message": "Request too large for model on tokens per minute (TPM)"}},
        "RateLimitError",
        "TPM",
    ),
    _refusal(
        "3",
        "429 that speaks of tokens",
        429,
        {"error": {"message": "Too many tokens per minute: input token limit reached"}},
        "RateLimitError",
        "per minute",
    ),
    _broken(
        "3",
        'code "429" in a stream',
        _event({"error": {"code": "429", "message": "slow down"}}),
        "RateLimitError",
        "slow down",
    ),
    _broken(
        "3",
        "RESOURCE_EXHAUSTED in a stream",
        _event({"error": {"status": "RESOURCE_EXHAUSTED", "message": "slow down"}}),
        "RateLimitError",
        "slow down",
    ),
    _broken(
        "3",
        "RateLimitError in a stream",
        _event({"error": {"type": "RateLimitError", "message": "slow down"}}),
        "RateLimitError",
        "slow down",
    ),
    _broken(
        "3",
        "overloaded in a stream",
        _event({"error": {"type": "overloaded", "message": "come back later"}}),
        "ServiceUnavailableError",
        "come back",
    ),
    _broken(
        "3",
        "http_status in a stream",
        _event({"error": {"http_status": 503, "message": "come back later"}}),
        "ServiceUnavailableError",
        "come back",
    ),
    _broken(
        "3",
        "prompt too long in a stream",
        _event({"error": {"code": 400, "message": "prompt is too long: 5 tokens > 4 maximum"}}),
        _WINDOW,
        "too long",
    ),
)

_PARTS = [{"type": "text", "text": "Hello, "}, {"type": "text", "text": "world"}]
_THOUGHT = {**_RIGHT, "reasoning": "hm"}
_FIELDS = (
    _answer("4", "content as a list", {"content": _PARTS}),
    _answer(
        "4",
        "reasoning parts (Databricks)",
        {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, *_PARTS]},
        _THOUGHT,
    ),
    _answer(
        "4",
        "thinking parts (Mistral)",
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, *_PARTS]},
        _THOUGHT,
    ),
    _stream(
        "4",
        "content as a list, streamed",
        _delta({"content": _PARTS[:1]}),
        _delta({"content": _PARTS[1:]}),
        _FINISH,
        _FIGURES,
        _DONE,
    ),
    _stream(
        "4",
        "thinking parts, streamed",
        _delta({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
        _FIRST,
        _SECOND,
        _FINISH,
        _FIGURES,
        _DONE,
        right=_THOUGHT,
    ),
    _answer("4", "created a float", {"content": TEXT}, created=1700000000.5),
    _answer("4", "created as text", {"content": TEXT}, created="2023-11-14T22:13:20Z"),
    _answer("4", "id a number", {"content": TEXT}, id=7),
    *(
        _stream(
            "4",
            f"index {json.dumps(index)}, streamed",
            *(
                part.replace(b'"index": 0', b'"index": ' + json.dumps(index).encode())
                for part in (_FIRST, _SECOND, _FINISH)
            ),
            _FIGURES,
            _DONE,
        )
        for index in (None, "0", 1)
    ),
    _between("4", "created a float, streamed", _delta({}, created=1700000000.5)),
    _between("4", "id a number, streamed", _delta({}, id=7)),
    _stream(
        "4",
        "function: null",
        _delta({"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": None}]}),
        _tool(0, '{"a": 1}', "f"),
        _TOOL_END,
        right=_CALLED,
    ),
    _stream(
        "4", "the name in each delta", _tool(0, '{"a"', "f", "t1"), _tool(0, ": 1}", "f"), _TOOL_END, right=_CALLED
    ),
    _stream("4", "arguments as an object, streamed", _tool(0, {"a": 1}, "f", "t1"), _TOOL_END, right=_CALLED),
    _answer(
        "4",
        "arguments as an object",
        {
            "content": None,
            "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}],
        },
        _CALLED,
        choice={"finish_reason": "tool_calls"},
    ),
    _answer(
        "4",
        "logprobs of another form",
        {"content": TEXT},
        choice={"logprobs": {"tokens": ["a"], "token_logprobs": [-0.1]}},
    ),
    _answer("4", "annotations of another form", {"content": TEXT, "annotations": "none"}),
)

_IN_CHOICE = _event({**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": _USAGE}]})
_USAGES = (
    _stream("5", "usage in choices[0]", _FIRST, _SECOND, _IN_CHOICE, _DONE),
    _stream(
        "5",
        "zeros after the figures",
        _FIRST,
        _SECOND,
        _FINISH,
        _FIGURES,
        _event({**_CHUNK, "choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}),
        _DONE,
    ),
    _stream(
        "5",
        "no total",
        _FIRST,
        _SECOND,
        _FINISH,
        _event({**_CHUNK, "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}),
        _DONE,
    ),
    _stream(
        "5",
        "input_tokens and output_tokens",
        _FIRST,
        _SECOND,
        _FINISH,
        _event({**_CHUNK, "choices": [], "usage": {"input_tokens": 11, "output_tokens": 7}}),
        _DONE,
    ),
    _answer(
        "5",
        "input_tokens and output_tokens in a whole answer",
        {"content": TEXT},
        usage={"input_tokens": 11, "output_tokens": 7},
    ),
    _answer("5", "no total in a whole answer", {"content": TEXT}, usage={"prompt_tokens": 11, "completion_tokens": 7}),
    _stream(
        "5",
        "figures with each chunk",
        _delta({"content": "Hello, "}, usage={"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}),
        _delta({"content": "world"}, usage=_USAGE),
        _FINISH,
        _DONE,
    ),
)

_ENDS = (
    _stream("6", "no finish reason but [DONE]", _FIRST, _SECOND, _FIGURES, _DONE),
    _stream(
        "6", "a tool call, no finish reason but [DONE]", _tool(0, '{"a": 1}', "f", "t1"), _FIGURES, _DONE, right=_CALLED
    ),
    _stream("6", "a cut before a finish reason", _FIRST, _SECOND, right={"error": "Error", "says": ""}),
    _stream("6", "a finish reason but no [DONE]", _FIRST, _SECOND, _FINISH, _FIGURES),
    _stream(
        "6",
        "finish reason as an empty text until the end",
        _delta({"content": "Hello, "}, ""),
        _delta({"content": "world"}, ""),
        _FINISH,
        _FIGURES,
        _DONE,
    ),
)

REPLIES = (*_EVENTS, *_ERRORS, *_CLASSES, *_FIELDS, *_USAGES, *_ENDS)
