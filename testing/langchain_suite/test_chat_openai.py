"""LangChain's standard tests of chat models, through its ChatOpenAI and a LiteLLM proxy, over each format."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from .conftest import TOLD


class Suite(ChatModelIntegrationTests):  # type: ignore[misc]  # not installed where types are checked
    """The tests over one format; all that a chat model may be able to do is asked for."""

    name: str
    """The format."""
    endpoint: str
    """Whether ChatOpenAI calls `chat`, which is /v1/chat/completions, or `responses`."""

    @pytest.fixture(autouse=True)
    def _upstream(self, upstreams: dict[str, Any]) -> None:
        upstreams[self.name].reset()

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        """What is tested."""
        return ChatOpenAI  # type: ignore[no-any-return]  # as above

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """What it is made with."""
        model = TOLD["formats"][self.name]["model"]
        client = {"base_url": f"{TOLD['url']}/v1", "api_key": TOLD["key"], "max_retries": 0}
        # It asks for the usage of streams at OpenAI's own address only.
        return {**client, "model": model, "stream_usage": True, "use_responses_api": self.endpoint == "responses"}

    @property
    def model_override_value(self) -> str:
        """Another model."""
        return str(TOLD["formats"][self.name]["other"])

    supports_anthropic_inputs = True
    supports_audio_inputs = True
    supports_image_inputs = True
    supports_image_tool_message = True
    supports_image_urls = True
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_pdf_tool_message = True
    supported_usage_metadata_details = {"invoke": ["cache_read_input"], "stream": ["cache_read_input"]}  # noqa: RUF012

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        """Returns an answer for whose prompt a cache was read."""
        model = self.chat_model_class(**self.chat_model_params)
        if not stream:
            answer = model.invoke("What was cached?")
            assert isinstance(answer, AIMessage)
        else:
            chunks = [chunk for chunk in model.stream("What was cached?") if isinstance(chunk, AIMessageChunk)]
            answer = sum(chunks[1:], start=chunks[0])
        assert answer.usage_metadata["input_token_details"]["cache_read"] == 16
        return answer


for _name in TOLD["formats"]:
    for _endpoint in ("chat", "responses"):
        _title = f"Test_{_name}_{_endpoint}"
        globals()[_title] = type(_title, (Suite,), {"name": _name, "endpoint": _endpoint})
