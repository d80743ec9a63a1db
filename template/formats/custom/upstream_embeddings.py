"""The embedded upstream's format for embeddings: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with embedding_transformation.py: it is the other side of the
same translation, for the imaginary API that is described there.
"""

from __future__ import annotations

from typing import Any

from .conformance.server import Received, Refusal, Vectors

OPENAI_NAMES = {"end_user": "user", "model": "model", "size": "dimensions", "texts": "input"}
KINDS = {
    "content_policy_violation": "refused",
    "context_length_exceeded": "prompt_too_long",
    "invalid_api_key": "unknown_key",
    "overloaded_error": "overloaded",
    "rate_limit_exceeded": "slow_down",
}


class UpstreamFormat:
    """The imaginary API, from the server's side."""

    def serves(self, received: Received) -> bool:
        """Returns whether a request is for embeddings."""
        return received.path.partition("?")[0].endswith("/vectors")

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it."""
        return {OPENAI_NAMES.get(name, name): value for name, value in body.items()}

    def answer(self, vectors: Vectors, model: str) -> dict[str, Any]:
        """Returns the body of an answer."""
        indices = vectors.indices or range(len(vectors.values))
        written = [{"of": index, "values": values} for index, values in zip(indices, vectors.values, strict=True)]
        return {"vectors": written, "tokens": {"in": vectors.prompt_tokens}}

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"fault": {"kind": KINDS.get(refusal.code, refusal.code), "message": refusal.message}}
