"""How a call for the edit of images becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks OpenAI's `images/edits`, so there is nothing to translate. Where it differs, override the method that is
about it; each is described in LiteLLM's litellm/llms/base_llm/image_edit/transformation.py: `get_complete_url` (path),
`validate_environment` (headers), `get_supported_openai_params` and `map_openai_params` (parameters),
`transform_image_edit_request` (fields and files; `use_multipart_form_data` returns False for an API that takes JSON),
`transform_image_edit_response`, `get_error_class`. Images come as `ImageFile` of image_files.py.
"""

from __future__ import annotations

from .image_format import OpenAIFormatImageEditConfig


class ImageEditConfig(OpenAIFormatImageEditConfig):
    """The upstream's API for edits of images."""
