"""What servers make of OpenAI's format. Template's file: do not edit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anthropic
import litellm
import openai
import pytest

from .calls import HELLO, MODES, Mode, ask, cause, joined, stream, text_of
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


def answer(message: dict[str, Any], choice: dict[str, Any] | None = None, **more: Any) -> Raw:
    """Returns an answer that is not streamed."""
    choices = [{"index": 0, "message": message, "finish_reason": "stop", **(choice or {})}]
    return Raw(200, json.dumps({"id": "c", "choices": choices, **more}).encode())


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


PARTS = [{"type": "text", "text": "Y"}, {"type": "text", "text": "es."}]
SUMMARY = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}


@pytest.mark.parametrize(
    "content", [[SUMMARY, *PARTS], [THINKING, *PARTS], [THINKING, {"type": "output_text", "text": "Yes."}]]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_content_in_parts(content: list[Any], streamed: bool, upstream: Upstream, model: str) -> None:
    if streamed:
        upstream.will(events(*[delta({"content": [part]}) for part in content], delta({}, "stop")))
        message = joined(stream("sync", model)).choices[0].message
    else:
        upstream.will(answer({"content": content}))
        message = ask("sync", model).choices[0].message
    assert (message.content, message.reasoning_content) == ("Yes.", "Hm.")


@pytest.mark.parametrize(
    "fields",
    [
        {"created": 1700000000.5},
        {"created": "2023-11-14T22:13:20Z"},
        {"id": 7},
        {"id": None},
        {"object": 5},
        {"system_fingerprint": {"a": 1}},
        {"index": None},
        {"index": "0"},
        {"index": 1},
        {"logprobs": {"tokens": ["a"]}},
        {"logprobs": "none"},
        {"annotations": "none"},
        {"images": [1]},
        {"role": "bot"},
        {"audio": "none"},
        {"refusal": 0},
        {"function_call": {}},
        {"tool_calls": {}},
        {"tool_calls": [None, {}]},
        {"tool_calls": "none"},
        {"usage": []},
        {"usage": "none"},
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_fields_of_another_type(fields: dict[str, Any], streamed: bool, upstream: Upstream, model: str) -> None:
    """What the caller never sees costs no answer."""
    top = {name: fields[name] for name in ("created", "id", "object", "system_fingerprint", "usage") if name in fields}
    of_choice: dict[str, Any] = {name: fields[name] for name in ("index", "logprobs") if name in fields}
    said = {"content": "Yes.", **{name: fields[name] for name in fields.keys() - top.keys() - of_choice.keys()}}
    if streamed:
        odd, last = delta(said, **top), delta({}, "stop")
        odd["choices"][0].update(of_choice)
        last["choices"][0].update(of_choice)
        upstream.will(events(odd, last))
        choice = joined(stream("async", model)).choices[0]
    else:
        upstream.will(answer(said, of_choice, **top))
        choice = ask("async", model).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Yes.", "stop")


@pytest.mark.parametrize(
    "pieces",
    [
        [{"index": 0, "id": "a", "function": None}, {"index": 0, "function": WEATHER}],
        [
            {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city"'}},
            {"index": 0, "function": {"name": "weather", "arguments": ': "Paris"}'}},
        ],
        [{"index": "0", "id": "a", "function": {"name": "weather", "arguments": {"city": "Paris"}}}],
        [{"index": None, "id": "a", "function": {"name": "weather", "arguments": ['{"city"', ': "Paris"}']}}],
        [{"index": 0, "id": 5, "type": "function", "function": WEATHER}],
    ],
)
def test_tool_calls_of_another_form(pieces: list[dict[str, Any]], upstream: Upstream, model: str) -> None:
    upstream.will(events(*[delta({"tool_calls": [piece]}) for piece in pieces], delta({}, "tool_calls")))
    chunks = stream("sync", model)
    names = [
        call.function.name for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []
    ]
    assert [name for name in names if name] == ["weather"]
    (call,) = joined(chunks).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris"}


@pytest.mark.parametrize(
    "choices",
    [
        {"message": {"content": "4"}, "finish_reason": "stop"},
        [{"message": {"content": 4}, "finish_reason": "stop"}],
        [{"delta": {"content": "4"}, "finish_reason": "stop"}],
        [{"text": "4", "finish_reason": "stop"}],
        ["", {"message": "4", "finish_reason": "stop"}],
        [{"message": [{"text": "4"}], "finish_reason": "stop"}],
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_choices_of_another_form(choices: Any, streamed: bool, upstream: Upstream, model: str) -> None:
    body = {"id": "c", "choices": choices}
    upstream.will(events(body) if streamed else Raw(200, json.dumps(body).encode()))
    found = joined(stream("sync", model)) if streamed else ask("sync", model)
    assert (found.choices[0].message.content, found.choices[0].finish_reason) == ("4", "stop")


def test_no_choice_among_the_choices(upstream: Upstream, model: str) -> None:
    upstream.will(Raw(200, b'{"choices": ["busy"]}'))
    with pytest.raises(litellm.BadGatewayError, match=r"no choices.*busy"):
        ask("sync", model)


def test_a_message_that_repeats_the_deltas(upstream: Upstream, model: str) -> None:
    last = delta(None, "stop")
    last["choices"][0]["message"] = {"content": "Yes."}
    upstream.will(events(delta({"content": "Yes."}), last))
    assert text_of(stream("sync", model)) == "Yes."


def test_a_tool_call_without_a_list(upstream: Upstream, model: str) -> None:
    call = {"id": "a", "function": {"name": 7, "arguments": "{}"}}
    upstream.will(events(delta({"tool_calls": call}), delta({}, "stop")), answer({"content": "", "tool_calls": call}))
    for found in (joined(stream("sync", model)), ask("sync", model)):
        (made,) = found.choices[0].message.tool_calls
        assert (made.function.name, found.choices[0].finish_reason) == ("7", "tool_calls")


def test_arguments_as_an_object(upstream: Upstream, model: str) -> None:
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    upstream.will(answer({"content": None, "tool_calls": [{"id": "a", "type": "function", "function": function}]}))
    (call,) = ask("sync", model).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris"}


@pytest.mark.parametrize(
    "reports",
    [
        [
            {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
            {"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
        ],
        [
            {"usage": {"prompt_tokens": 5, "completion_tokens": 0}},
            {"usage": {"prompt_tokens": 0, "completion_tokens": 2}},
        ],
        [{"usage": {"prompt_tokens": 5, "completion_tokens": 2}}],
        [{"usage": {"input_tokens": 5, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 1}}}],
        [{"usage": {"prompt_tokens": "5", "completion_tokens": 2.0, "total_tokens": None}}],
        [
            {"usage": {"prompt_tokens": 5, "completion_tokens": 2}},
            {"usage": {"prompt_tokens": -1, "completion_tokens": -1}},
        ],
    ],
)
def test_forms_of_usage(reports: list[dict[str, Any]], upstream: Upstream, model: str) -> None:
    ends = [{"id": "c", "choices": [], **report} for report in reports]
    upstream.will(events(delta({"content": "hi"}), delta({}, "stop"), *ends), answer({"content": "hi"}, **reports[-1]))
    found = joined(stream("sync", model)).usage
    assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == (5, 2, 7)
    if len(reports) == 1:
        found = ask("sync", model).usage
        assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == (5, 2, 7)


def test_usage_in_the_choice(upstream: Upstream, model: str) -> None:
    last = delta({}, "stop")
    last["choices"][0].update(usage(2))
    upstream.will(events(delta({"content": "hi"}), last))
    assert joined(stream("sync", model)).usage.completion_tokens == 2


@pytest.mark.parametrize(
    ("text", "calls", "reason"),
    [("hi", None, "stop"), (None, [{"index": 0, "id": "a", "function": TIME}], "tool_calls")],
)
def test_done_without_a_finish_reason(text: Any, calls: Any, reason: str, upstream: Upstream, model: str) -> None:
    upstream.will(events(delta({"content": text, "tool_calls": calls})))
    assert stream("sync", model)[-1].choices[0].finish_reason == reason


def test_done_without_an_answer(upstream: Upstream, model: str) -> None:
    upstream.will(events())
    with pytest.raises(Exception, match="before an answer began") as caught:
        stream("sync", model)
    assert type(cause(caught.value)) is litellm.BadGatewayError


@pytest.mark.parametrize("reason", ["", False, "null", {}])
def test_a_finish_reason_that_is_none(reason: Any, upstream: Upstream, model: str) -> None:
    upstream.will(events(delta({"content": "h"}, reason), delta({"content": "i"}, reason), delta({}, "length")))
    chunks = stream("sync", model)
    assert (text_of(chunks), chunks[-1].choices[0].finish_reason) == ("hi", "length")


@pytest.mark.parametrize("function", [{"name": "weather"}, {"name": "weather", "arguments": {}}, WEATHER])
def test_a_call_of_the_older_kind(function: dict[str, Any], upstream: Upstream, model: str) -> None:
    upstream.will(events(delta({"function_call": function}), delta({}, "function_call")))
    calls = [chunk.choices[0].delta.function_call for chunk in stream("sync", model) if chunk.choices]
    assert [call.name for call in calls if call] == ["weather"]


@pytest.mark.parametrize("reason", ["error", "abort", "ABORTED"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_finish_reason_that_is_a_failure(reason: str, streamed: bool, upstream: Upstream, model: str) -> None:
    upstream.will(
        events(delta({"content": "hi"}), delta({}, reason))
        if streamed
        else answer({"content": "hi"}, {"finish_reason": reason})
    )
    with pytest.raises(Exception, match=reason) as caught:
        stream("sync", model) if streamed else ask("sync", model)
    assert type(cause(caught.value)) is litellm.InternalServerError


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_in_the_choice(streamed: bool, upstream: Upstream, model: str) -> None:
    error = {"error": {"code": 502, "message": "the worker has left"}}
    last = delta({}, "error")
    last["choices"][0].update(error)
    upstream.will(events(delta({"content": "hi"}), last) if streamed else answer({"content": ""}, error))
    with pytest.raises(Exception, match="the worker has left") as caught:
        stream("sync", model) if streamed else ask("sync", model)
    assert type(cause(caught.value)) is litellm.BadGatewayError


def test_bytes_that_are_no_utf_8(upstream: Upstream, model: str) -> None:
    stream_of = events(delta({"content": "h?i"}), delta({}, "stop"))
    upstream.will(replace(stream_of, body=stream_of.body.replace(b"?", b"\xff")))
    assert text_of(stream("sync", model)) == "h\ufffdi"


@pytest.mark.parametrize("done", [b"data: [DONE] \n\n", b"data:[DONE]\n\n", b"data: [DONE]"])
def test_spellings_of_done(done: bytes, upstream: Upstream, model: str) -> None:
    stream_of = events(delta({"content": "hi"}))
    upstream.will(replace(stream_of, body=stream_of.body.replace(b"data: [DONE]\n\n", done)))
    assert text_of(stream("sync", model)) == "hi"


def test_flat_error_in_a_stream(upstream: Upstream, model: str) -> None:
    flat = {"object": "error", "message": "too long for me", "type": "BadRequestError", "code": 400}
    upstream.will(events(flat))
    with pytest.raises(litellm.BadRequestError, match="too long for me") as caught:
        stream("async", model)
    assert cause(caught.value)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"error": {"code": "429", "message": "m"}}, litellm.RateLimitError),
        ({"error": {"code": "503 Service Unavailable", "message": "m"}}, litellm.ServiceUnavailableError),
        ({"error": {"http_status": 503, "message": "m"}}, litellm.ServiceUnavailableError),
        ({"error": {"statusCode": "401", "message": "m"}}, litellm.AuthenticationError),
        ({"error": {"status": "RESOURCE_EXHAUSTED", "message": "m"}}, litellm.RateLimitError),
        ({"error": {"type": "RateLimitError", "message": "m"}}, litellm.RateLimitError),
        ({"error": {"code": "Too Many Requests", "message": "m"}}, litellm.RateLimitError),
        ({"error": {"type": "overloaded", "message": "m"}}, litellm.ServiceUnavailableError),
        ({"error": {"message": "the model is overloaded"}}, litellm.ServiceUnavailableError),
        ({"error": "Rate limit reached"}, litellm.RateLimitError),
        ({"object": "error", "message": "m", "type": "NotFoundError"}, litellm.NotFoundError),
        ({"throttlingException": {"message": "m"}}, litellm.RateLimitError),
        ({"code": "InvalidApiKey", "message": "m", "request_id": "r"}, litellm.AuthenticationError),
        ({"success": False, "message": "prompt is too long"}, litellm.ContextWindowExceededError),
        ({"error": {"type": "invalid_request_error", "code": "novel", "message": "m"}}, litellm.BadRequestError),
        ({"errors": [{"message": "m", "code": "novel"}]}, litellm.InternalServerError),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_without_a_status(
    event: dict[str, Any], kind: type[Exception], streamed: bool, upstream: Upstream, model: str
) -> None:
    upstream.will(events(delta({"content": "hi"}), event) if streamed else Raw(200, json.dumps(event).encode()))
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of many classes
        (stream if streamed else ask)("sync", model)
    assert type(cause(caught.value)).__qualname__ == kind.__qualname__


@pytest.mark.parametrize("extra", [{"error": None}, {"error": {}}, {"error": {"code": 0, "message": ""}}])
def test_an_error_that_is_none(extra: dict[str, Any], upstream: Upstream, model: str) -> None:
    upstream.will(events({"type": "ping"}, delta({"content": "hi"}, **extra), delta({}, "stop", **extra)))
    assert text_of(stream("sync", model)) == "hi"


PDF = "data:application/pdf;base64,JVBERi0xLjQK"


@pytest.mark.parametrize("image", [PDF, {"url": PDF}], ids=["text", "mapping"])
@pytest.mark.parametrize("mode", MODES)
def test_a_pdf_that_is_called_an_image(mode: Mode, image: Any, upstream: Upstream, model: str) -> None:
    """LiteLLM's translation of Messages makes an image of a document; images stay images, and the caller's parts as they are."""
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}}
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": image}, picture]
    ask(mode, model, messages=[{"role": "user", "content": parts}])
    file = {"type": "file", "file": {"filename": "document.pdf", "file_data": PDF}}
    assert upstream.last["messages"][-1]["content"] == [parts[0], file, picture]
    assert parts[1] == {"type": "image_url", "image_url": image}


@pytest.mark.parametrize(
    "block", [{"signature": ""}, {}, {"signature": "sealed"}, {"type": "redacted_thinking", "data": "x"}]
)
@pytest.mark.parametrize("mode", MODES)
def test_thoughts_of_messages(mode: Mode, block: dict[str, str], upstream: Upstream, model: str) -> None:
    """LiteLLM's `thinking_blocks`, which few APIs know, go upstream only where there is more in them than a text."""
    blocks = [{"type": "thinking", "thinking": "Hm.", **block}]
    said = {"role": "assistant", "content": "So.", "reasoning_content": "Hm.", "thinking_blocks": blocks}
    ask(mode, model, messages=[HELLO[0], said, HELLO[0]])
    sent = upstream.last["messages"][1]
    assert sent["reasoning_content"] == "Hm."
    assert sent.get("thinking_blocks") == (blocks if block.get("signature") or "data" in block else None)
    assert said["thinking_blocks"] is blocks
