"""Every name that this package takes from inside LiteLLM.

Template's file: do not edit. Few of these classes are documented, so they are imported here and nowhere
else (transformation.py has its own imports, as it would in LiteLLM's tree): when LiteLLM moves one, this
is the file that changes. The tests run on the lowest supported LiteLLM and on the newest.
"""

from __future__ import annotations

import sys
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from litellm.constants import DEFAULT_CHAT_COMPLETION_PARAM_VALUES
from litellm.exceptions import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
    UnprocessableEntityError,
    UnsupportedParamsError,
)
from litellm.litellm_core_utils.core_helpers import process_response_headers
from litellm.litellm_core_utils.credential_accessor import CredentialAccessor
from litellm.litellm_core_utils.exception_mapping_utils import ExceptionCheckers
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.litellm_core_utils.reasoning_effort_utils import reasoning_effort_from_thinking_budget
from litellm.llms.base_llm.base_model_iterator import (
    BaseModelResponseIterator,
    convert_model_response_to_streaming,
)
from litellm.llms.base_llm.chat.transformation import BaseConfig, BaseLLMException
from litellm.llms.base_llm.embedding.transformation import BaseEmbeddingConfig
from litellm.llms.base_llm.image_edit.transformation import BaseImageEditConfig
from litellm.llms.base_llm.image_generation.transformation import BaseImageGenerationConfig
from litellm.llms.custom_httpx.http_handler import (
    AsyncHTTPHandler,
    HTTPHandler,
    get_ssl_configuration,
)
from litellm.llms.custom_llm import CustomLLM
from litellm.llms.openai.chat.gpt_transformation import OpenAIGPTConfig
from litellm.llms.openai_like.json_loader import JSONProviderRegistry
from litellm.main import stream_chunk_builder
from litellm.types.router import GenericLiteLLMParams
from litellm.types.utils import (
    EmbeddingResponse,
    GenericStreamingChunk,
    ImageObject,
    ImageResponse,
    ImageUsage,
    ImageUsageInputTokensDetails,
    LlmProviders,
    ModelResponse,
    ModelResponseStream,
    Usage,
)
from litellm.utils import custom_llm_setup, register_model
from openai import OpenAIError

__all__ = [
    "DEFAULT_CHAT_COMPLETION_PARAM_VALUES",
    "APIConnectionError",
    "APIError",
    "AsyncHTTPHandler",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BaseConfig",
    "BaseEmbeddingConfig",
    "BaseImageEditConfig",
    "BaseImageGenerationConfig",
    "BaseLLMException",
    "BaseModelResponseIterator",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "CustomLLM",
    "EmbeddingResponse",
    "ExceptionCheckers",
    "GenericLiteLLMParams",
    "GenericStreamingChunk",
    "HTTPHandler",
    "ImageObject",
    "ImageResponse",
    "ImageUsage",
    "ImageUsageInputTokensDetails",
    "InternalServerError",
    "JSONProviderRegistry",
    "LlmProviders",
    "Logging",
    "ModelResponse",
    "ModelResponseStream",
    "NotFoundError",
    "OpenAIError",
    "OpenAIGPTConfig",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "Usage",
    "convert_model_response_to_streaming",
    "custom_llm_setup",
    "deployment_params",
    "get_ssl_configuration",
    "own_arguments",
    "process_response_headers",
    "reasoning_effort_from_thinking_budget",
    "register_model",
    "stream_chunk_builder",
]


def deployment_params(model_id: str) -> Mapping[str, Any]:
    """Returns the `litellm_params` of a deployment of the proxy in this process, with those of its named credential.

    Args:
        model_id: the deployment's id, as LiteLLM gives it in `model_info`.

    Returns:
        Its parameters; none where there is no proxy, or no such deployment.
    """
    router = getattr(sys.modules.get("litellm.proxy.proxy_server"), "llm_router", None)
    deployment = None
    seen: set[str | None] = {None}
    # What LiteLLM makes of a deployment for a client's own host or key names the one before, as often as that happens.
    while router is not None and model_id not in seen:
        seen.add(model_id)
        deployment = router.get_deployment(model_id=model_id)
        model_id = getattr(deployment and deployment.model_info, "original_model_id", None) or model_id
    if router is None or deployment is None:
        return {}
    params: dict[str, Any] = deployment.litellm_params.model_dump(exclude_none=True)
    credential = params.get("litellm_credential_name")
    named = CredentialAccessor.get_credential_values(credential) if credential else {}
    return {**(router.default_litellm_params or {}), **named, **params}


def own_arguments(logging: Logging, litellm_params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the arguments of a call as its caller gave them.

    LiteLLM drops or refuses those of OpenAI for a custom provider, chats excepted; what it keeps for its cache has them,
    and so has the body that a client of a proxy sent.

    Args:
        logging: LiteLLM's `logging_obj` of the call.
        litellm_params: as LiteLLM gives them to a custom provider.
    """
    handler = getattr(logging, "llm_caching_handler", None) or getattr(logging, "_llm_caching_handler", None)
    kept = getattr(handler, "request_kwargs", None)
    sent = (litellm_params.get("proxy_server_request") or {}).get("body")
    return ChainMap(*[dict(known) for known in (kept, sent) if isinstance(known, Mapping)])
