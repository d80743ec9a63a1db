"""The embedded upstream's format for images: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with image_transformation.py and
image_edit_transformation.py: it is the other side of the same translation, for the imaginary API that is described there.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from .conformance.server import Pictures, Received, Refusal

OPENAI_NAMES = {
    "backdrop": "background",
    "dimensions": "size",
    "end_user": "user",
    "grade": "quality",
    "kind": "output_format",
    "style": "style",
}
SENDS = {"data": "b64_json", "address": "url"}
KINDS = {
    "content_policy_violation": "refused",
    "invalid_api_key": "unknown_key",
    "overloaded_error": "overloaded",
    "rate_limit_exceeded": "slow_down",
}


class UpstreamFormat:
    """The imaginary API, from the server's side."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for images."""
        return received.path.partition("?")[0].endswith(("/pictures", "/retouches"))

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it: of an edit, `image` is a list of bytes, and `mask` bytes."""
        asked = {OPENAI_NAMES[name]: value for name, value in body.get("options", {}).items()}
        asked |= {"model": body["model"], "prompt": body["text"]}
        if "count" in body:
            asked["n"] = body["count"]
        if "send" in body:
            asked["response_format"] = SENDS[body["send"]]
        if "pictures" in body:
            asked["image"] = [b64decode(picture["data"]) for picture in body["pictures"]]
        if "stencil" in body:
            asked["mask"] = b64decode(body["stencil"])
        return asked

    def answer(self, pictures: Pictures, model: str) -> dict[str, Any]:
        """Returns the body of an answer."""
        sent = [
            {"address": image} if isinstance(image, str) else {"data": pictures.base64(image)}
            for image in pictures.images
        ]
        tokens = {"in": pictures.input_tokens, "out": pictures.output_tokens}
        return {"pictures": sent, "text": pictures.revised_prompt, "tokens": tokens}

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"fault": {"kind": KINDS.get(refusal.code, refusal.code), "message": refusal.message}}
