"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The API is Anthropic's Messages behind a gateway, which wants to know who pays. models.yaml says what it lets through,
upstream.toml what its errors mean.
"""

from __future__ import annotations

from typing import Any

from .anthropic_format import AnthropicFormatConfig

TENANT = "x-tenant-id"


class ChatConfig(AnthropicFormatConfig):
    """The upstream's chat API."""

    # Thinking between tool calls, for models that do not do so by themselves; others ignore it.
    betas = ("interleaved-thinking-2025-05-14",)
    tenant = "shared"
    """Who pays where a deployment does not say so in `extra_headers`."""

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """Returns the headers, with the tenant."""
        made = super().validate_environment(
            headers, model, messages, optional_params, litellm_params, api_key, api_base
        )
        given = {name.lower() for name in made}
        return made if TENANT in given else {**made, TENANT: self.tenant}
