"""The transformations for an upstream that speaks OpenAI's images, and what any transformation of images may use.

Template's file: do not edit. image_transformation.py and image_edit_transformation.py subclass what is here. The methods
are LiteLLM's (litellm/llms/base_llm/image_generation/transformation.py and .../image_edit/transformation.py); what
`ImageHooks` has is what images.py asks for besides.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from ._litellm import (
    BaseImageEditConfig,
    BaseImageGenerationConfig,
    BaseLLMException,
    ImageObject,
    ImageResponse,
    ImageUsage,
    ImageUsageInputTokensDetails,
    Logging,
)
from .errors import is_error, read_error
from .image_files import kind_of

PARAMETERS = (
    "background",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "quality",
    "response_format",
    "size",
    "style",
    "user",
)
"""OpenAI's parameters of `images.generate`."""

EDIT_PARAMETERS = (
    "background",
    "input_fidelity",
    "mask",
    "n",
    "output_compression",
    "output_format",
    "quality",
    "response_format",
    "size",
    "user",
)
"""OpenAI's parameters of `images.edit`."""

_PIECE = 3 * 64 * 1024
"""Bytes that are put into base64 at a time, a multiple of three: in one go, Python takes twice the memory."""


class ImageHooks:
    """What a transformation of images can say besides LiteLLM's methods; each may be overridden."""

    http_method = "POST"
    """With `GET`, what the transformation returns is the query of the URL."""

    response_formats: tuple[str, ...] = ("b64_json", "url")
    """What answers can have: images in base64 (`b64_json`, also where the body is an image), their addresses (`url`)."""

    def finish_url(self, url: str, data: dict[str, Any]) -> str:
        """Returns the URL of a request that depends on what is sent.

        Args:
            url: of `get_complete_url`.
            data: what is sent; what goes into the URL can be taken out of it.
        """
        return url

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the upstream's error, its message and code read from the body."""
        return read_error(error_message, status_code, headers)


class OpenAIFormatImageConfig(ImageHooks, BaseImageGenerationConfig):
    """OpenAI's `images/generations`."""

    def get_supported_openai_params(self, model: str) -> list[Any]:
        """Returns the parameters that go to the upstream; one that is asked for and is not named here is refused."""
        return list(PARAMETERS)

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters as the API has them."""
        return {**optional_params, **non_default_params}

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
        return headers

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        stream: bool | None = None,
    ) -> str:
        """Returns the URL to send to."""
        return f"{api_base}/images/generations"

    def transform_image_generation_request(
        self,
        model: str,
        prompt: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns what is sent."""
        return {"model": model, "prompt": prompt, **optional_params}

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
        """Returns the upstream's answer."""
        return openai_images(raw_response)


class OpenAIFormatImageEditConfig(ImageHooks, BaseImageEditConfig):
    """OpenAI's `images/edits`: a form with the images as `image[]`, and the mask as `mask`."""

    def get_supported_openai_params(self, model: str) -> list[Any]:
        """Returns the parameters that go to the upstream; one that is asked for and is not named here is refused."""
        return list(EDIT_PARAMETERS)

    def map_openai_params(self, image_edit_optional_params: Any, model: str, drop_params: bool) -> dict[str, Any]:
        """Returns the caller's parameters as the API has them."""
        return dict(image_edit_optional_params)

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        api_key: str | None = None,
        litellm_params: dict[str, Any] | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """Returns the headers. The credential is not here: auth/ adds it when the request is sent."""
        return headers

    def get_complete_url(self, model: str, api_base: str | None, litellm_params: dict[str, Any]) -> str:
        """Returns the URL to send to."""
        return f"{api_base}/images/edits"

    def transform_image_edit_request(
        self,
        model: str,
        prompt: str | None,
        image: Any,
        image_edit_optional_request_params: dict[str, Any],
        litellm_params: Any,
        headers: dict[str, Any],
    ) -> tuple[dict[str, Any], Any]:
        """Returns the fields of the form, and its files.

        Args:
            image: the images, each an `ImageFile`; the mask is one, too, and among the parameters.
        """
        data = {"model": model, "prompt": prompt, **image_edit_optional_request_params}
        mask = data.pop("mask", None)
        files = [("image[]", one) for one in image]
        return data, [*files, ("mask", mask)] if mask is not None else files

    def transform_image_edit_response(
        self, model: str, raw_response: httpx.Response, logging_obj: Logging
    ) -> ImageResponse:
        """Returns the upstream's answer."""
        return openai_images(raw_response)


def openai_images(raw_response: httpx.Response) -> ImageResponse:
    """Returns the images of an answer in OpenAI's form, or of one that is an image itself.

    Raises:
        BaseLLMException: the body is an error, though the status says that all is well.
        ValueError: the body has no images.
    """
    if is_image(raw_response):
        return image_response([image_of(raw_response)], output_format=format_of(raw_response))
    answer = json_of(raw_response)
    if is_error(answer):
        raise read_error(json.dumps(answer), 200, raw_response.headers)
    images = [ImageObject(**one) for one in answer["data"]]
    known = {
        name: answer[name] for name in ("background", "created", "output_format", "quality", "size") if name in answer
    }
    return image_response(images, answer.get("usage"), **known)


def image_response(
    images: Iterable[ImageObject], usage: Mapping[str, Any] | None = None, **fields: Any
) -> ImageResponse:
    """Returns an answer of LiteLLM's.

    Args:
        images: what it has.
        usage: tokens in OpenAI's words, those that are known.
        fields: what else OpenAI's answers have, such as `size` or `output_format`.
    """
    return ImageResponse(data=list(images), usage=image_usage(usage) if usage else None, **fields)


def image_usage(usage: Mapping[str, Any]) -> ImageUsage:
    """Returns usage as LiteLLM has it, zeros for what is not known.

    Args:
        usage: in OpenAI's words: `input_tokens`, `input_tokens_details` with `image_tokens` and `text_tokens`,
            `output_tokens`, `total_tokens`.
    """
    details = usage.get("input_tokens_details") or {}
    sent, made = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    more = {name: value for name, value in usage.items() if name not in ImageUsage.model_fields}
    images = details.get("image_tokens") or 0
    texts = details.get("text_tokens")
    return ImageUsage(
        input_tokens=sent,
        input_tokens_details=ImageUsageInputTokensDetails(
            image_tokens=images, text_tokens=sent - images if texts is None else texts
        ),
        output_tokens=made,
        total_tokens=usage.get("total_tokens") or sent + made,
        **more,
    )


def is_image(raw_response: httpx.Response) -> bool:
    """Returns whether a body is an image, by its beginning or its content type."""
    kind: str = raw_response.headers.get("content-type", "")
    return kind_of(raw_response.content).startswith("image/") or kind.lower().startswith("image/")


def image_of(raw_response: httpx.Response, **fields: Any) -> ImageObject:
    """Returns the image that a body is. The body is then out of the response, so that it is in memory once only.

    Args:
        fields: what else an `ImageObject` has, such as `revised_prompt`.
    """
    content = raw_response.content
    raw_response._content, raw_response.stream = b"", httpx.ByteStream(b"")
    pieces = [
        b2a_base64(content[start : start + _PIECE], newline=False).decode("ascii")
        for start in range(0, len(content), _PIECE)
    ]
    del content
    return ImageObject(b64_json="".join(pieces), **fields)


def format_of(raw_response: httpx.Response) -> str | None:
    """Returns what OpenAI calls `output_format` for a body that is an image: `png`, `jpeg` and so on."""
    kind: str = kind_of(raw_response.content) or raw_response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower().removeprefix("image/") or None


def json_of(raw_response: httpx.Response) -> dict[str, Any]:
    """Returns a body that is a JSON object, read without a copy of its text: that may have images in it.

    Raises:
        ValueError: it is something else.
    """
    answer = from_json(raw_response.content.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(answer, dict):
        raise ValueError(f"the body is no JSON object but {type(answer).__name__}")
    return answer
