"""The embedded upstream's format for embeddings: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with embedding_transformation.py: it is the other side of the
same translation. Here the API speaks OpenAI's embeddings.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Any

from .conformance.server import Received, Refusal, Vectors


class UpstreamFormat:
    """OpenAI's embeddings, from the server's side."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for embeddings."""
        return received.path.partition("?")[0].endswith("/embeddings")

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it."""
        return dict(body)

    def answer(self, vectors: Vectors, model: str) -> dict[str, Any]:
        """Returns the body of an answer."""
        indices = vectors.indices or range(len(vectors.values))
        data = [
            {"object": "embedding", "index": index, "embedding": _written(values, vectors.in_base64)}
            for index, values in zip(indices, vectors.values, strict=True)
        ]
        usage = {"prompt_tokens": vectors.prompt_tokens, "total_tokens": vectors.prompt_tokens}
        return {"object": "list", "model": model, "data": data, "usage": usage}

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code, "param": None}}


def _written(values: tuple[float, ...], in_base64: bool) -> list[float] | str:
    if in_base64:
        return b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")
    return list(values)
