"""The embedded upstream's format for images: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with image_transformation.py and
image_edit_transformation.py: it is the other side of the same translation. Here the API speaks OpenAI's images.
"""

from __future__ import annotations

from typing import Any

from .conformance.server import Pictures, Received, Refusal, form_of


class UpstreamFormat:
    """OpenAI's images, from the server's side."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for images."""
        return received.path.partition("?")[0].endswith(("/images/generations", "/images/edits"))

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it."""
        return dict(body)

    def read_request(self, received: Received) -> dict[str, Any]:
        """Returns a request as OpenAI's API would have it: of an edit, `image` is a list of bytes, and `mask` bytes."""
        if isinstance(received.body, dict):
            return self.read(received.body)
        fields, files = form_of(received)
        asked: dict[str, Any] = {**fields, "image": [content for name, *_, content in files if name == "image[]"]}
        return asked | {name: content for name, *_, content in files if name == "mask"}

    def answer(self, pictures: Pictures, model: str) -> dict[str, Any]:
        """Returns the body of an answer."""
        data: list[dict[str, Any]] = [
            {"url": image} if isinstance(image, str) else {"b64_json": pictures.base64(image)}
            for image in pictures.images
        ]
        for item in data if pictures.revised_prompt else []:
            item["revised_prompt"] = pictures.revised_prompt
        return {"created": 1_700_000_000, "data": data, "usage": _usage(pictures)}

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code, "param": None}}


def _usage(pictures: Pictures) -> dict[str, Any]:
    return {
        "input_tokens": pictures.input_tokens,
        "output_tokens": pictures.output_tokens,
        "total_tokens": pictures.input_tokens + pictures.output_tokens,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": pictures.input_tokens},
    }
