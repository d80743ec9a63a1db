"""The models of models.yaml: their ids, and what each can do. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files

import yaml

from ._answers import PROVIDER

# The OpenAI parameters that an ability of LiteLLM's price map stands for.
_PARAMETERS_OF_ABILITY: Mapping[str, frozenset[str]] = {
    "supports_function_calling": frozenset(
        {"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
    ),
    "supports_parallel_function_calling": frozenset({"parallel_tool_calls"}),
    "supports_tool_choice": frozenset({"tool_choice"}),
    "supports_response_schema": frozenset({"response_format"}),
    "supports_reasoning": frozenset({"reasoning_effort", "thinking"}),
    "supports_audio_output": frozenset({"audio", "modalities"}),
    "supports_web_search": frozenset({"web_search_options"}),
    "supports_sampling_params": frozenset({"temperature", "top_k", "top_p"}),
    "supports_prompt_caching": frozenset({"prompt_cache_key", "prompt_cache_retention"}),
}


class ModelsFileError(ValueError):
    """models.yaml is not a mapping of model ids to facts; the message says where."""


@cache
def load_models() -> dict[str, dict[str, object]]:
    """Reads models.yaml.

    Returns:
        The facts of each model by its id (without the provider prefix), keys as in LiteLLM's
        model_prices_and_context_window.json.

    Raises:
        ModelsFileError: the file is not valid.
    """
    try:
        content = yaml.safe_load((files(__package__) / "models.yaml").read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ModelsFileError(f"models.yaml is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise ModelsFileError("models.yaml is not a mapping: write each model id as a key, its facts below it.")
    for model, facts in content.items():
        if not isinstance(model, str) or not isinstance(facts, dict):
            raise ModelsFileError(
                f"models.yaml has {model!r} with {facts!r}: write the id as text in quotes, its facts below it."
            )
    return content


@lru_cache(maxsize=256)
def _refused(model: str) -> frozenset[str]:
    facts = load_models().get(model, {})
    refused: set[str] = set()
    for ability, parameters in _PARAMETERS_OF_ABILITY.items():
        if facts.get(ability) is False:
            refused |= parameters
    return frozenset(refused)


def allowed_params(model: str, parameters: Iterable[str]) -> list[str]:
    """Returns those of the parameters that the abilities of a model allow, in the same order.

    Args:
        model: the id without prefix; one that is not in models.yaml allows everything.
        parameters: OpenAI parameters, by name.
    """
    refused = _refused(model)
    return [name for name in parameters if name not in refused]


def in_price_map(models: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Returns models as entries of LiteLLM's price map.

    Args:
        models: facts by id, without prefix.
    """
    return {
        f"{PROVIDER}/{model}": {
            # Or LiteLLM warns that it does not know what a cached prompt costs, which only chats have.
            **({} if facts.get("mode", "chat") == "chat" else {"cache_read_input_token_cost": 0.0}),
            "mode": "chat",
            **facts,
            "litellm_provider": PROVIDER,
        }
        for model, facts in models.items()
    }


def register_models() -> None:
    """Gives LiteLLM the facts of all models, so that costs and `supports_*` are right."""
    import litellm

    from ._litellm import register_model

    if PROVIDER not in litellm.provider_list:
        # Or LiteLLM looks for the provider of these names and complains that it finds none.
        litellm.provider_list.append(PROVIDER)
    register_model(in_price_map(load_models()))
