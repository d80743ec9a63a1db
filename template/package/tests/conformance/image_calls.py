"""Calls for images through LiteLLM, the same for sync and async. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

import litellm
import pytest

from ..package import answers, models, registration
from .calls import Mode
from .server import png

RED, BLUE = png(b"\xff\x00\x00"), png(b"\x00\x00\xff", 16)
"""Two images that are not the same."""

IMAGE_MODEL = next(
    f"{answers.PROVIDER}/{model}"
    for model, facts in models.load_models().items()
    if facts.get("mode") in ("image_generation", "image_edit")
)
"""The first model for images of models.yaml, as callers name it."""

ID = IMAGE_MODEL.split("/", 1)[1]
"""The same, as the API names it."""


def generate(mode: Mode, **arguments: Any) -> Any:
    """Returns the answer to a call for images."""
    arguments = {"model": IMAGE_MODEL, "prompt": "a cat", **arguments}
    if mode == "sync":
        return litellm.image_generation(**arguments)
    return asyncio.run(litellm.aimage_generation(**arguments))


def edit(mode: Mode, **arguments: Any) -> Any:
    """Returns the answer to a call for an edit."""
    arguments = {"model": IMAGE_MODEL, "prompt": "a hat", "image": RED, **arguments}
    if mode == "sync":
        return litellm.image_edit(**arguments)
    return asyncio.run(litellm.aimage_edit(**arguments))


def config(capability: str) -> Any:
    """Returns the author's transformation."""
    return registration.register().drivers[capability].config


def is_image(image: Any, content: bytes) -> bool:
    """Whether that is the image, or, of an API that gives addresses, one of them."""
    return b64decode(image.b64_json) == content if image.b64_json else image.url.startswith("http")


CALLS = {"images": generate, "image_edits": edit}
SERVED = [name for name in CALLS if name in answers.CAPABILITIES]
"""Which of the two there are."""

for name in SERVED:
    if hasattr(config(name), "poll_interval"):
        config(name).poll_interval = 0.02  # the stand-in is faster than the API

BYTES: dict[str, dict[str, Any]] = {
    name: {"response_format": "b64_json"}
    if "b64_json" in getattr(config(name), "response_formats", ("b64_json",))
    else {}
    for name in SERVED
}
"""What a call says to get an image itself, where the API can give it."""


def fail(mode: Mode, capability: str, **arguments: Any) -> Any:
    """Returns the exception of a call that must fail."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at it closely
        CALLS[capability](mode, **arguments)
    return caught.value
