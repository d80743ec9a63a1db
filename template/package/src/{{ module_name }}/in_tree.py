"""Makes LiteLLM know the provider from inside its own tree. Template's file: do not edit.

litellm/__init__.py ends with a call of `announce`, and `custom_llm_setup` in litellm/utils.py, which runs before each
call, begins with one of `ensure_registered`. Of the provider, only its name and models.yaml are read before LiteLLM has
a call for it: what some ways to authenticate import takes longer than a tenth of LiteLLM's own start.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import litellm

from ._answers import PROVIDER
from .models import ModelsFileError, in_price_map, load_models

logger = logging.getLogger(__package__)

_lock = threading.Lock()
_priced: object = None
"""The price map that was last looked at; LiteLLM can put another one in its place."""


class _Entry(dict[str, Any]):
    """The provider's entry in `litellm.custom_provider_map`; LiteLLM's question for its handler imports that."""

    def __missing__(self, key: str) -> object:
        if key != "custom_handler":
            raise KeyError(key)
        from .provider import chosen_provider

        self[key] = chosen_provider()
        return self[key]


def announce() -> None:
    """Lets LiteLLM know the provider's name, its models and their prices. Each import and reload of LiteLLM calls it."""
    from litellm.utils import custom_llm_setup

    ensure_registered()
    # The names of all entries go into the lists in which LiteLLM looks for them.
    custom_llm_setup()


def ensure_registered() -> None:
    """Enters the provider, its models and their prices where they are missing.

    A program, or the YAML of a proxy, may have replaced the list of handlers since the last call. A handler that was
    entered under the provider's name by others takes the place of this one. LiteLLM calls this before every call.
    """
    if sum(item["provider"] == PROVIDER for item in litellm.custom_provider_map) != 1:
        _enter()
    if litellm.model_cost is not _priced:
        _price()


def _enter() -> None:
    handlers: list[Any] = litellm.custom_provider_map
    with _lock:
        entries = [item for item in handlers if item["provider"] == PROVIDER]
        if not entries:
            handlers.append(_Entry(provider=PROVIDER))
        elif not all(isinstance(entry, _Entry) for entry in entries):
            handlers[:] = [item for item in handlers if not (isinstance(item, _Entry) and item in entries)]


def _price() -> None:
    """Registers the models that LiteLLM has no prices of: others may have been set by hand."""
    global _priced
    try:
        models = load_models()
    except ModelsFileError as error:
        # LiteLLM serves other providers, too; calls to this one say the same.
        logger.error("%s", error)
        models = {}
    entries = in_price_map(models).items()
    missing = {model: facts for model, facts in entries if model not in litellm.model_cost}
    _priced = litellm.model_cost
    if PROVIDER not in litellm.provider_list:
        # Or LiteLLM looks for the provider of these names and complains that it finds none.
        litellm.provider_list.append(PROVIDER)
    if missing:
        litellm.register_model(missing)
