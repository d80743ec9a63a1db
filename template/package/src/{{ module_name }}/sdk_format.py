"""The transformation for a model without an HTTP API: a Python SDK, or a program. Template's file: do not edit.

transformation.py subclasses it where the answer to `api_format` was `sdk`. The author's `events` takes the place of the
upstream: it is given the call and yields what the model says, and to the provider the answer looks as if it had come in
OpenAI's format (openai_format.py). Order, usage, errors, credentials and their renewal are thereby those of all providers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from typing import Any

import httpx

from .models import allowed_params
from .openai_format import OpenAIFormatConfig
from .sdk_events import Call, Event
from .sdk_transport import CALLER_HEADER, AsyncSdkTransport, SdkTransport


class SdkFormatConfig(OpenAIFormatConfig):
    """The translation between LiteLLM and `events`."""

    parameters: tuple[str, ...] = ()
    """OpenAI's parameters that `events` heeds. Others are refused, or dropped with LiteLLM's `drop_params`. Without `tools`,
    no caller waits for calls of tools that the model never makes."""

    most_at_once: int = 16
    """How many calls are at work at the same time in one event loop (a proxy has one). The others wait, at most as long as
    their time limit."""

    @abstractmethod
    def events(self, call: Call) -> AsyncIterator[Event] | Iterator[Event]:
        """Yields what the model says, a `Finish` at last: as an async generator, or as a plain one for an SDK that blocks.

        An async one runs in the caller's event loop; in a loop of the provider's own thread where the caller has none. It is
        closed when the caller goes away or the time is up, so what it opened is closed in `finally` or by `with`. A plain
        one runs in a thread of its own, and ends with the event after that.

        Args:
            call: what is asked.

        Raises:
            SdkError: the model could not answer. Other exceptions count as errors of the server (500); those of SDKs that
                have a `status_code` count as that.
        """

    @cached_property
    def sync_client(self) -> httpx.Client:
        """What sync calls are sent with, in the place of a client that speaks HTTP."""
        return httpx.Client(transport=SdkTransport(self.events, self.most_at_once), trust_env=False)

    @cached_property
    def async_client(self) -> httpx.AsyncClient:
        """What async calls are sent with, in the place of a client that speaks HTTP."""
        return httpx.AsyncClient(transport=AsyncSdkTransport(self.events, self.most_at_once), trust_env=False)

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that `events` heeds, as the abilities of the model allow them."""
        return allowed_params(model, list(self.parameters))

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """Returns the headers, and among them who calls, as the proxy says it: nobody else may."""
        metadata = litellm_params.get("metadata") or {}
        caller = str(metadata.get("user_api_key_hash") or metadata.get("user_api_key") or "")
        kept = {name: value for name, value in headers.items() if name.lower() != CALLER_HEADER}
        return {**kept, CALLER_HEADER: caller}

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        stream: bool | None = None,
    ) -> str:
        """Returns the base URL, as there is nothing else to name in messages; nothing is sent there by the provider."""
        return str(api_base)
