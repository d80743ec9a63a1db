"""Makes LiteLLM know the provider. Template's file: do not edit."""

from __future__ import annotations

import threading

import litellm

from ._answers import PROVIDER
from ._litellm import JSONProviderRegistry, LlmProviders, custom_llm_setup
from .provider import Provider, chosen_provider

_lock = threading.Lock()


class RegistrationError(ValueError):
    """LiteLLM would not call this provider under its name; the message says why."""


def register() -> Provider:
    """Adds the provider to `litellm.custom_provider_map` and keeps the others that are there.

    Safe to call often and from many threads. A proxy does not need it: its YAML names the provider.

    Returns:
        The provider, the same one each time.

    Raises:
        RegistrationError: LiteLLM serves that name itself, or another handler has it.
        UpstreamFileError: upstream.toml names a provider that is not there.
    """
    if PROVIDER in {member.value for member in LlmProviders} or JSONProviderRegistry.exists(PROVIDER):
        raise RegistrationError(
            f'"{PROVIDER}" is a provider that this LiteLLM serves itself and would call instead of this one: '
            "render the package again with another prefix."
        )
    provider = chosen_provider()
    with _lock:
        handlers = [item["custom_handler"] for item in litellm.custom_provider_map if item["provider"] == PROVIDER]
        if any(handler is not provider for handler in handlers):
            raise RegistrationError(
                f'"{PROVIDER}" has another handler in litellm.custom_provider_map: remove that one first.'
            )
        if not handlers:
            litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": provider})
        # Also into LiteLLM's list of names, which it else brings up to date with the first call only.
        custom_llm_setup()
    return provider
