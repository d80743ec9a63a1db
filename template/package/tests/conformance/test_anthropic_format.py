"""What goes through in the format of Anthropic's Messages, both ways. Template's file: do not edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import litellm
import openai
import pytest

from ..package import answers, models, registration
from .calls import HELLO, MODES, WEATHER, Mode, ask, cause, joined, stream, text_of
from .proxy import Proxy
from .server import Raw, Reply, ToolCall, Upstream

PNG = "iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
CACHED = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
TOOL = {"name": "weather", "description": "The weather of a city", "input_schema": SCHEMA}
SAMPLING = {"temperature": 0.5, "top_p": 0.25, "top_k": 7}
THINKING = {"type": "enabled", "budget_tokens": 1500}


def message(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Returns an answer that is not streamed."""
    usage = {"input_tokens": 5, "output_tokens": 2}
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "usage": usage}
    return {**head, "content": list(content), **more}


def events_of(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the events of the same answer, streamed: usage in two parts, each text in two pieces."""
    first = {name: value for name, value in answer["usage"].items() if name != "output_tokens"}
    yield {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None, "usage": first}}
    yield {"type": "ping"}
    pieces = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}
    for index, block in enumerate(answer["content"]):
        empty = {name: "" if name in pieces else value for name, value in block.items()}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for name, kind in pieces.items():
            for piece in (block[name][:1], block[name][1:]) if name in block else ():
                yield {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}}
        yield {"type": "content_block_stop", "index": index}
    delta = {name: answer[name] for name in ("stop_reason", "container") if name in answer}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def said(*events: dict[str, Any]) -> Raw:
    """Returns a stream of just these events."""
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Raw(200, body.encode(), "text/event-stream")


def answered(answer: dict[str, Any], streamed: bool, upstream: Upstream, model: str, **call: Any) -> Any:
    """Returns what a caller gets of an answer, whole or put together from its stream."""
    if not streamed:
        upstream.will(Raw(200, json.dumps(answer).encode()))
        return ask("sync", model, **call)
    upstream.will(said(*events_of(answer)))
    return joined(stream("async", model, **call))


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


FILE = {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "system with a cache": (
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "S", "cache_control": CACHED}]}, *HELLO]},
        {"system": [{"type": "text", "text": "S", "cache_control": CACHED}]},
    ),
    "developer": (
        {"messages": [{"role": "developer", "content": "S"}, *HELLO]},
        {"system": [{"type": "text", "text": "S"}]},
    ),
    "cache of a message": (
        {"messages": user({"type": "text", "text": "T", "cache_control": CACHED})},
        {"messages": user({"type": "text", "text": "T", "cache_control": CACHED})},
    ),
    "image": (
        {"messages": user({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}})},
        {"messages": user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}})},
    ),
    "image by URL": (
        {"messages": user({"type": "image_url", "image_url": {"url": "https://host.example/i.png"}})},
        {"messages": user({"type": "image", "source": {"type": "url", "url": "https://host.example/i.png"}})},
    ),
    "tools": ({"tools": [WEATHER]}, {"tools": [{"type": "custom", **TOOL}]}),
    "choice: auto": ({"tools": [WEATHER], "tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
    "choice: none": ({"tools": [WEATHER], "tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
    "choice: required": ({"tools": [WEATHER], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
    "choice: one": (
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        {"tool_choice": {"type": "tool", "name": "weather"}},
    ),
    "one call at a time": (
        {"tools": [WEATHER], "parallel_tool_calls": False},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    "thinking": ({"thinking": THINKING}, {"thinking": THINKING, "max_tokens": 1500 + 4096}),
    "effort": (
        {"reasoning_effort": "high", "max_tokens": 9000},
        {"thinking": {"type": "enabled", "budget_tokens": 4096}},
    ),
    "effort in few tokens": (
        {"reasoning_effort": "high", "max_tokens": 3000},
        {"thinking": {"type": "enabled", "budget_tokens": 1500}, "max_tokens": 3000},
    ),
    "effort in too few": ({"reasoning_effort": "low", "max_tokens": 100}, {"thinking": None, "max_tokens": 100}),
    "sampling": (SAMPLING, SAMPLING),
    "stop": ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
    "user": ({"user": "user-1"}, {"metadata": {"user_id": "user-1"}}),
    "schema by a tool": (
        {"response_format": AS_SCHEMA},
        {"tool_choice": {"type": "tool", "name": "json_tool_call"}, "output_format": None},
    ),
    "any JSON": (
        {"response_format": {"type": "json_object"}},
        {"tool_choice": {"type": "tool", "name": "json_tool_call"}},
    ),
    "no limit": ({}, {"max_tokens": 4096, "stream": None, "json_mode": None}),
}


@pytest.mark.parametrize("row", ROWS)
def test_request(row: str, upstream: Upstream) -> None:
    call, expected = ROWS[row]
    upstream.will(Raw(200, json.dumps(message({"type": "text", "text": "{}"})).encode()))
    allowed = [parameter for parameter in call if parameter != "messages"]
    ask("async", f"{answers.PROVIDER}/any/model", allowed_openai_params=allowed, **call)
    body = upstream.requests[-1].body
    assert {field: body.get(field) for field in expected} == expected
    assert body["model"] == "any/model"


def test_abilities_are_those_of_models_yaml(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a model is called: LiteLLM takes this name for one that cannot be sampled."""
    ask("sync", f"{answers.PROVIDER}/claude-opus-4-7-of-nobody", **SAMPLING)
    assert SAMPLING.items() <= upstream.requests[-1].body.items()
    monkeypatch.setitem(models.load_models()[model.split("/", 1)[1]], "supports_sampling_params", False)
    models._refused.cache_clear()
    try:
        with pytest.raises(litellm.UnsupportedParamsError, match="temperature"):
            ask("sync", model, **SAMPLING)
        ask("sync", model, temperature=1)
    finally:
        monkeypatch.undo()
        models._refused.cache_clear()


@pytest.mark.parametrize(
    ("legacy", "budget", "effort"), [(False, 9000, "high"), (False, 1024, "low"), (True, 1024, None)]
)
def test_budget_for_a_model_that_takes_efforts(
    legacy: bool, budget: int, effort: str | None, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coding agents send one to whatever model; the newer ones refuse it."""
    given = {"type": "enabled", "budget_tokens": budget}
    name = f"{answers.PROVIDER}/adaptive"
    facts = {"supports_adaptive_thinking": True, "supports_legacy_thinking": legacy}
    monkeypatch.setitem(models.load_models(), "adaptive", facts)
    monkeypatch.setitem(litellm.model_cost, name, {**litellm.model_cost[model], **facts})
    ask("async", name, thinking=given, max_tokens=20000, allowed_openai_params=["thinking"])
    body = upstream.requests[-1].body
    assert body["thinking"] == (given if legacy else {"type": "adaptive"})
    assert body.get("output_config") == ({"effort": effort} if effort else None)


def test_document(upstream: Upstream, model: str) -> None:
    ask("sync", model, messages=user(FILE, {"type": "text", "text": "What is it?"}))
    (document, _) = upstream.requests[-1].body["messages"][0]["content"]
    assert document["type"] == "document"
    assert document["source"] == {"type": "base64", "media_type": "application/pdf", "data": PDF.partition(",")[2]}


def test_nothing_is_printed(upstream: Upstream, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """LiteLLM looks for limits of a model by its name, and prints that it knows no provider of it."""
    ask("sync", model)
    ask("sync", f"{answers.PROVIDER}/any/model")
    assert capsys.readouterr().out == ""


@pytest.mark.feature("reasoning_effort")
def test_effort_that_is_sent_as_it_is(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(litellm.model_cost[model], "supports_adaptive_thinking", True)
    ask("sync", model, reasoning_effort="high", allowed_openai_params=["reasoning_effort"])
    body = upstream.requests[-1].body
    assert (body["thinking"]["type"], body["output_config"]) == ("adaptive", {"effort": "high"})


def test_limit_of_models_yaml(upstream: Upstream, model: str) -> None:
    facts = models.load_models()[model.split("/", 1)[1]]
    ask("sync", model)
    assert upstream.requests[-1].body["max_tokens"] == facts.get("max_output_tokens", 4096)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_of_the_environment_goes_upstream(
    mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiteLLM's own transformation looks for a credential of Anthropic's, and fails without one."""
    for variable in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(variable, f"{variable}-of-somebody-else")
    ask(mode, model)
    sent = upstream.requests[-1].headers
    assert "somebody-else" not in str(sent)
    assert sent["anthropic-version"] == "2023-06-01"


def test_betas(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The author's, the caller's, and those that a parameter needs."""
    monkeypatch.setattr(registration.register().drivers["chat"].config, "betas", ("oauth-2025-04-20",), raising=False)
    edits = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    ask(
        "sync",
        model,
        extra_headers={"Anthropic-Beta": "one,two"},
        context_management=edits,
        allowed_openai_params=["context_management"],
    )
    sent = upstream.requests[-1].headers["anthropic-beta"].replace(" ", "").split(",")
    assert sent[:3] == ["oauth-2025-04-20", "one", "two"]
    assert any(beta.startswith("context-management") for beta in sent)
    assert upstream.requests[-1].body["context_management"] == edits


@pytest.mark.feature("json_schema")
@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_schema(streamed: bool, native: bool, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a tool whose arguments are the answer, or as it is, where models.yaml says that the model has it."""
    monkeypatch.setitem(litellm.model_cost[model], "supports_native_structured_output", native)
    block = {"type": "tool_use", "id": "t1", "name": "json_tool_call", "input": {"city": "Rome"}}
    if native:
        block = {"type": "text", "text": '{"city": "Rome"}'}
    answer = message(block, stop_reason="end_turn" if native else "tool_use")
    found = answered(answer, streamed, upstream, model, response_format=AS_SCHEMA)
    assert json.loads(found.choices[0].message.content) == {"city": "Rome"}
    assert found.choices[0].finish_reason == "stop"
    assert not found.choices[0].message.tool_calls
    body = upstream.requests[-1].body
    assert ("tools" in body) is not native
    assert ("output_format" in body or "output_config" in body) is native
    assert "json_mode" not in body


@pytest.mark.feature("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_tool_with_a_name_that_the_api_does_not_take(streamed: bool, upstream: Upstream, model: str) -> None:
    tool = {"type": "function", "function": {**WEATHER["function"], "name": "city/weather.now"}}  # type: ignore[dict-item]
    ask("sync", model, tools=[tool])
    name = upstream.requests[-1].body["tools"][0]["name"]
    assert "/" not in name
    answer = message({"type": "tool_use", "id": "t1", "name": name, "input": {}}, stop_reason="tool_use")
    found = answered(answer, streamed, upstream, model, tools=[tool])
    (call,) = found.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("city/weather.now", "{}")


BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "sig-1"},
    {"type": "redacted_thinking", "data": "secret"},
    {"type": "thinking", "thinking": "So.", "signature": "sig-2"},
]


@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_blocks_of_thinking(streamed: bool, upstream: Upstream, model: str) -> None:
    found = answered(message(*BLOCKS, {"type": "text", "text": "Yes."}), streamed, upstream, model)
    said_by = found.choices[0].message
    assert (said_by.content, said_by.reasoning_content) == ("Yes.", "Hm.So.")
    assert said_by.thinking_blocks == BLOCKS


@pytest.mark.parametrize("streamed", [False, True])
def test_usage(streamed: bool, upstream: Upstream, model: str) -> None:
    """LiteLLM counts what was cached as a part of the prompt, as OpenAI does."""
    usage = {"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7}
    answer = message({"type": "text", "text": "Yes."}, usage=usage)
    call = {"stream_options": {"include_usage": True}} if streamed else {}
    found = answered(answer, streamed, upstream, model, **call).usage
    assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == (125, 7, 132)
    assert (found.prompt_tokens_details.cached_tokens, found.cache_creation_input_tokens) == (100, 20)


@pytest.mark.feature("finish_reasons")
@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "stop"),
        ("refusal", "content_filter"),
        ("stop_sequence", "stop"),
        ("one that will be invented", "stop"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_stop_reason(streamed: bool, reason: str, finish: str, upstream: Upstream, model: str) -> None:
    found = answered(message({"type": "text", "text": "Yes."}, stop_reason=reason), streamed, upstream, model)
    assert found.choices[0].finish_reason == finish
    if reason in ("pause_turn", "refusal"):
        assert found.choices[0].message.provider_specific_fields["stop_reason"] == reason


@pytest.mark.feature("tools")
@pytest.mark.parametrize(
    ("begins", "pieces", "arguments"),
    [({}, (), {}), ({"city": "Rome"}, (), {"city": "Rome"}), ({}, ("", '{"city":', ' "Rome"}'), {"city": "Rome"})],
)
def test_arguments(begins: Any, pieces: Any, arguments: Any, upstream: Upstream, model: str) -> None:
    """In pieces, with the beginning of their block, or none."""
    start, *_, delta, stop = events_of(message(stop_reason="tool_use"))
    block = {"type": "tool_use", "id": "t1", "name": "weather", "input": begins}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    upstream.will(
        said(
            start,
            {"type": "content_block_start", "index": 0, "content_block": block},
            *[{"type": "content_block_delta", "index": 0, "delta": piece} for piece in deltas],
            {"type": "content_block_stop", "index": 0},
            delta,
            stop,
        )
    )
    found = joined(stream("sync", model, tools=[WEATHER])).choices[0]
    assert json.loads(found.message.tool_calls[0].function.arguments) == arguments
    assert found.finish_reason == "tool_calls"


@pytest.mark.feature("tools")
@pytest.mark.parametrize("call", [{"input": '{"city": "Rome"}', "id": "t1"}, {"input": {"city": "Rome"}}, {"id": None}])
@pytest.mark.parametrize("streamed", [False, True])
def test_calls_of_servers_that_only_resemble(streamed: bool, call: Any, upstream: Upstream, model: str) -> None:
    """Arguments as text, a call without id, none of both: clients need an id and an object."""
    answer = message({"type": "tool_use", "name": "weather", **call}, stop_reason=None)
    (found,) = answered(answer, streamed, upstream, model, tools=[WEATHER]).choices[0].message.tool_calls
    assert found.id.startswith("t")
    assert json.loads(found.function.arguments) == ({"city": "Rome"} if "input" in call else {})


def test_figures_that_only_the_start_has(upstream: Upstream, model: str) -> None:
    start, ping, *others, delta, stop = events_of(message({"type": "text", "text": "Yes."}))
    zero = {**delta, "usage": {"input_tokens": 0, "output_tokens": 2}}
    upstream.will(said(start, ping, *others, zero, stop))
    found = joined(stream("sync", model, stream_options={"include_usage": True})).usage
    assert (found.prompt_tokens, found.completion_tokens) == (5, 2)


@pytest.mark.parametrize("streamed", [False, True])
def test_fields_that_servers_leave_out(streamed: bool, upstream: Upstream, model: str) -> None:
    blocks = {"type": "text", "text": "Yes."}
    answer = {"type": "message", "content": [blocks], "usage": {"output_tokens": 2}, "stop_reason": "end_turn"}
    events = [event for event in events_of(answer) if event["type"] != "ping"]
    events.insert(1, {"type": "invented", "field": 1})
    if streamed:
        upstream.will(said(*events[:-1]))  # no message_stop either
        assert text_of(stream("sync", model)) == "Yes."
        return
    for whole in (answer, {"content": "Yes."}, {"content": [blocks], "usage": None, "stop_reason": None}):
        upstream.will(Raw(200, json.dumps(whole).encode()))
        assert ask("sync", model).choices[0].message.content == "Yes."


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("overloaded_error", "Overloaded", litellm.ServiceUnavailableError),
        ("rate_limit_error", "slow down", litellm.RateLimitError),
        ("api_error", "Internal server error", litellm.InternalServerError),
        ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", litellm.ContextWindowExceededError),
        ("authentication_error", "invalid x-api-key", litellm.AuthenticationError),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_error(streamed: bool, kind: str, text: str, expected: Any, upstream: Upstream, model: str) -> None:
    """In an answer that has HTTP 200, or as an event after a piece of one."""
    body = {"type": "error", "error": {"type": kind, "message": text}}
    upstream.will(said(*list(events_of(message()))[:2], body) if streamed else Raw(200, json.dumps(body).encode()))
    with pytest.raises(Exception, match=text.split(":", maxsplit=1)[0]) as caught:
        stream("sync", model) if streamed else ask("sync", model)
    assert type(cause(caught.value)) is expected


def test_end_of_a_stream_that_stays_open(upstream: Upstream, model: str) -> None:
    """There is no [DONE]: message_stop is the end, and nothing later is read."""
    late = {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "late"}}
    upstream.will(said(*events_of(message({"type": "text", "text": "Yes."})), late))
    assert text_of(stream("async", model)) == "Yes."


CALL = ToolCall("call_a", "weather", ('{"ci', 'ty": "Par', 'is"}'))
THOUGHT = Reply(reasoning=("Hm. ", "So."), text=("Look.",), tool_calls=(CALL,), id="turn-1")
FIRST_TURN = [
    {"type": "thinking", "thinking": "Hm. So.", "signature": "signed-turn-1"},
    {"type": "text", "text": "Look."},
    {"type": "tool_use", "id": "call_a", "name": "weather", "input": {"city": "Paris"}},
]


def sent_turn(upstream: Upstream) -> list[dict[str, Any]]:
    """Returns the model's first turn as it went back, without what makes no difference."""
    turn = next(message for message in upstream.requests[-1].body["messages"] if message["role"] == "assistant")
    return [{name: value for name, value in block.items() if value is not None} for block in turn["content"]]


@pytest.mark.feature("tools")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_second_turn_of_chat(streamed: bool, proxy: Proxy, upstream: Upstream, model: str) -> None:
    """Thinking goes back with its signature: the API refuses a turn with tools without it."""
    upstream.will(THOUGHT)
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)
    asked: Any = {"model": model.split("/", 1)[1], "tools": [WEATHER], "reasoning_effort": "low"}
    messages: list[Any] = [*HELLO]
    turn: Any = client.chat.completions.create(**asked, messages=messages, stream=streamed)
    if streamed:
        turn = litellm.stream_chunk_builder([litellm.ModelResponseStream(**chunk.model_dump()) for chunk in turn])
    messages.append(turn.choices[0].message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": "call_a", "content": "sunny"})
    client.chat.completions.create(**asked, messages=messages)
    assert sent_turn(upstream) == FIRST_TURN


@pytest.mark.feature("tools")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("streamed", [False, True])
def test_second_turn_of_messages(streamed: bool, proxy: Proxy, upstream: Upstream, model: str) -> None:
    """As a coding agent asks: tools, thinking, a long system prompt with a cache, and a count of its tokens."""
    upstream.will(THOUGHT)
    claude = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0, timeout=30)
    system: Any = [{"type": "text", "text": "Be brief. " * 400, "cache_control": {"type": "ephemeral"}}]
    asked: Any = {"model": model.split("/", 1)[1], "system": system, "tools": [TOOL]}
    messages: list[Any] = [*HELLO]
    assert claude.messages.count_tokens(**asked, messages=messages).input_tokens > 400
    asked |= {"max_tokens": 9000, "thinking": THINKING}
    for _ in range(2):
        if streamed:
            with claude.messages.stream(**asked, messages=messages) as events:
                turn: Any = events.get_final_message()
        else:
            turn = claude.messages.create(**asked, messages=messages)
        result = {"type": "tool_result", "tool_use_id": "call_a", "content": "sunny"}
        messages += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": [result]}]
    assert turn.content[-1].text == "You said: sunny"
    assert sent_turn(upstream) == FIRST_TURN
    assert upstream.requests[-1].body["system"][0]["text"] == system[0]["text"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "any-model",
            marks=pytest.mark.xfail(
                reason="litellm: /v1/messages keeps caches and budgets for Claude's names only", strict=True
            ),
        ),
        "claude-any",
    ],
)
def test_cache_and_budget_of_messages(name: str, proxy: Proxy, upstream: Upstream) -> None:
    """Why a model of Claude's should have an id with `claude` in it."""
    claude = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0, timeout=30)
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    asked: Any = {"max_tokens": 9000, "system": system, "thinking": THINKING, "messages": HELLO}
    claude.messages.create(model=f"{answers.PROVIDER}/{name}", **asked)
    body = upstream.requests[-1].body
    assert body["thinking"] == THINKING
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
