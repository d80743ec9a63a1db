"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks OpenAI's Responses, and responses_format.py translates. Where the upstream differs, say so by an attribute of
the class (`instructions`, `store`, `only_streams`, `reasoning_summary` …, which are described there), or override the method
that is about it; each is described in LiteLLM's litellm/llms/base_llm/chat/transformation.py: `get_complete_url` (path),
`validate_environment` (headers), `get_supported_openai_params` and `map_openai_params` (parameters), `transform_request`,
`transform_response`, `get_error_class`, and `get_model_response_iterator` (events of a stream).
"""

from __future__ import annotations

from .responses_format import ResponsesFormatConfig


class ChatConfig(ResponsesFormatConfig):
    """The upstream's chat API."""
