"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The API speaks OpenAI's Responses, streams only, wants instructions in any case, and takes few parameters.
"""

from __future__ import annotations

from .models import allowed_params
from .responses_format import ResponsesFormatConfig

PARAMETERS = (
    "include",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "tool_choice",
    "tools",
    "verbosity",
)


class ChatConfig(ResponsesFormatConfig):
    """The upstream's chat API."""

    only_streams = True
    instructions = "You are a helpful assistant."

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has; upstream.toml says what of the others it ignores."""
        return allowed_params(model, PARAMETERS)
