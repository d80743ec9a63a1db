"""The API from the server's side, for tests/conformance/."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .conformance.server import Pictures, Received, Refusal


class UpstreamFormat:
    """A GET with the prompt in its path; the answer is the image."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for images."""
        return "/prompt" in urlsplit(received.path).path

    def read(self, body: Any) -> dict[str, Any]:
        """Returns what a body asks for, of which the API has none: see `read_request`."""
        return dict(body or {})

    def read_request(self, received: Received) -> dict[str, Any]:
        """Returns a request as OpenAI's API would have it."""
        assert received.method == "GET", received.method
        address = urlsplit(received.path)
        asked: dict[str, Any] = dict(parse_qsl(address.query))
        asked["prompt"] = unquote(address.path.partition("/prompt/")[2])
        if "width" in asked:
            asked["size"] = f"{asked.pop('width')}x{asked.pop('height')}"
        return asked

    def answer(self, pictures: Pictures, model: str) -> bytes:
        """Returns the body of an answer: the image."""
        image = pictures.images[0]
        assert isinstance(image, bytes), "the API has no addresses of images"
        return image

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": refusal.code or "Error", "message": refusal.message}
