"""What servers make of OpenAI's Responses, and what has to get there. Template's file: do not edit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import litellm
import openai
import pytest

from .calls import HELLO, WEATHER, ask, cause, joined, stream, text_of
from .proxy import Proxy
from .server import Raw, Upstream

CONTENT = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
SEALED = {
    "type": "reasoning",
    "id": "rs",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "e1",
}
NAMED = {"type": "function", "function": {"name": "weather"}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
SHAPES = ("whole", "pieces", "items", "end")
"""How a response comes: as JSON, in pieces and with no output at the end (as ChatGPT's), in whole items, at the end only."""


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {**CONTENT, "content": [{"type": "output_text", "text": said, "annotations": [], **fields}]}


def call(call_id: str, city: str) -> dict[str, Any]:
    arguments = json.dumps({"city": city})
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": "weather",
        "arguments": arguments,
    }


def response(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
    return {"id": "resp_1", "object": "response", "status": "completed", "output": [*output], "usage": usage, **fields}


def events(*found: dict[str, Any]) -> Raw:
    """Returns a stream of just these events, with their types as OpenAI's servers name them."""
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in found)
    return Raw(200, body.encode(), "text/event-stream")


def end(whole: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.{whole['status']}", "response": whole}


def pieces(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the events of an item; its id is another in each, as behind some gateways."""
    place = {"output_index": index}
    yield {"type": "response.output_item.added", "item": {**item, "content": [], "arguments": "", "id": "x1"}, **place}
    parts = [("output_text", part["text"]) for part in item.get("content", ()) if part["type"] == "output_text"]
    parts += [("refusal", part["refusal"]) for part in item.get("content", ()) if part["type"] == "refusal"]
    parts += [("reasoning_summary_text", part["text"]) for part in item.get("summary", ())]
    parts += [("function_call_arguments", item["arguments"])] if "arguments" in item else []
    for number, (kind, said) in enumerate(parts):
        for half in (said[:3], said[3:]):
            yield {"type": f"response.{kind}.delta", "delta": half, "item_id": half, "summary_index": number, **place}
    yield {"type": "response.output_item.done", "item": {**item, "id": "x2"}, **place}


def told(shape: str, whole: dict[str, Any], upstream: Upstream, model: str, **arguments: Any) -> Any:
    """Returns the answer that a caller has of a response that comes in a certain shape."""
    if shape == "whole":
        upstream.will(Raw(200, json.dumps(whole).encode()))
        return ask("sync", model, **arguments)
    begin = {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    output = [*enumerate(whole["output"])]
    if shape == "pieces":
        said = [event for index, item in output for event in pieces(index, item)]
    elif shape == "items":
        said = [{"type": "response.output_item.done", "output_index": index, "item": item} for index, item in output]
    else:
        said = []
    upstream.will(events(begin, *said, end(whole if shape == "end" else {**whole, "output": []})))
    return joined(stream("async", model, stream_options={"include_usage": True}, **arguments))


@pytest.mark.parametrize("shape", SHAPES)
def test_answer(shape: str, upstream: Upstream, model: str) -> None:
    thought = {**SEALED, "summary": [{"type": "summary_text", "text": said} for said in ("First.", "Then.")]}
    answer = told(shape, response(thought, text("So "), text("it is.")), upstream, model)
    message = answer.choices[0].message
    assert (message.reasoning_content, message.content) == ("First.\n\nThen.", "So it is.")
    assert [block["thinking"] for block in message.thinking_blocks] == ["First.\n\nThen."]
    assert (answer.id, answer.choices[0].finish_reason, answer.usage.total_tokens) == ("resp_1", "stop", 13)


@pytest.mark.parametrize("shape", SHAPES)
def test_calls(shape: str, upstream: Upstream, model: str) -> None:
    """Text and calls are one choice, and a call is known by its call_id, which the next turn names."""
    answer = told(shape, response(text("Both."), call("a", "Paris"), call("b", "Rome")), upstream, model)
    message = answer.choices[0].message
    made = [(one.id, json.loads(one.function.arguments)["city"]) for one in message.tool_calls]
    assert (message.content, made) == ("Both.", [("a", "Paris"), ("b", "Rome")])
    assert (len(answer.choices), answer.choices[0].finish_reason) == (1, "tool_calls")


def test_calls_in_waves(upstream: Upstream, model: str) -> None:
    """All are begun, then their arguments come in turns, and none says what it belongs to but by the item's id."""
    items = [call("a", "Paris"), call("b", "Rome"), {**call("c", ""), "arguments": ""}]
    found = [{"type": "response.output_item.added", "item": {**item, "arguments": ""}} for item in items]
    for start, stop in ((0, 4), (4, 99)):
        for item in items[:2]:
            delta = {"item_id": item["id"], "delta": item["arguments"][start:stop]}
            found.append({"type": "response.function_call_arguments.delta", **delta})
    found.append({"type": "response.function_call_arguments.delta", "item_id": items[2]["id"], "delta": ""})
    found += [{"type": "response.output_item.done", "item": item} for item in items]
    upstream.will(events(*found, end(response(*items))))
    made = joined(stream("sync", model)).choices[0].message.tool_calls
    assert [(one.id, json.loads(one.function.arguments)) for one in made] == [
        ("a", {"city": "Paris"}),
        ("b", {"city": "Rome"}),
        ("c", {}),
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"incomplete_details": {"reason": "max_output_tokens"}, "status": "incomplete"}, "length"),
        ({"incomplete_details": {"reason": "content_filter"}, "status": "incomplete"}, "content_filter"),
        ({"incomplete_details": {"reason": "novel"}, "status": "incomplete"}, "length"),
        ({"incomplete_details": None, "status": "completed"}, "stop"),
    ],
)
def test_why_it_ended(fields: Any, reason: str, shape: str, upstream: Upstream, model: str) -> None:
    answer = told(shape, response(text("Once"), **fields), upstream, model)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Once", reason)


@pytest.mark.parametrize("shape", SHAPES)
def test_refusal(shape: str, upstream: Upstream, model: str) -> None:
    refused = {**CONTENT, "content": [{"type": "refusal", "refusal": "I will not."}]}
    choice = told(shape, response(refused), upstream, model).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("I will not.", "content_filter")


@pytest.mark.parametrize("shape", SHAPES)
def test_image_out(shape: str, upstream: Upstream, model: str) -> None:
    made = {
        "type": "image_generation_call",
        "id": "ig",
        "status": "completed",
        "result": "AAAA",
        "output_format": "webp",
    }
    answer = told(shape, response(made, text("Here."), made), upstream, model)
    images = answer.choices[0].message.images
    assert [image["image_url"]["url"] for image in images] == ["data:image/webp;base64,AAAA"] * 2
    assert answer.choices[0].message.content == "Here."


@pytest.mark.parametrize("shape", SHAPES)
def test_citation(shape: str, upstream: Upstream, model: str) -> None:
    """Its place is counted in the whole text, and the search itself says nothing."""
    cited = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://x.example", "title": "X"}
    search = {"type": "web_search_call", "id": "ws", "status": "completed"}
    answer = told(shape, response(search, text("Look: "), text("it is", annotations=[cited])), upstream, model)
    (found,) = answer.choices[0].message.annotations
    assert found["url_citation"] == {"start_index": 6, "end_index": 8, "url": "https://x.example", "title": "X"}


@pytest.mark.parametrize("shape", ["whole", "pieces"])
def test_usage_with_details(shape: str, upstream: Upstream, model: str) -> None:
    details = {"input_tokens_details": {"cached_tokens": 5}, "output_tokens_details": {"reasoning_tokens": 3}}
    whole = response(text("Yes."), usage={"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, **details})
    usage = told(shape, whole, upstream, model).usage
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (9, 5)
    assert (usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens) == (4, 3)


RATE = {"code": "rate_limit_exceeded", "message": "slow down"}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", **RATE, "param": None, "sequence_number": 3}, litellm.RateLimitError),
        ({"type": "error", "error": {"type": "too_many_requests", **RATE}}, litellm.RateLimitError),
        ({"type": "response.failed", "response": {"status": "failed", "error": RATE}}, litellm.RateLimitError),
        ({"type": "response.completed", "response": {"status": "failed", "error": RATE}}, litellm.RateLimitError),
        (
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "server_error", "message": "m"}},
            },
            litellm.InternalServerError,
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "context_length_exceeded", "message": "m"}}},
            litellm.ContextWindowExceededError,
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "invalid_prompt", "message": "m"}}},
            litellm.BadRequestError,
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "invalid_image_url", "message": "m"}}},
            litellm.BadRequestError,
        ),
        ({"type": "response.cancelled", "response": {"status": "cancelled"}}, litellm.InternalServerError),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_failure_in_a_stream(
    event: dict[str, Any], kind: type[Exception], begun: bool, upstream: Upstream, model: str
) -> None:
    """It is no end of the answer, and its class is that of its code."""
    said = [{"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"}] if begun else []
    upstream.will(events(*said, event))
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of many classes
        stream("sync", model)
    assert type(cause(caught.value)).__qualname__ == kind.__qualname__


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (response(status="failed", error=RATE), litellm.RateLimitError, "slow down"),
        (response(status="cancelled"), litellm.InternalServerError, "cancelled"),
        (response(status="queued"), litellm.BadGatewayError, "background"),
        (
            {"error": {"type": "invalid_request_error", "message": "no such tool"}},
            litellm.BadRequestError,
            "no such tool",
        ),
        ({"id": "resp_1"}, litellm.BadGatewayError, "no output"),
    ],
)
def test_failure_in_an_answer(body: Any, kind: type[Exception], words: str, upstream: Upstream, model: str) -> None:
    upstream.will(Raw(200, json.dumps(body).encode()))
    with pytest.raises(kind, match=words):
        ask("sync", model)


def test_stream_without_an_end(upstream: Upstream, model: str) -> None:
    whole = response(text("Half"))
    upstream.will(events(*pieces(0, whole["output"][0])))
    with pytest.raises(Exception, match="before a finish reason") as caught:
        stream("sync", model)
    assert type(cause(caught.value)) is litellm.BadGatewayError


@pytest.mark.parametrize(
    ("params", "name", "sent"),
    [
        ({"max_tokens": 100}, "max_output_tokens", 100),
        ({"max_completion_tokens": 100}, "max_output_tokens", 100),
        ({"previous_response_id": "resp_0"}, "previous_response_id", "resp_0"),
        ({"truncation": "auto"}, "truncation", "auto"),
        ({"store": True}, "store", True),
        ({"user": "u" * 99}, "user", "u" * 64),
        ({"tools": [WEATHER], "tool_choice": NAMED}, "tool_choice", {"type": "function", "name": "weather"}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": SCHEMA, "strict": True},
                }
            },
            "text",
            {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}},
        ),
        (
            {"verbosity": "low", "response_format": {"type": "json_object"}},
            "text",
            {"verbosity": "low", "format": {"type": "json_object"}},
        ),
        ({"tools": [{"type": "image_generation"}]}, "tools", [{"type": "image_generation"}]),
    ],
)
def test_parameter(
    params: dict[str, Any], name: str, sent: Any, upstream: Upstream, model: str, takes: Callable[..., bool]
) -> None:
    if not takes(*params):
        return
    ask("sync", model, allowed_openai_params=[*params], **params)
    assert upstream.requests[-1].body[name] == sent


@pytest.mark.feature("reasoning_effort")
@pytest.mark.parametrize(
    ("effort", "sent"),
    [("low", {"effort": "low"}), ({"effort": "high", "summary": "concise"}, {"effort": "high", "summary": "concise"})],
)
def test_effort(effort: Any, sent: dict[str, str], upstream: Upstream, model: str) -> None:
    ask("sync", model, reasoning_effort=effort, allowed_openai_params=["reasoning_effort"])
    assert sent.items() <= upstream.requests[-1].body["reasoning"].items()


@pytest.mark.feature("tools")
@pytest.mark.parametrize("strict", [None, False, True])
def test_strict_only_where_asked(strict: bool | None, upstream: Upstream, model: str) -> None:
    """Responses takes a tool for strict that does not say so, and then refuses most schemas."""
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": strict}}
    ask("sync", model, tools=[tool])
    (sent,) = upstream.requests[-1].body["tools"]
    assert sent == {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": bool(strict)}


@pytest.mark.feature("tools")
def test_custom_tool(upstream: Upstream, model: str) -> None:
    """Its calls have no form in chat completions."""
    tools = [{"type": "custom", "custom": {"name": "patch"}}, WEATHER]
    with pytest.raises(litellm.BadRequestError, match=r"tools of type 'custom' are not supported.*drop_params"):
        ask("sync", model, tools=tools)
    assert upstream.requests == []
    ask("sync", model, tools=tools, drop_params=True)
    assert [tool["name"] for tool in upstream.requests[-1].body["tools"]] == ["weather"]


DATA = "data:application/pdf;base64,AAAA"
SOUND = {"data": "AAAA", "format": "wav"}


@pytest.mark.parametrize(
    ("message", "item"),
    [
        (
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "https://x/i.png", "detail": "low"}}],
            },
            {"content": [{"type": "input_image", "image_url": "https://x/i.png", "detail": "low"}]},
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}]},
            {"content": [{"type": "input_file", "file_data": DATA, "filename": "a.pdf"}]},
        ),
        (  # as LiteLLM's translation of Messages has it
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": DATA}}]},
            {"content": [{"type": "input_file", "file_data": DATA, "filename": "document.pdf"}]},
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": SOUND}]},
            {"content": [{"type": "input_audio", "input_audio": SOUND}]},
        ),
        (
            {"role": "assistant", "content": "So."},
            {"role": "assistant", "content": [{"type": "output_text", "text": "So."}]},
        ),
        (
            {"role": "developer", "content": [{"type": "text", "text": "Now in French."}]},
            {"role": "developer", "content": [{"type": "input_text", "text": "Now in French."}]},
        ),
        (
            {
                "role": "tool",
                "tool_call_id": "c1",
                "content": [{"type": "text", "text": "sun"}, {"type": "text", "text": "ny"}],
            },
            {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        ),
        (
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "image_url", "image_url": "https://x/i.png"}]},
            {"output": [{"type": "input_image", "image_url": "https://x/i.png", "detail": "auto"}]},
        ),
    ],
)
def test_message(message: dict[str, Any], item: dict[str, Any], upstream: Upstream, model: str) -> None:
    ask("sync", model, messages=[*HELLO, message])
    assert item.items() <= upstream.requests[-1].body["input"][-1].items()


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x/v"}}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "a", "input": "b"}}]},
    ],
)
def test_what_it_does_not_have(message: Any, upstream: Upstream, model: str) -> None:
    with pytest.raises(litellm.BadRequestError, match="not supported"):
        ask("sync", model, messages=[*HELLO, message])
    assert upstream.requests == []


BEGIN: list[Any] = [*HELLO]


def _chat(proxy: Proxy, name: str, streamed: bool) -> None:
    """LiteLLM's SDK: the message goes back as it is."""
    made = joined(stream("sync", f"{name}")) if streamed else ask("async", name)
    result = {"role": "tool", "tool_call_id": "a", "content": "sunny"}
    ask("sync", name, messages=[*HELLO, made.choices[0].message.model_dump(), result], tools=[WEATHER])


def _openai(proxy: Proxy, name: str, streamed: bool) -> None:
    """OpenAI's client of chat completions, which keeps fields that it does not know."""
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)
    create: Any = client.chat.completions.create
    made = create(model=name, messages=HELLO)
    result = {"role": "tool", "tool_call_id": "a", "content": "sunny"}
    history = [*HELLO, made.choices[0].message.model_dump(exclude_none=True), result]
    again = create(model=name, messages=history, tools=[WEATHER], stream=streamed)
    assert [*again] if streamed else again.choices


def _messages(proxy: Proxy, name: str, streamed: bool) -> None:
    client = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0, timeout=30)
    thinking = {"type": "enabled", "budget_tokens": 1024}
    tool = {"name": "weather", "input_schema": SCHEMA}
    call: Any = {"model": name, "max_tokens": 2000, "thinking": thinking, "tools": [tool]}
    if streamed:
        with client.messages.stream(messages=BEGIN, **call) as found:
            made: Any = found.get_final_message()
    else:
        made = client.messages.create(messages=BEGIN, **call)
    said = [block.model_dump(exclude_none=True) for block in made.content]
    assert [block["type"] for block in said] == ["thinking", "tool_use"]
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "sunny"}]}
    client.messages.create(messages=[*BEGIN, {"role": "assistant", "content": said}, result], **call)


def _responses(proxy: Proxy, name: str, streamed: bool) -> None:
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)
    call: Any = {"model": name, "include": ["reasoning.encrypted_content"], "store": False}
    made: Any = client.responses.create(input="hello", stream=streamed, **call)
    output = [*made][-1].response.output if streamed else made.output
    items = [item.model_dump(exclude_none=True) for item in output]
    result: Any = {"type": "function_call_output", "call_id": "a", "output": "sunny"}
    client.responses.create(input=[*BEGIN, *items, result], **call)


@pytest.mark.feature("tools")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("summary", ["Hm.", ""])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("client", [_chat, _openai, _messages, _responses])
def test_reasoning_comes_back(
    client: Callable[[Proxy, str, bool], None],
    streamed: bool,
    summary: str,
    proxy: Proxy,
    upstream: Upstream,
    model: str,
) -> None:
    """A model that keeps nothing gets its thoughts back with the tool's answer, by whatever client."""
    thought = {**SEALED, "summary": [{"type": "summary_text", "text": summary}] if summary else []}
    whole = response(thought, call("a", "Paris"))
    said = [event for index, item in enumerate(whole["output"]) for event in pieces(index, item)]
    sent = events(*said, end({**whole, "output": []})) if streamed and client is not _openai else None
    upstream.will(sent or Raw(200, json.dumps(whole).encode()))
    client(proxy, model, streamed) if client is _chat else client(proxy, model.split("/", 1)[1], streamed)
    assert "reasoning.encrypted_content" in upstream.requests[0].body["include"]
    items = upstream.requests[-1].body["input"]
    assert [item["type"] for item in items] == ["message", "reasoning", "function_call", "function_call_output"]
    assert {**items[1], "id": "rs"} == thought


def test_a_stream_says_each_piece_when_it_comes(upstream: Upstream, model: str) -> None:
    whole = response(text("One two three"))
    upstream.will(events(*pieces(0, whole["output"][0]), end(whole)))
    chunks = stream("sync", model)
    assert (text_of(chunks), len([chunk for chunk in chunks if chunk.choices[0].delta.content])) == ("One two three", 2)


def test_no_encrypted_reasoning_of_a_model_that_does_not_reason(
    upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's API refuses the whole request for it."""
    from ..package import models

    monkeypatch.setitem(models.load_models()[model.split("/", 1)[1]], "supports_reasoning", False)
    models._refused.cache_clear()
    try:
        ask("sync", model)
    finally:
        models._refused.cache_clear()
    assert "include" not in upstream.requests[-1].body


@pytest.fixture
def takes(model: str) -> Callable[..., bool]:
    """Says whether the upstream takes all of these parameters, by what the author has written."""
    from ..package import part, transformation

    params = part("params")
    supported = params.taken(transformation.ChatConfig().get_supported_openai_params(model.split("/", 1)[1]))
    return lambda *names: all(name in supported for name in names)
