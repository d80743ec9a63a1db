"""How a call for images becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks OpenAI's `images/generations`, so there is nothing to translate. Where it differs, override the method
that is about it; each is described in LiteLLM's litellm/llms/base_llm/image_generation/transformation.py: `get_complete_url`
(path), `validate_environment` (headers), `get_supported_openai_params` and `map_openai_params` (parameters),
`transform_image_generation_request`, `transform_image_generation_response`, `get_error_class`. An answer that is an image
itself is read as one. `response_formats`, `http_method` and `finish_url` are in image_format.py, and image_jobs.py has what
to do with an upstream that takes jobs.
"""

from __future__ import annotations

from .image_format import OpenAIFormatImageConfig


class ImageConfig(OpenAIFormatImageConfig):
    """The upstream's API for images."""
