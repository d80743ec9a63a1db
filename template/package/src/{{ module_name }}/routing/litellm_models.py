"""What `route check` asks LiteLLM. Template's file: do not edit."""

from __future__ import annotations

import asyncio

from .config import RoutingConfig, Timeouts
from .forward import Forwarder, UpstreamError


def missing_models(config: RoutingConfig, at_litellm: list[str]) -> list[str]:
    """Returns the names of the configuration that LiteLLM does not list; one with `*` needs one that fits.

    LiteLLM's own names may end in `*`, too.
    """
    names = [name.lower() for name in at_litellm]
    wanted = [config.mapped(name) for name in sorted(config.models)]
    wanted += [name for name in config.model_mappings.values() if name not in wanted]
    missing = [name for name in wanted if not any(_serves(have, name.lower()) for have in names)]
    return missing + [f"{prefix}*" for prefix in config.prefixes if not any(_fits(have, prefix) for have in names)]


def _serves(have: str, name: str) -> bool:
    return name.startswith(have[:-1]) if have.endswith("*") else have == name


def _fits(have: str, prefix: str) -> bool:
    return have.startswith(prefix) or (have.endswith("*") and prefix.startswith(have[:-1]))


async def is_admins(forwarder: Forwarder, config: RoutingConfig) -> bool:
    """Returns whether the key opens what LiteLLM keeps for its admins: the list of its callbacks is one such thing."""
    headers = [(b"authorization", b"Bearer " + config.api_key.encode())]
    try:
        async with asyncio.timeout(2):
            answer = await forwarder.open("GET", f"{config.base_url}/callbacks/list", headers, b"", Timeouts())
            answer.close()
    except (UpstreamError, TimeoutError):
        return False
    return answer.status == 200
