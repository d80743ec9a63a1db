"""One call, turned into the request that goes to the upstream. Template's file: do not edit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from ._answers import PROVIDER
from ._litellm import BaseConfig, Logging
from .auth.authenticator import CallAuth
from .caller import Caller
from .models import load_models
from .params import upstream_params
from .redaction import MAX_MESSAGE, credentials_in, redacted, shown_headers
from .settings import Settings
from .transport import Verify

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

DEFAULT_TIMEOUT = 600.0
"""Seconds, as LiteLLM's own default; it passes a timeout with every call."""


@dataclass(slots=True, repr=False)  # its headers are nobody's to read
class Request:
    """A request on its way: what is sent, and what its failures need to be told."""

    model: str
    messages: list[Any]
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    content: bytes | httpx.SyncByteStream
    """The body, or what it is read from while it is sent, by sync and async clients."""
    auth: Any
    timeout: httpx.Timeout
    request_id: str
    stream: bool
    json_mode: bool
    """Whether LiteLLM's own transformation got its JSON by a tool, so that the answer is read as one."""
    optional_params: dict[str, Any]
    litellm_params: dict[str, Any]
    logging: Logging
    ssl_verify: Verify
    """The call's own; None where LiteLLM's settings say."""
    response_headers: frozenset[str]
    """Names of response headers that callers may have besides the usual ones."""
    method: str = "POST"

    @property
    def host(self) -> str:
        """Host and port of the upstream."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def describe(self, message: str) -> str:
        """Returns a message for the caller: no secret in it, not endless, and with the request id."""
        return f"{redacted(message, self.secrets)[:MAX_MESSAGE]} (request id {self.request_id})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain: the provider's, and what the caller sent in their place."""
        return (*self.auth.secrets, *credentials_in(self.headers))


def own_request(
    url: str, headers: httpx.Headers, auth: CallAuth, timeout: httpx.Timeout, response_headers: frozenset[str]
) -> Request:
    """Returns a request of the author's own as its failures are told: no call of LiteLLM's belongs to it."""
    return Request(
        model="",
        messages=[],
        url=url,
        headers=dict(headers),
        body={},
        content=b"",
        auth=auth,
        timeout=timeout,
        request_id=headers["x-request-id"],
        stream=False,
        json_mode=False,
        optional_params={},
        litellm_params={},
        ssl_verify=None,
        logging=None,  # type: ignore[arg-type]  # there is nothing to log to
        response_headers=response_headers,
    )


class RequestBuilder:
    """Asks the transformation for each part of a request, in the order in which LiteLLM does.

    The body comes from the caller, who awaits it in async calls; the parts before and after are the same.

    Args:
        config: the transformation.
        settings: the provider's settings.
        auth: the credential of the call.
        call: the arguments of the `CustomLLM` method.
        stream: whether the answer is streamed.
    """

    def __init__(
        self, config: BaseConfig, settings: Settings, auth: CallAuth, call: Mapping[str, Any], stream: bool
    ) -> None:
        self._config = config
        self._call = call
        self._auth = auth
        self._stream = stream
        self._settings = settings
        self._timeout = _timeout(call.get("timeout"), settings.connect_timeout)
        model: str = call["model"]
        # For transformations that send something else when they stream.
        litellm_params: dict[str, Any] = {**(call.get("litellm_params") or {}), "stream": stream}
        given: dict[str, Any] = call["optional_params"]
        self._caller = Caller(litellm_params, model)
        self._caller.check_provider()
        headers = {**(given.get("extra_headers") or {}), **(call.get("headers") or {})}
        elsewhere = self._caller.check_host(call.get("api_base"), call.get("api_key"), settings.api_base)
        if elsewhere:
            headers = self._caller.own_headers(headers)
        self._ssl_verify = None if elsewhere else self._caller.ssl_verify()
        if headers:
            self._caller.check_headers(headers, settings.credential_headers)
        self._request_id = _request_id(headers, litellm_params)
        api_base = (call.get("api_base") or settings.api_base).rstrip("/")
        if "?" in api_base:
            raise ValueError("api_base has a query: leave it out, or add it in get_complete_url of transformation.py")
        if "@" in urlsplit(api_base).netloc:
            raise ValueError("api_base has a user or a password: leave them out, and give the key as api_key")
        optional_params = self._params(model, given, litellm_params)
        # As litellm/llms/custom_httpx/llm_http_handler.py does: the mapping leaves it there for the reading of the answer.
        self._json_mode = bool(optional_params.pop("json_mode", False))
        self._headers = config.validate_environment(
            headers=headers,
            model=model,
            messages=call["messages"],
            optional_params=optional_params,
            litellm_params=litellm_params,
            api_base=api_base,
        )
        self._url = config.get_complete_url(
            api_base=api_base,
            api_key=None,
            model=self._caller.model_for_url(load_models().keys()),
            optional_params=optional_params,
            litellm_params=litellm_params,
            stream=stream,
        )
        self.transform_arguments: dict[str, Any] = {
            "model": model,
            "messages": call["messages"],
            "optional_params": optional_params,
            "litellm_params": litellm_params,
            "headers": self._headers,
        }

    def _params(self, model: str, given: Mapping[str, Any], litellm_params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters for the upstream, by its names; another capability than chat has others."""
        return upstream_params(self._config, model, given, litellm_params, self._stream)

    def _shown(self, body: dict[str, Any]) -> Any:
        """The body as LiteLLM's callbacks may have it."""
        return body

    def _signed(self, body: dict[str, Any]) -> tuple[dict[str, Any], bytes | httpx.SyncByteStream | None]:
        """The headers, and the body as it is sent where it is no plain JSON."""
        arguments = self.transform_arguments
        return self._config.sign_request(
            headers=self._headers,
            optional_params=arguments["optional_params"],
            request_data=body,
            api_base=self._url,
            model=arguments["model"],
            stream=self._stream,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain."""
        return (*self._auth.secrets, *credentials_in(self._headers))

    def build(self, body: dict[str, Any]) -> Request:
        """Returns the request with the body that the transformation made, and logs it as sent."""
        arguments = self.transform_arguments
        if self._stream and self._config.supports_stream_param_in_request_body:
            body["stream"] = True
        if given := self._call["optional_params"].get("extra_body"):
            self._caller.check_extra_body(body, self._call["optional_params"])
            body.update(given)
        headers, content = self._signed(body)
        if content is None:
            content = _to_json(body).encode()
        headers = _checked(headers)
        headers.setdefault("content-type", "application/json")
        headers.setdefault("x-request-id", self._request_id)
        logging: Logging = self._call["logging_obj"]
        shown = shown_headers(headers, self.secrets)
        logging.pre_call(
            input=arguments["messages"],
            api_key="",
            additional_args={"complete_input_dict": self._shown(body), "api_base": self._url, "headers": shown},
        )
        return Request(
            model=arguments["model"],
            messages=arguments["messages"],
            url=self._url,
            headers=headers,
            body=body,
            content=content,
            auth=self._auth,
            timeout=self._timeout,
            request_id=self._request_id,
            stream=self._stream,
            json_mode=self._json_mode,
            optional_params=arguments["optional_params"],
            litellm_params=arguments["litellm_params"],
            logging=logging,
            ssl_verify=self._ssl_verify,
            response_headers=self._settings.handed_on,
        )


def _timeout(timeout: float | str | httpx.Timeout | None, connect: float) -> httpx.Timeout:
    if isinstance(timeout, httpx.Timeout):
        return timeout
    return _in_seconds(float(timeout) if timeout is not None else DEFAULT_TIMEOUT, connect)


@lru_cache(maxsize=64)
def _in_seconds(seconds: float, connect: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, connect))


def _checked(headers: Mapping[str, Any]) -> dict[str, str]:
    """The headers by their lower-case names, those that are None left out.

    Raises:
        ValueError: one of them cannot be sent.
    """
    checked = {name.lower(): str(value) for name, value in headers.items() if value is not None}
    for name, value in checked.items():
        if not (name + value).isascii() or not (name + value).replace("\t", " ").isprintable():
            raise ValueError(f"the header {name!a} has characters that cannot be sent")
    return checked


def _request_id(headers: Mapping[str, Any], litellm_params: Mapping[str, Any]) -> str:
    """The caller's X-Request-ID, also when it only reached the proxy; else LiteLLM's id of the call."""
    proxy_request = litellm_params.get("proxy_server_request") or {}
    for group in (headers, proxy_request.get("headers") or {}):
        for name, value in group.items():
            if name.lower() == "x-request-id" and value:
                return str(value)
    return str(litellm_params.get("litellm_call_id") or f"{PROVIDER}-{uuid.uuid4()}")
