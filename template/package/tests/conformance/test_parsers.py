"""Parsers of streams that are no JSON in `data:` lines, and upstreams that only stream. Template's file: do not edit."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from ..package import parser, part, registration, transformation
from .calls import MODES, Mode, ask, joined, stream, text_of
from .server import Raw, Reply, ToolCall, Upstream

sse = part("sse")
ModelResponseStream = part("_litellm").ModelResponseStream


def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> Any:
    return ModelResponseStream(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more)


class JSONLines(parser.StreamParser):
    """`{"say": "Hel"}` in each line, and nothing that says it is over but the end."""

    def decoder(self) -> Any:
        return sse.LineDecoder()

    def chunk_parser(self, chunk_: dict[str, Any]) -> Any:
        return chunk({"content": chunk_["say"]})

    def end(self) -> Any:
        self.finished = True


class Prefixed(parser.StreamParser):
    """A type before each line's JSON: `0:"Hel"` is text, `d:{...}` the end (as of Vercel's AI SDK)."""

    def decoder(self) -> Any:
        return sse.LineDecoder()

    def event_parser(self, event: Any) -> Any:
        kind, _, value = event.data.partition(b":")
        if kind == b"0":
            return [chunk({"content": letter}) for letter in json.loads(value)]
        if kind != b"d":
            return None
        last = json.loads(value)
        usage = {"prompt_tokens": last["usage"]["in"], "completion_tokens": last["usage"]["out"]}
        self.finished = True
        return chunk({}, last["finishReason"], usage={**usage, "total_tokens": sum(usage.values())})


class Named(parser.StreamParser):
    """The event's type says what it is; names of models are those of the call."""

    def begin(self, request: Any) -> None:
        self.model = request.body["model"]

    def event_parser(self, event: Any) -> Any:
        if event.type == b"completed":
            self.finished = True
            return None
        return chunk({"content": f"{json.loads(event.data)} of {self.model}"})


BODIES: dict[Any, tuple[bytes, str]] = {
    JSONLines: (b'{"say": "Hel"}\n{"say": "lo"}', "Hello"),
    Prefixed: (b'0:"Hel"\nx:1\n0:"lo"\nd:{"finishReason": "stop", "usage": {"in": 1, "out": 2}}\n0:"!"\n', "Hello"),
    Named: (b'event: text\ndata: "Hi"\n\nevent: completed\ndata: {}\n\ndata: {not read\n\n', "Hi of {model}"),
}


@pytest.mark.feature("http")
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("mode", MODES)
def test_another_dialect(
    mode: Mode, kind: Any, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Config(transformation.ChatConfig):
        def get_model_response_iterator(
            self, streaming_response: Any, sync_stream: bool, json_mode: Any = False
        ) -> Any:
            return kind(streaming_response, sync_stream, json_mode)

    body, text = BODIES[kind]
    upstream.will(Raw(200, body, "application/octet-stream"))
    monkeypatch.setattr(registration.register().drivers["chat"], "config", Config())
    chunks = stream(mode, model)
    assert text_of(chunks) == text.format(model=model.split("/", 1)[1])
    assert chunks[-1].choices[0].finish_reason == "stop"


class Notices(parser.StreamParser):
    """`{"say": "Hel"}` in each event, and notices that are no part of the answer."""

    def chunk_parser(self, chunk_: dict[str, Any]) -> Any:
        return chunk({"content": chunk_["say"]}) if "say" in chunk_ else None


@pytest.mark.feature("http")
@pytest.mark.parametrize(
    "notice",
    [
        {"message": "searching"},
        {"message": "searching", "id": "7", "timestamp": 1},
        {"type": "notice", "message": "searching", "code": "S1"},
        {"status": "queued", "message": "searching"},
        {"status": 200, "msg": "searching", "code": 0},
        {"message": {"text": "searching"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", MODES)
def test_an_event_with_a_message_ends_no_stream(
    mode: Mode, notice: dict[str, Any], upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it says that it is an error; where nothing comes after it, the error quotes it."""

    class Config(transformation.ChatConfig):
        def get_model_response_iterator(
            self, streaming_response: Any, sync_stream: bool, json_mode: Any = False
        ) -> Any:
            return Notices(streaming_response, sync_stream, json_mode)

    monkeypatch.setattr(registration.register().drivers["chat"], "config", Config())
    start = b'data: {"say": "Hel"}\n\ndata: %s\n\n' % json.dumps(notice).encode()
    upstream.will(Raw(200, start + b'data: {"say": "lo"}\n\ndata: [DONE]\n\n', "text/event-stream"))
    assert text_of(stream(mode, model)) == "Hello"
    upstream.will(Raw(200, start, "text/event-stream"))
    with pytest.raises(Exception, match="ended before a finish reason") as caught:
        stream(mode, model)
    if notice.keys() <= {"message", "id", "timestamp"} and isinstance(notice["message"], str):
        assert "it also said" in str(caught.value)
    upstream.will(Raw(200, start + b'data: {"error": {"message": "out of memory"}}\n\n', "text/event-stream"))
    with pytest.raises(Exception, match="out of memory"):
        stream(mode, model)


CALLS = (ToolCall("call_1", "weather", ('{"city": ', '"Paris"}')), ToolCall("call_2", "time", ("{}",)))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(), id="text"),
        pytest.param(Reply(text=(), tool_calls=CALLS), id="calls", marks=pytest.mark.feature("parallel_tools")),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_an_upstream_that_only_streams(
    mode: Mode, reply: Reply, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream is joined for callers who want none: the figures, ids and headers are its own."""
    monkeypatch.setattr(registration.register().drivers["chat"].config, "only_streams", True, raising=False)
    upstream.will(reply)
    answer = ask(mode, model)
    assert upstream.last["stream"] is True
    message = answer.choices[0].message
    assert message.content == ("".join(reply.text) or None)
    made = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
    assert made == [(call.id, call.name, json.loads("".join(call.arguments))) for call in reply.tool_calls]
    assert answer.choices[0].finish_reason == ("tool_calls" if reply.tool_calls else "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    assert answer._hidden_params["additional_headers"]["llm_provider-x-request-id"]


ANTHROPIC = (
    {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 5, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)
_USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
RESPONSES = (
    {"type": "response.created", "response": {"id": "r"}},
    {"type": "response.output_text.delta", "item_id": "i", "output_index": 1, "content_index": 0, "delta": "Hello"},
    {
        "type": "response.completed",
        "response": {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": [], "usage": _USAGE},
    },
)


@pytest.mark.feature("http")
@pytest.mark.parametrize(
    ("place", "name", "events"),
    [
        ("llms.anthropic.chat.handler", "ModelResponseIterator", ANTHROPIC),
        (
            "completion_extras.litellm_responses_transformation.transformation",
            "OpenAiResponsesToChatCompletionStreamIterator",
            RESPONSES,
        ),
    ],
    ids=["anthropic", "responses"],
)
def test_parsers_of_litellm(
    place: str, name: str, events: Any, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do as they are, also where they count the parts of an answer."""
    made = getattr(importlib.import_module(f"litellm.{place}"), name)

    class Config(transformation.ChatConfig):
        def get_model_response_iterator(
            self, streaming_response: Any, sync_stream: bool, json_mode: Any = False
        ) -> Any:
            return made(streaming_response, sync_stream, json_mode)

    monkeypatch.setattr(registration.register().drivers["chat"], "config", Config())
    said = b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events
    )
    upstream.will(Raw(200, said, "text/event-stream"))
    chunks = stream("sync", model, stream_options={"include_usage": True})
    assert text_of(chunks) == "Hello"
    assert (joined(chunks).usage.prompt_tokens, joined(chunks).usage.completion_tokens) == (5, 2)
