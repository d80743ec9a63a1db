"""An API that makes an image of a GET: the prompt is in the path, parameters are in the query, and the answer is the image.

GET {api_base}/prompt/a%20cat?model=flux&width=1024&height=768&seed=7
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from .image_format import OpenAIFormatImageConfig

# Parameters of the API's own, which callers may give by name.
OWN = ("enhance", "negative_prompt", "safe", "seed")


class ImageConfig(OpenAIFormatImageConfig):
    """Of OpenAI's form, it has the answer alone: an image as the body is read there, and JSON is an error."""

    http_method = "GET"
    response_formats = ("b64_json",)

    def get_supported_openai_params(self, model: str) -> list[Any]:
        """Returns the parameters that the API has: it makes one image at a time, and says nothing of its quality."""
        return ["size", *OWN]

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters as the API has them."""
        mapped = {name: value for name, value in non_default_params.items() if name in OWN}
        if "size" in non_default_params:
            size = re.fullmatch(r"(\d+)x(\d+)", non_default_params["size"])
            if size is None:
                raise ValueError(f"the size is {non_default_params['size']!r}: write one like 1024x768")
            mapped["width"], mapped["height"] = map(int, size.groups())
        return {**optional_params, **mapped}

    def get_complete_url(self, api_base: str | None, *args: Any, **kwargs: Any) -> str:
        """Returns the URL, before the prompt is known."""
        return f"{api_base}/prompt"

    def finish_url(self, url: str, data: dict[str, Any]) -> str:
        """Returns the URL with the prompt; dots, too, are quoted, as one of `..` would lead elsewhere."""
        return f"{url}/{quote(data.pop('prompt'), safe='').replace('.', '%2E')}"
