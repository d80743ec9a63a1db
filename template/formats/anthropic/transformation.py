"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks Anthropic's Messages, so there is nothing to translate. Where it differs, override the method that is
about it; each is described in LiteLLM's litellm/llms/base_llm/chat/transformation.py: `get_complete_url` (path),
`validate_environment` (headers), `get_supported_openai_params` and `map_openai_params` (parameters), `transform_request`,
`transform_response`, `get_error_class`, and `get_model_response_iterator` (a stream's events).

What a model can do stands in models.yaml: `max_output_tokens` is what is asked for where the caller sets no limit,
`supports_native_structured_output` sends a JSON schema as it is (else it becomes a tool), `supports_adaptive_thinking`
sends an effort in place of a budget, `supports_sampling_params: false` refuses temperature, top_p and top_k.
"""

from __future__ import annotations

from .anthropic_format import AnthropicFormatConfig


class ChatConfig(AnthropicFormatConfig):
    """The upstream's chat API."""

    # Sent as `anthropic-beta` with every call, such as "oauth-2025-04-20", which Anthropic's own OAuth tokens need.
    betas = ()
