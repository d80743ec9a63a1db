"""What clients and agents send with every request, through a real LiteLLM proxy. Template's file: do not edit.

None of it is a wish that an upstream could fail to grant, so none of it may be what a call fails for.
"""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from ..package import transformation
from .calls import HELLO, MODES, Mode, ask
from .proxy import Proxy
from .server import Upstream

# As Claude Code writes it: LiteLLM makes `user` and `prompt_cache_key` of it.
AGENTS_USER = json.dumps(
    {"device_id": "d" * 64, "account_uuid": "", "session_id": "7d0e6e6c-8f3a-4a0e-9a51-6ff1f6c8a0b1"}
)
HINTS: dict[str, Any] = {
    "prompt_cache_key": "session-1",
    "prompt_cache_retention": "24h",
    "safety_identifier": "who-1",
    "user": "user-1",
}
USUAL_CHAT: dict[str, Any] = {
    **HINTS,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "metadata": {"run": "1"},
    "modalities": ["text"],
    "n": 1,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "store": False,
}


@pytest.fixture
def name(model: str) -> str:
    """The name of the first model in proxy/config.yaml."""
    return model.split("/", 1)[1]


@pytest.mark.parametrize("user", [AGENTS_USER, "user-1", "u" * 200], ids=["agent", "plain", "long"])
@pytest.mark.parametrize("streamed", [False, True])
def test_metadata_of_messages(streamed: bool, user: str, proxy: Proxy, name: str, upstream: Upstream) -> None:
    """The Anthropic client with `metadata.user_id`, and the system blocks and beta features of agents beside it."""
    claude = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0, timeout=30)
    arguments: Any = {
        "model": name,
        "max_tokens": 50,
        "messages": HELLO,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": user},
        "extra_headers": {"anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14"},
        "extra_query": {"beta": "true"},
    }
    if streamed:
        with claude.messages.stream(**arguments) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = claude.messages.create(**arguments)
    assert answer.content[0].text == "You said: hello"


@pytest.mark.parametrize("streamed", [False, True])
def test_chat_of_frameworks(streamed: bool, proxy: Proxy, name: str, upstream: Upstream) -> None:
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)
    arguments: Any = {"model": name, "messages": HELLO, **USUAL_CHAT}
    if streamed:
        arguments |= {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}
        chunks: list[Any] = list(client.chat.completions.create(**arguments))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert chunks[-1].usage is not None
    else:
        answer: Any = client.chat.completions.create(**arguments)
        text = answer.choices[0].message.content
    assert text == "You said: hello"


@pytest.mark.parametrize("streamed", [False, True])
def test_responses_of_agents(streamed: bool, proxy: Proxy, name: str, upstream: Upstream) -> None:
    """As the agents of OpenAI ask: nothing is kept, and the cache is keyed by the session."""
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)
    arguments: Any = {
        **HINTS,
        "model": name,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
        "instructions": "Be brief.",
        "include": ["reasoning.encrypted_content"],
        "metadata": {"run": "1"},
        "parallel_tool_calls": True,
        "service_tier": "auto",
        "store": False,
        "top_logprobs": 0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "truncation": "disabled",
    }
    if streamed:
        events: list[Any] = list(client.responses.create(**arguments, stream=True))
        answer: Any = events[-1].response
    else:
        answer = client.responses.create(**arguments)
    assert answer.output_text == "You said: hello"


@pytest.mark.parametrize(
    "value", [*HINTS.items(), ("store", False), ("service_tier", "default")], ids=lambda value: value[0]
)
@pytest.mark.parametrize("mode", MODES)
def test_hint(mode: Mode, value: tuple[str, Any], upstream: Upstream, model: str) -> None:
    """One that the transformation names arrives, another is left out; no call fails for it.

    LiteLLM hands prompt_cache_retention to no provider of its own, and to this one neither.
    """
    key, given = value
    ask(mode, model, allowed_openai_params=[key], **{key: given})
    supported = transformation.ChatConfig().get_supported_openai_params(model.split("/", 1)[1])
    if key != "prompt_cache_retention":
        assert upstream.last.get(key) == (given if key in supported else None)


@pytest.mark.parametrize("mode", MODES)
def test_no_request_of_a_proxy(mode: Mode, upstream: Upstream, model: str) -> None:
    """`proxy_server_request` is there and None, as in checks of health; or there without headers or a body."""
    requests: tuple[dict[str, Any] | None, ...] = (None, {}, {"headers": None, "body": {}})
    for request in requests:
        answer = ask(mode, model, proxy_server_request=request, model_info=None)
        assert answer.choices[0].message.content == "You said: hello"
