"""How a call for embeddings becomes a request of the upstream, and its answer a response. Yours to edit.

The upstream speaks OpenAI's embeddings, so there is nothing to translate. Where it differs, override the method that is
about it, or copy it from embedding_format.py; they are those of LiteLLM's own transformations
(litellm/llms/base_llm/embedding/transformation.py): `get_complete_url` (path), `validate_environment` (headers),
`get_supported_openai_params` and `map_openai_params` (parameters), `transform_embedding_request`,
`transform_embedding_response` and `get_error_class`. How many inputs the API takes at a time is `embedding_batch`, of each
model in models.yaml or of all of them here.
"""

from __future__ import annotations

from .embedding_format import EmbeddingFormatConfig


class EmbeddingConfig(EmbeddingFormatConfig):
    """The upstream's API for embeddings."""
