"""How a call for images becomes a request of the upstream, and its answer a response. Yours to edit.

This is a worked example, complete and tested, for an imaginary API with a JSON of its own:

    POST {api_base}/pictures
    {"model": "m", "text": "a cat", "count": 2, "options": {"dimensions": "1024x1024", "grade": "fine"}, "send": "data"}

    {"pictures": [{"data": "iVBORw0KGgo="}, {"address": "https://..."}], "text": "a small cat", "tokens": {"in": 9, "out": 3}}
    (each picture has one of the two, by "send", which is "data" or "address")

Go from the top to the bottom and put your API's names in place of these; then do the same in tests/upstream_images.py, the
other side of the translation. The methods are LiteLLM's, described in its
litellm/llms/base_llm/image_generation/transformation.py; what `ImageHooks` adds is in image_format.py, and image_jobs.py has
what to do with an upstream that takes jobs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from litellm.llms.base_llm.image_generation.transformation import BaseImageGenerationConfig
from litellm.types.utils import ImageObject, ImageResponse

from .errors import read_error
from .image_format import ImageHooks, image_response, json_of

# OpenAI's name of a parameter -> the API's name in "options". Others are translated by code below.
OPTIONS = {
    "background": "backdrop",
    "output_format": "kind",
    "quality": "grade",
    "size": "dimensions",
    "style": "style",
    "user": "end_user",
}
TRANSLATED = ("n", "response_format")
SENDS = {"b64_json": "data", "url": "address"}

# The API's word for an error -> the code by which errors.py knows content policy, rates and so on.
ERROR_CODES = {
    "overloaded": "overloaded_error",
    "refused": "content_policy_violation",
    "slow_down": "rate_limit_exceeded",
    "unknown_key": "invalid_api_key",
}


class ImageConfig(ImageHooks, BaseImageGenerationConfig):
    """The upstream's API for images."""

    # ---- the request ----

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        stream: bool | None = None,
    ) -> str:
        """Returns the URL to post to."""
        return f"{api_base}/pictures"

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
        """Returns the headers. The credential is not here: auth/ adds it when the request is sent."""
        return {"Accept": "application/json", **headers}

    def get_supported_openai_params(self, model: str) -> list[Any]:
        """Returns the parameters that the API has; one that is asked for and is not named here is refused."""
        return [*OPTIONS, *TRANSLATED]

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters under the API's names."""
        return {**optional_params, **_params(non_default_params)}

    def transform_image_generation_request(
        self,
        model: str,
        prompt: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the body."""
        return {"model": model, "text": prompt, **optional_params}

    # ---- the answer ----

    def transform_image_generation_response(
        self,
        model: str,
        raw_response: httpx.Response,
        model_response: ImageResponse,
        logging_obj: Logging,
        request_data: dict[str, Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        encoding: Any,
        api_key: str | None = None,
        json_mode: bool | None = None,
    ) -> ImageResponse:
        """Returns the answer. Whatever it raises is reported as an unreadable answer."""
        answer = json_of(raw_response)
        if "fault" in answer:  # an error in spite of HTTP 200
            raise _error(raw_response.text, 200, raw_response.headers)
        images = [_image(picture, answer.get("text")) for picture in answer["pictures"]]
        return image_response(images, _usage(answer["tokens"]))

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body like {"fault": {"kind": "refused", "message": "..."}}."""
        return _error(error_message, status_code, headers)


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's parameters as the API has them."""
    mapped: dict[str, Any] = {}
    if options := {OPTIONS[name]: value for name, value in params.items() if name in OPTIONS}:
        mapped["options"] = options
    if "n" in params:
        mapped["count"] = params["n"]
    if "response_format" in params:
        mapped["send"] = SENDS[params["response_format"]]
    return mapped


def _image(picture: Mapping[str, Any], text: str | None) -> ImageObject:
    """One picture of an answer."""
    return ImageObject(b64_json=picture.get("data"), url=picture.get("address"), revised_prompt=text)


def _usage(tokens: Mapping[str, Any]) -> dict[str, Any]:
    """The API's own count of tokens, in OpenAI's words."""
    return {"input_tokens": tokens["in"], "output_tokens": tokens["out"]}


def _error(text: str, status_code: int, headers: Mapping[str, Any] | httpx.Headers) -> BaseLLMException:
    """An error of the API; a gateway's error page is left to `read_error`, which knows the usual forms."""
    try:
        fault = json.loads(text)["fault"]
        error = {"message": fault["message"], "code": ERROR_CODES.get(fault["kind"], fault["kind"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return read_error(text, status_code, headers)
    return read_error(json.dumps({"error": error}), status_code, headers)
