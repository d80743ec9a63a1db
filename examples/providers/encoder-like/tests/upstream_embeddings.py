"""The API from the server's side; the other side of embedding_transformation.py. It refuses more than 16 passages."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Any

from .conformance.server import Received, Refusal, Vectors

MOST = 16
PURPOSES = {"passage": "search_document", "query": "search_query"}
SLUGS = {
    "context_length_exceeded": "passage-too-long",
    "model_not_found": "unknown-encoder",
    "overloaded_error": "busy",
    "rate_limit_exceeded": "too-fast",
}


class UpstreamFormat:
    """The API for embeddings."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for embeddings."""
        return received.path.partition("?")[0].endswith("/encode")

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it."""
        assert len(body["passages"]) <= MOST, "the real one answers 400"
        asked = {**body, "model": body["encoder"], "input": [passage["text"] for passage in body["passages"]]}
        if "width" in body:
            asked["dimensions"] = body["width"]
        if "purpose" in body:
            asked["input_type"] = PURPOSES[body["purpose"]]
        return asked

    def answer(self, vectors: Vectors, model: str) -> dict[str, Any]:
        """Returns the body of an answer."""
        indices = vectors.indices or range(len(vectors.values))
        encoded = {
            str(index): b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")
            for index, values in zip(indices, vectors.values, strict=True)
        }
        return {"encoded": encoded, "billed": {"tokens": vectors.prompt_tokens}}

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"problem": {"slug": SLUGS.get(refusal.code, refusal.code), "detail": refusal.message}}
