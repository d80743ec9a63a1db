"""What goes upstream, and what must not. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import litellm
import pytest

from ..package import answers, part, transformation
from .calls import HELLO, MODES, WEATHER, Mode, ask, stream
from .conftest import KEY
from .features import declared
from .server import Upstream

# What asks for nothing is in test_usual_requests.py.
VALUES: dict[str, Any] = {
    "frequency_penalty": 0.25,
    "logit_bias": {"50": 5},
    "logprobs": True,
    "max_tokens": 77,
    "modalities": ["text", "audio"],
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "so"},
    "presence_penalty": 0.5,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "seed": 42,
    "service_tier": "flex",
    "stop": ["END"],
    "store": True,
    "temperature": 0.5,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "tool_choice": "required",
    "tools": [WEATHER],
    "top_logprobs": 3,
    "top_p": 0.75,
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}
CONFIG = transformation.ChatConfig()
params = part("params")


def _extra(name: str) -> dict[str, Any]:
    """What has to go along: LiteLLM wants some names allowed, upstreams want tools with tool parameters."""
    along: dict[str, Any] = {"allowed_openai_params": [name]}
    if name in ("tool_choice", "parallel_tool_calls"):
        along["tools"] = [WEATHER]
    return along


@pytest.mark.parametrize("name", sorted(VALUES))
def test_parameter(name: str, upstream: Upstream, model: str) -> None:
    """A supported parameter arrives; another one is refused, or dropped where that is asked for.

    Anthropic's `thinking` becomes an effort for an upstream that knows efforts only.
    """
    supported = params.taken(CONFIG.get_supported_openai_params(model.split("/", 1)[1]))
    call = {name: VALUES[name], **_extra(name)}
    if params.is_ignored(name, supported):
        ask("sync", model, **call)
        assert name not in upstream.last
        return
    if name in supported and params.is_taken(name, VALUES[name]):
        # Anthropic's newer models take no budgets, and are told an effort: test_anthropic_format.py has it.
        adaptive = name == "thinking" and litellm.model_cost[model].get("supports_adaptive_thinking")
        for mode in MODES:
            ask(mode, model, **call)
            assert upstream.last[name] == VALUES[name] or (adaptive and upstream.last[name] == {"type": "adaptive"})
        return
    effort = name == "thinking" and name not in supported and params.says_of(name) is None
    if effort and "reasoning_effort" in supported and params.is_taken("reasoning_effort", "low"):
        ask("sync", model, **call)
        assert upstream.last["reasoning_effort"] == "low"
        ask("async", model, **{**call, "thinking": {"type": "disabled"}})
        assert "reasoning_effort" not in upstream.last
        return
    with pytest.raises(litellm.UnsupportedParamsError, match=f"{name}|reasoning_effort" if effort else name):
        ask("sync", model, **call)
    ask("async", model, drop_params=True, **call)
    assert name not in upstream.last


def test_max_completion_tokens(upstream: Upstream, model: str) -> None:
    """LiteLLM renames it; a deployment that allows the caller's own name gets that one."""
    ask("sync", model, max_completion_tokens=55, drop_params=params.says_of("max_tokens") == "refused")
    if "max_tokens" in declared():
        assert not {"max_tokens", "max_completion_tokens"} & upstream.last.keys()
        return
    sent = upstream.last
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 55


@pytest.mark.parametrize("mode", MODES)
def test_what_upstream_toml_says(
    mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Ignored is left out, and a log says so once; refused, or another value than those taken, is refused, or dropped."""
    facts = {
        "stop": "ignored",
        "reasoning_effort": "ignored",
        "user": "refused",
        "temperature": [1, 0.25],
        "response_format": ["json_schema"],
    }
    monkeypatch.setattr(params, "load_upstream", lambda: part("upstream").Upstream(parameters=facts))
    params._log_ignored.cache_clear()
    with caplog.at_level("INFO"):
        for _ in range(2):
            ask(mode, model, stop=["END"])
            assert "stop" not in upstream.last
    assert caplog.text.count("ignores stop") == 1
    if "thinking" not in CONFIG.get_supported_openai_params(model.split("/", 1)[1]):
        ask(mode, model, thinking={"type": "enabled", "budget_tokens": 1024}, allowed_openai_params=["thinking"])
        assert not {"thinking", "reasoning_effort"} & upstream.last.keys()
    wrong: tuple[tuple[str, Any], ...] = (
        ("user", "me"),
        ("temperature", 0.5),
        ("response_format", {"type": "json_object"}),
    )
    for name, value in wrong:
        allowed = {name: value, "allowed_openai_params": [name]}
        with pytest.raises(litellm.UnsupportedParamsError, match=name):
            ask(mode, model, **allowed)
        ask(mode, model, drop_params=True, **allowed)
        assert name not in upstream.last
    ask(mode, model, response_format={"type": "text"})  # nothing is asked for
    assert "response_format" not in upstream.last
    if "temperature" in CONFIG.get_supported_openai_params(model.split("/", 1)[1]):
        ask(mode, model, temperature=0.25)
        assert upstream.last["temperature"] == 0.25


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra_body": {"x": float("nan")}},
        {"extra_body": {"x": object()}},
        {"messages": [{"role": "user", "content": "\ud83d"}]},
        {"extra_headers": {"X-Team": "✓"}},
        {"extra_headers": {"X-Team": "a\nb: c"}},
    ],
    ids=["nan", "object", "surrogate", "header", "header-injection"],
)
@pytest.mark.parametrize("mode", MODES)
def test_what_cannot_be_sent_is_a_bad_request(
    mode: Mode, wrong: dict[str, Any], upstream: Upstream, model: str
) -> None:
    """It is the caller's mistake: a 5xx would be tried again."""
    with pytest.raises(litellm.BadRequestError, match="the request cannot be built"):
        ask(mode, model, **wrong)
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_one_choice_in_a_stream(mode: Mode, upstream: Upstream, model: str) -> None:
    """LiteLLM mixes the choices of a stream into one."""
    if "n" in CONFIG.get_supported_openai_params(model.split("/", 1)[1]):
        with pytest.raises(litellm.UnsupportedParamsError, match="'n'"):
            stream(mode, model, n=2)
        stream(mode, model, n=2, drop_params=True)
        assert "n" not in upstream.last
    ask(mode, model, n=1)


def test_abilities_decide(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ..package import models

    plain = model.split("/", 1)[1]
    monkeypatch.setitem(models.load_models()[plain], "supports_function_calling", False)
    models._refused.cache_clear()
    try:
        with pytest.raises(litellm.UnsupportedParamsError, match="tools"):
            ask("sync", model, tools=[WEATHER])
        ask("sync", model, tools=[WEATHER], drop_params=True)
        assert "tools" not in upstream.last
    finally:
        monkeypatch.undo()
        models._refused.cache_clear()


@pytest.mark.parametrize("mode", MODES)
def test_deployment_keys_stay_here(mode: Mode, upstream: Upstream, model: str) -> None:
    """Keys of a deployment's YAML, credentials among them, never reach the upstream."""
    secrets: dict[str, Any] = {
        "oauth_token_file": "/secret-1",
        "access_token": "secret-2",
        "client_secret": "secret-3",
        "some_setting": {"nested": "secret-4"},
        "litellm_credential_name": "secret-5",
    }
    ask(mode, model, **secrets)
    stream(mode, model, **secrets)
    assert len(upstream.requests) == 2
    for request in upstream.requests:
        assert "secret-" not in json.dumps([request.body, request.headers, request.path])


@pytest.mark.parametrize("mode", MODES)
def test_callers_arguments_win(mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", "http://127.0.0.1:9/nowhere")
    upstream.guard = None
    ask(
        mode,
        model,
        api_base=f"{upstream.url}/v2/",
        api_key="my-own-key",
        extra_headers={"X-Team": "blue"},
        extra_body={"beta": {"on": True}},
    )
    request = upstream.requests[-1]
    assert request.path.startswith("/v2/")
    assert "//" not in request.path
    assert request.headers["x-team"] == "blue"
    assert request.body["beta"] == {"on": True}
    assert KEY not in json.dumps(request.headers)


@pytest.mark.parametrize("mode", MODES)
def test_timeout_is_kept(mode: Mode, upstream: Upstream, model: str) -> None:
    from .server import Fault, Reply

    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    with pytest.raises(litellm.Timeout, match="read timeout"):
        ask(mode, model, timeout=0.2)
    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    with pytest.raises(litellm.Timeout):
        ask(mode, model, timeout=httpx.Timeout(0.2))


@pytest.mark.parametrize("mode", MODES)
def test_request_id(mode: Mode, upstream: Upstream, model: str) -> None:
    answer = ask(mode, model, extra_headers={"x-request-id": "mine-1"})
    assert upstream.requests[-1].headers["x-request-id"] == "mine-1"
    assert answer._hidden_params["additional_headers"]["llm_provider-x-request-id"] == "mine-1"
    ask(mode, model)
    ask(mode, model)
    made = [request.headers["x-request-id"] for request in upstream.requests[-2:]]
    assert all(made)
    assert made[0] != made[1]


def test_messages_are_not_changed(upstream: Upstream, model: str) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]}
    ]
    before = json.dumps(messages)
    ask("sync", model, messages=messages)
    assert json.dumps(messages) == before
    assert HELLO == [{"role": "user", "content": "hello"}]
