"""Which parameters of a call go to the upstream. Template's file: do not edit.

LiteLLM puts everything that it does not know into `optional_params`: keys of the deployment's YAML,
credentials among them, next to what the caller asked for. So only what the transformation names in
`get_supported_openai_params` is sent, and what the caller adds by `extra_body` (caller.py).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

import litellm

from ._answers import PROVIDER
from ._litellm import (
    DEFAULT_CHAT_COMPLETION_PARAM_VALUES,
    BaseConfig,
    UnsupportedParamsError,
    reasoning_effort_from_thinking_budget,
)
from .upstream import load_upstream

logger = logging.getLogger(__package__)

# They steer LiteLLM or this package and are no parameters of the upstream.
_CONTROL_KEYS = frozenset(
    {
        "additional_drop_params",
        "allowed_openai_params",
        "api_version",
        "custom_llm_provider",
        "drop_params",
        "extra_body",
        "extra_body_overrides",
        "extra_headers",
        "max_retries",
        "messages",
        "metadata",
        "model",
        "stream",
        "stream_options",
    }
)
_OPENAI_PARAMS = frozenset(DEFAULT_CHAT_COMPLETION_PARAM_VALUES) - _CONTROL_KEYS

# Clients send them as a matter of course, and LiteLLM makes some of them out of /v1/messages. They say who asks, and
# where a cache may look: no answer is another without them. LiteLLM lets `user` pass, too.
_HINTS = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user"})
# Values that ask for what an upstream does that knows nothing of the parameter; frameworks send them all the time.
_NOTHING_ASKED: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "temperature": (1,),
    "tool_choice": ("auto",),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "verbosity": ("medium",),
}


def upstream_params(
    config: BaseConfig,
    model: str,
    optional_params: Mapping[str, Any],
    litellm_params: Mapping[str, Any],
    stream: bool,
) -> dict[str, Any]:
    """Returns the parameters of a call as the transformation maps them for the upstream.

    Args:
        config: the transformation.
        model: the model id, without prefix.
        optional_params: as LiteLLM gives them to a custom provider.
        litellm_params: as LiteLLM gives them; `drop_params` is read.
        stream: whether the answer is streamed.

    Raises:
        UnsupportedParamsError: the model cannot do what an OpenAI parameter asks for, and neither
            `litellm.drop_params` nor the call's own says to drop it.
    """
    supported = taken(config.get_supported_openai_params(model))
    wanted: dict[str, Any] = {}
    unsupported: list[str] = []
    values: list[str] = []
    for name, value in _as_effort(optional_params, supported).items():
        if name in supported and name not in _CONTROL_KEYS:
            if is_taken(name, value):
                wanted[name] = value
            elif value not in _NOTHING_ASKED.get(name, ()):
                unsupported.append(name)
                values.append(f"{name} is taken as {says_of(name)} only")
        elif is_ignored(name, supported):
            _log_ignored(name)
        elif says_of(name) == "refused":
            unsupported.append(name)
        elif name in _OPENAI_PARAMS:
            if name not in _HINTS and value not in _NOTHING_ASKED.get(name, ()):
                unsupported.append(name)
        elif name not in _CONTROL_KEYS:
            logger.debug("%s: %s is not a parameter of the upstream and is not sent", PROVIDER, name)
    if stream and wanted.get("n", 1) != 1:
        # LiteLLM's stream has one choice: it would mix the others into it.
        del wanted["n"]
        unsupported.append("n")
    drop = bool(litellm.drop_params or litellm_params.get("drop_params"))
    if unsupported and not drop:
        mend = "If the API has them, name them in get_supported_openai_params of transformation.py."
        if values:
            mend = f"By upstream.toml, {'; '.join(values)}."
        raise UnsupportedParamsError(
            f"{PROVIDER} does not support parameters: {unsupported}, for model={model}. To drop these, set "
            f"`litellm.drop_params=True` or, for the proxy, `litellm_settings: drop_params: true`. {mend}",
            llm_provider=PROVIDER,
            model=model,
        )
    # LiteLLM renames max_completion_tokens; where the deployment allows the caller's own name, that one goes.
    if "max_completion_tokens" in wanted:
        wanted.pop("max_tokens", None)
    if stream and "stream_options" in supported:
        # The upstream's own usage is what costs are made of, whether or not the caller wants to see it.
        wanted["stream_options"] = {**(optional_params.get("stream_options") or {}), "include_usage": True}
    return dict(config.map_openai_params(wanted, {}, model, drop))


def asked_params(
    config: Any, model: str, asked: Mapping[str, Any], openai: Collection[str], *, drop: bool
) -> dict[str, Any]:
    """Returns the parameters of a call other than a chat, as its transformation maps them for the upstream.

    Args:
        config: the transformation, with LiteLLM's `get_supported_openai_params` and `map_openai_params`.
        model: the model id, without prefix.
        asked: what the caller gave, by OpenAI's names or the upstream's own.
        openai: the names of OpenAI's parameters that say what the answer is to be.
        drop: whether those of them that the upstream lacks are left out.

    Raises:
        UnsupportedParamsError: the upstream lacks one of them, and they are not left out.
    """
    supported = taken(config.get_supported_openai_params(model))
    wanted: dict[str, Any] = {}
    unsupported: list[str] = []
    for name, value in asked.items():
        if value is None or name in _CONTROL_KEYS:
            continue
        if name in supported and is_taken(name, value):
            wanted[name] = value
        elif says_of(name) == "ignored":
            _log_ignored(name)
        elif name in openai or name in supported or says_of(name) == "refused":
            unsupported.append(name)
        elif name not in _HINTS:
            logger.debug("%s: %s is not a parameter of the upstream and is not sent", PROVIDER, name)
    if unsupported and not drop:
        raise UnsupportedParamsError(
            f"{PROVIDER} does not support parameters: {unsupported}, for model={model}. Leave them out; if the API has them, "
            "name them in get_supported_openai_params of the transformation, and if it shall do without them, write "
            '"ignored" for them into upstream.toml.',
            llm_provider=PROVIDER,
            model=model,
        )
    return dict(config.map_openai_params(wanted, {}, model, drop))


_SAME = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
"""LiteLLM renames one to the other, depending on what the deployment allows."""


def says_of(name: str) -> str | list[Any] | None:
    """Returns what upstream.toml says of a parameter: `ignored`, `refused`, the values that are taken, or None."""
    parameters = load_upstream().parameters
    said = parameters.get(name)
    return parameters.get(_SAME.get(name, "")) if said is None else said


def taken(names: Iterable[str]) -> frozenset[str]:
    """Returns those of the parameters that the upstream takes, if only for some values.

    Args:
        names: the parameters that the transformation names.
    """
    if not load_upstream().parameters:
        return frozenset(names)
    return frozenset(name for name in names if says_of(name) not in ("ignored", "refused"))


def is_taken(name: str, value: object) -> bool:
    """Returns whether the upstream takes a value; an object such as a `response_format` stands for its `type`."""
    said = says_of(name)
    return not isinstance(said, list) or value in said or (isinstance(value, Mapping) and value.get("type") in said)


def is_lacking(name: str, value: object) -> bool:
    """Returns whether the upstream does without a parameter, or without that value of it."""
    return says_of(name) in ("ignored", "refused") or not is_taken(name, value)


def known_params(config: BaseConfig, model: str) -> frozenset[str]:
    """Returns the parameters that upstream.toml can speak of: OpenAI's, and those that the transformation names."""
    own = ("max_completion_tokens", "stream_options", "thinking")
    return _OPENAI_PARAMS | {*own, *config.get_supported_openai_params(model)}


def is_ignored(name: str, supported: Collection[str]) -> bool:
    """Returns whether a parameter is left out; Anthropic's `thinking` also where it would be an effort, and that is."""
    if says_of(name) == "ignored":
        return True
    return name == "thinking" and name not in supported and says_of("reasoning_effort") == "ignored"


@cache
def _log_ignored(name: str) -> None:
    """Says so once."""
    logger.info("%s: upstream.toml says that the upstream ignores %s: it is not sent", PROVIDER, name)


def _as_effort(params: Mapping[str, Any], supported: Collection[str]) -> Mapping[str, Any]:
    """Puts Anthropic's `thinking` into OpenAI's words, for an upstream that has those only.

    LiteLLM does so for /v1/messages, but not for models whose names have "claude" in them.
    """
    thinking = params.get("thinking")
    if not isinstance(thinking, dict) or "thinking" in supported or "reasoning_effort" not in supported:
        return params
    if says_of("thinking") in ("ignored", "refused"):
        return params
    others = {name: value for name, value in params.items() if name != "thinking"}
    budget = thinking.get("budget_tokens")
    if thinking.get("type") != "enabled" or not isinstance(budget, int):
        return others
    return {"reasoning_effort": reasoning_effort_from_thinking_budget(budget), **others}
