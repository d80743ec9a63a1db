"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks OpenAI chat completions, so there is nothing to translate. Where it differs, override
the method that is about it; each is described in LiteLLM's litellm/llms/base_llm/chat/transformation.py:
`get_complete_url` (path), `validate_environment` (headers), `get_supported_openai_params` and
`map_openai_params` (parameters), `transform_request`, `transform_response`, `get_error_class`, and
`get_model_response_iterator` (stream chunks).
"""

from __future__ import annotations

from .openai_format import OpenAIFormatConfig


class ChatConfig(OpenAIFormatConfig):
    """The upstream's chat API."""
