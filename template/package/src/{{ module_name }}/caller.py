"""What a caller may not change behind LiteLLM's back. Template's file: do not edit.

LiteLLM checks a call (who may use the model, limits, budgets, guardrails) by its model, messages and parameters, and
the deployment says where it goes and with which credential. `extra_body`, `extra_headers` and `api_base` come to a
provider unchecked, mixed from the deployment and the client of a proxy. So what a client may not set is taken from
nowhere but the deployment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, lru_cache
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

from ._answers import API_KEY_HEADER, AUTH, PROVIDER
from ._litellm import BadRequestError, deployment_params
from .transport import Verify

OVERRIDES = "extra_body_overrides"
"""The key of a deployment's `litellm_params` with the names that callers may set by `extra_body` all the same."""

# What LiteLLM looks at, under the names that APIs have for it.
_CHECKED_KEYS = frozenset(
    {
        "functions",
        "input",
        "instructions",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "models",
        "n",
        "prompt",
        "stream",
        "system",
        "tools",
    }
)

# They say where a request begins and ends, and are the HTTP client's.
_FRAMING_HEADERS = frozenset(
    {"connection", "content-encoding", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
)
_CREDENTIAL_HEADERS = frozenset(
    {"api-key", "authorization", "cookie", "proxy-authorization", "x-api-key", API_KEY_HEADER.lower()}
)
# They say which server, or what on it, is asked.
_ROUTING_HEADERS = frozenset(
    {
        "forwarded",
        "host",
        "x-forwarded-host",
        "x-forwarded-prefix",
        "x-host",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-host",
        "x-original-url",
        "x-rewrite-url",
    }
)


class Caller:
    """Who makes a call: a program that uses LiteLLM, and may do as it likes, or a client of a proxy, who may not.

    Args:
        litellm_params: as LiteLLM gives them to a custom provider.
        model: the model of the call, without prefix.
    """

    def __init__(self, litellm_params: Mapping[str, Any], model: str) -> None:
        self._litellm_params = litellm_params
        request = litellm_params.get("proxy_server_request")
        self._request: Mapping[str, Any] | None = request if isinstance(request, Mapping) else None
        self._model = model

    def check_extra_body(self, body: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Looks whether `extra_body` only adds to a body.

        Args:
            body: as the transformation made it.
            given: LiteLLM's `optional_params`, with `extra_body` and, of a program, what may be set all the same.

        Raises:
            BadRequestError: it has a key that the provider sets, or one by which LiteLLM has checked the call.
        """
        extra = given.get("extra_body") or {}
        if not isinstance(extra, Mapping):
            raise self._refusal(f"extra_body is {type(extra).__name__}: send an object with the keys to add")
        listed = (given if self._request is None else self._deployment).get(OVERRIDES)
        allowed = listed if isinstance(listed, list | tuple) else ()
        # Some servers take no notice of upper and lower case.
        taken = _CHECKED_KEYS | {key.casefold() for key in body}
        for key in extra:
            if str(key).casefold() in taken and key not in allowed:
                raise self._refusal(
                    f'extra_body must not set "{key}", which the call sets itself: leave it out, or have it listed in '
                    f"{OVERRIDES} of the deployment's litellm_params"
                )

    def check_headers(self, headers: Mapping[str, Any], ours: Collection[str]) -> None:
        """Looks whether the caller's headers leave credential, host and framing alone.

        Args:
            headers: those of the request, before the credential is put in.
            ours: names of headers, in lower case, that come with the credential.

        Raises:
            BadRequestError: one of them does not; the message has its name.
        """
        for name, value in headers.items():
            plain = _plain(name)
            if value is None:
                continue
            if plain in _FRAMING_HEADERS:
                raise self._refusal(f'the header "{name}" is the HTTP client\'s to set: leave it out')
            protected = plain in _ROUTING_HEADERS or plain in _CREDENTIAL_HEADERS or plain in ours
            if protected and self._request is not None and (plain, str(value)) not in self._deployments_headers:
                raise self._refusal(
                    f'the header "{name}" is not for clients of the proxy to set: leave it out, or have it set in '
                    "extra_headers of the deployment's litellm_params"
                )

    def check_host(self, api_base: str | None, api_key: str | None, ours: str) -> bool:
        """Looks whether a host that the caller named gets the caller's own key.

        Args:
            api_base: as LiteLLM gives it to the provider.
            api_key: the same.
            ours: the base URL of the settings.

        Returns:
            Whether the caller named the host. Headers of the deployment are then none of its business.

        Raises:
            BadRequestError: it would get one of ours.
        """
        if self._request is None or not api_base:
            return False
        if api_base.rstrip("/") in _urls((ours, self._deployment.get("api_base"), self._deployment.get("base_url"))):
            return False
        if "none" not in AUTH and (not api_key or api_key == self._deployment.get("api_key")):
            raise self._refusal(
                "api_base is not the deployment's, and no credential of this provider goes there: leave api_base out, "
                "or send an api_key with it"
            )
        return True

    def check_provider(self) -> None:
        """Looks whether the deployment, and not the caller, has chosen this provider.

        Raises:
            BadRequestError: the caller has: model, price and credential are then another deployment's.
        """
        body = (self._request or {}).get("body")
        if isinstance(body, Mapping) and body.get("custom_llm_provider"):
            raise self._refusal("custom_llm_provider is the deployment's to set: leave it out")

    def own_headers(self, headers: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the headers that the caller has sent, without those of the deployment."""
        known = self._deployments_headers
        return {name: value for name, value in headers.items() if (_plain(name), str(value)) not in known}

    def ssl_verify(self) -> Verify:
        """Returns whether, or with which CA, the upstream's certificate is checked; None where LiteLLM's settings say.

        A client of a proxy has no say in it: the connection carries the deployment's credential.

        Raises:
            ValueError: the value is nothing of the kind.
        """
        value = self._litellm_params.get("ssl_verify")
        if self._request is not None:
            body = self._request.get("body")
            if value is None and not (isinstance(body, Mapping) and "ssl_verify" in body):
                return None
            value = self._deployment.get("ssl_verify")
        if value is None or isinstance(value, bool | str | SSLContext):
            return value
        raise ValueError(
            f"ssl_verify is {type(value).__name__}: give true, false or the path of a file with CA certificates"
        )

    def model_for_url(self, known: Collection[str]) -> str:
        """Returns the model as one that URLs can be made of.

        Args:
            known: ids of models.yaml: their slashes are meant to be there.

        Raises:
            BadRequestError: no URL can have it, as it would lead elsewhere.
        """
        quoted = _in_url(self._model, "/:@" if self._model in known else ":@")
        if quoted is None:
            raise self._refusal(f"the model {self._model!a} cannot be part of a URL: use the id that the API knows")
        return quoted

    @cached_property
    def _deployment(self) -> Mapping[str, Any]:
        """The parameters of the proxy's deployment; none where it cannot be told, and all is the client's then."""
        model_info = self._litellm_params.get("model_info")
        if not isinstance(model_info, Mapping):
            return {}
        # LiteLLM makes a deployment for a client's own host; older versions keep it and give it to others, too.
        return deployment_params(str(model_info.get("original_model_id") or model_info.get("id")))

    @cached_property
    def _deployments_headers(self) -> frozenset[tuple[str, str]]:
        groups = (self._deployment.get(name) for name in ("extra_headers", "headers"))
        return frozenset(
            (_plain(name), str(value))
            for group in groups
            if isinstance(group, Mapping)
            for name, value in group.items()
        )

    def _refusal(self, message: str) -> BadRequestError:
        return BadRequestError(message=f"{message}.", llm_provider=PROVIDER, model=self._model)


@lru_cache(maxsize=256)
def _in_url(model: str, safe: str) -> str | None:
    """A model as a URL has it; None where it would lead elsewhere."""
    if re.search(r"(^|[/\\])\.{1,2}([/\\]|$)", model) or not model.isprintable():
        return None
    return quote(model, safe=safe)


def _plain(name: str) -> str:
    """A header's name as servers see it: many take an underscore for a hyphen."""
    return name.strip().lower().replace("_", "-")


def _urls(values: Iterable[object]) -> set[str]:
    return {str(value).rstrip("/") for value in values if value}
