"""What servers make of OpenAI's format. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import litellm
import openai
import pytest

from .calls import MODES, Mode, ask, cause, joined, stream, text_of
from .proxy import Proxy
from .server import Raw, Upstream

WEATHER = {"name": "weather", "arguments": '{"city": "Paris"}'}
TIME = {"name": "time", "arguments": "{}"}


def events(*chunks: dict[str, Any]) -> Raw:
    """Returns a stream of just these chunks."""
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return Raw(200, body.encode(), "text/event-stream")


def delta(delta: Any, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}


def usage(tokens: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "chunks",
    [
        [delta({"content": "hi"}), delta(None, "stop"), {"id": "c", "choices": [], **usage(2)}],
        [delta({"content": "hi"}), delta({}, "stop"), {"id": "c", "choices": None, **usage(2)}],
        [delta({"content": "hi"}, **usage(1)), delta({}, "stop", **usage(2))],
        [delta({"content": "hi"}, "stop", **usage(2))],
        [{"id": "c", "choices": [], **usage(2)}, delta({"content": "hi"}), delta({}, "stop")],
    ],
)
def test_where_usage_comes(chunks: list[dict[str, Any]], mode: Mode, upstream: Upstream, model: str) -> None:
    upstream.will(events(*chunks))
    found = stream(mode, model, stream_options={"include_usage": True})
    assert text_of(found) == "hi"
    assert joined(found).usage.completion_tokens == 2


def test_answer_with_reasoning_by_another_name_and_without_usage(upstream: Upstream, model: str) -> None:
    message = {"role": "assistant", "content": "Yes.", "reasoning": "Hm."}
    body = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": None}
    upstream.will(Raw(200, json.dumps(body).encode()))
    answer = ask("sync", model)
    assert answer.choices[0].message.reasoning_content == "Hm."
    assert answer.usage.total_tokens == 0


@pytest.mark.parametrize("mode", MODES)
def test_reasoning_by_another_name(mode: Mode, upstream: Upstream, model: str) -> None:
    upstream.will(events(delta({"reasoning": "Hm."}), delta({"content": "Yes."}), delta({}, "stop")))
    assert joined(stream(mode, model)).choices[0].message.reasoning_content == "Hm."


@pytest.mark.parametrize(
    "calls",
    [
        [[{"index": 0, "id": "a", "function": WEATHER}, {"index": 1, "id": "b", "function": TIME}]],
        [[{"index": 0, "id": "a", "function": WEATHER}], [{"index": 0, "id": "b", "function": TIME}]],
        [[{"id": "a", "function": WEATHER}], [{"id": "b", "function": TIME}]],
        [
            [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city"'}}],
            [{"index": 0, "id": "a", "function": {"arguments": ': "Paris"}'}}],
            [{"index": 1, "id": "b", "function": TIME}],
        ],
    ],
)
def test_how_tool_calls_are_counted(calls: list[list[dict[str, Any]]], upstream: Upstream, model: str) -> None:
    upstream.will(events(*[delta({"tool_calls": some}) for some in calls], delta({}, "tool_calls")))
    made = joined(stream("async", model)).choices[0].message.tool_calls
    assert [(call.id, call.function.name, call.function.arguments) for call in made] == [
        ("a", "weather", '{"city": "Paris"}'),
        ("b", "time", "{}"),
    ]


def test_ids_that_change_within_a_call(upstream: Upstream, model: str) -> None:
    pieces: list[dict[str, Any]] = [
        {"index": 0, "id": "a", "type": "function"},
        {"index": 0, "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "id": "b", "function": {"arguments": '{"city": '}},
        {"index": 0, "id": "c", "function": {"arguments": '"Paris"}'}},
    ]
    upstream.will(events(*[delta({"tool_calls": [piece]}) for piece in pieces], delta({}, "tool_calls")))
    (call,) = joined(stream("sync", model)).choices[0].message.tool_calls
    assert (call.id, call.function.arguments) == ("a", '{"city": "Paris"}')


def test_text_and_a_call_in_one_delta_through_responses(proxy: Proxy, upstream: Upstream, model: str) -> None:
    calls = [{"index": 0, "id": "a", "function": WEATHER}]
    upstream.will(events(delta({"content": "Both.", "tool_calls": calls}), delta({}, "tool_calls")))
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    found: list[Any] = list(client.responses.create(model=model.split("/", 1)[1], input="hello", stream=True))
    assert [item.type for item in found[-1].response.output] == ["message", "function_call"]


def test_two_calls_in_one_delta_through_messages(proxy: Proxy, upstream: Upstream, model: str) -> None:
    calls = [{"index": 0, "id": "a", "function": WEATHER}, {"index": 1, "id": "b", "function": TIME}]
    upstream.will(events(delta({"tool_calls": calls}), delta({}, "tool_calls")))
    client = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0)
    messages: Any = [{"role": "user", "content": "hello"}]
    with client.messages.stream(model=model.split("/", 1)[1], max_tokens=50, messages=messages) as answer:
        found: Any = answer.get_final_message()
    assert [block.name for block in found.content if block.type == "tool_use"] == ["weather", "time"]


def test_flat_error_in_a_stream(upstream: Upstream, model: str) -> None:
    flat = {"object": "error", "message": "too long for me", "type": "BadRequestError", "code": 400}
    upstream.will(events(flat))
    with pytest.raises(litellm.BadRequestError, match="too long for me") as caught:
        stream("async", model)
    assert cause(caught.value)
