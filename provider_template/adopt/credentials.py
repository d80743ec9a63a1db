"""What ADOPTING.md says of credentials: what `auth/` does as it is rendered, and what of the author's it does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from provider_template.adopt.adoption import Adoption, box, places
from provider_template.adopt.auth import vendor_file
from provider_template.adopt.code import ENTRY_POINTS, Header

# What functions are called that get, keep or renew a credential; not those that count tokens.
CREDENTIAL = re.compile(
    r"(?<!count_)token(?!i|s)|auth(?!ors?(_|\b))|login|credential|\bsign|jwt|api_?key|refresh", re.IGNORECASE
)
_SIGNING = re.compile(r"(\Ahmac\.(new|digest)|SigV4Auth)\Z")

_RENEWS = "renews it ahead of its expiry and once after a 401"
# What each kind of `auth` does; the braces name answers, and {env} the beginning of the settings' names.
DOES = {
    "api_key": "takes the key of the call, or that of `{env}_API_KEY`; it renews and signs nothing",
    "none": "adds nothing to a call",
    "oauth_client_credentials": "asks `{token_url}` for a token, by `{token_endpoint_auth_method}`, and " + _RENEWS,
    "oauth_authorization_code": "keeps what `login` got in the browser, and " + _RENEWS,
    "oauth_device_code": "keeps what `login` got with a code on another device, and " + _RENEWS,
    "oauth_refresh_token": "reads `{token_file}`, renews the token at `{token_url}` with the refresh token in it, and writes both back",
    "signed_jwt": "signs a JWT with the private key at `{env}_JWT_KEY_FILE`, sends it as the token, and signs another ahead of its expiry",
    "token_file": "reads `{token_file}` before each call if it has changed, and renews nothing: who writes the file does",
    "token_command": "runs `{token_command}`, and again ahead of the token's expiry and once after a 401",
}
_OF_A_FILE = ("token_file", "oauth_refresh_token")


def credentials(adoption: Adoption) -> Iterator[str]:
    """Yields the section's lines."""
    answers, code = adoption.answers, adoption.code
    kind = str(answers["auth"])
    env = re.sub("-", "_", str(answers["provider"])).upper()
    yield box(f"`auth/` is rendered as `{kind}`: it {DOES[kind].format(env=env, **answers)}. {_place(adoption)}")
    yield from _vendor_file(adoption)
    handlers = {one.value for one in code.handlers}
    own = [
        one
        for one in code.functions
        if (CREDENTIAL.search(one.name) or (CREDENTIAL.search(one.owner) and one.owner not in handlers))
        and one.name not in ENTRY_POINTS
        and (one.name == "__init__" or not one.name.startswith("__"))
    ]
    if own:
        yield box(
            f"{places(adoption, own)}: about credentials, by their names. What of them `auth/` does, as the line above has it, goes; "
            "the rest goes into an authenticator of your own: `Provider(authenticator=...)`; AGENTS.md has an example."
        )
    if adoption.is_sdk:
        yield from _other_headers(adoption, code.headers)
        return
    name = str(answers.get("api_key_header", "")).lower()
    if taken := [one for one in code.headers if one.name.lower() == name]:
        found = ", ".join(adoption.now(one.where) for one in taken)
        yield box(f"`{taken[0].name}` ({found}) is added by `auth/` now: leave it out of `validate_environment`.")
    if others := [one for one in code.headers if one.name.lower() != name]:
        found = ", ".join(f"`{one.name}` ({adoption.now(one.where)})" for one in others)
        yield box(
            f"{found}: `auth/` does not add this. Without a secret it goes into `validate_environment`, with one into an authenticator of your own."
        )
    unknown = [one for one in code.headers if one.prefix is None]
    if unknown and "api_key_prefix" in answers:
        yield box(
            f"What goes before the credential in `{unknown[0].name}` is put together elsewhere than at {adoption.now(unknown[0].where)}: "
            f"see whether `api_key_prefix` is `{answers['api_key_prefix']}`. A word that depends on the key needs an authenticator of your own."
        )
    signing = [call for call in code.calls if _SIGNING.search(call.name)]
    if signing:
        yield box(
            f"`{signing[0].name}` ({adoption.now(signing[0].where)}): if it signs requests, `auth/` does not do that. "
            "An authenticator of your own can: its `httpx.Auth` sees the whole request, and its body."
        )


def _other_headers(adoption: Adoption, headers: Iterable[Header]) -> Iterator[str]:
    """Yields where headers go that an SDK is given."""
    if found := ", ".join(f"`{one.name}` ({adoption.now(one.where)})" for one in headers):
        yield box(
            f"{found}: an SDK that takes headers is given those of `call.headers`, the credential's among them; others are made in `events`."
        )


def _place(adoption: Adoption) -> str:
    answers = adoption.answers
    if adoption.is_sdk and answers["auth"] == "none":
        return (
            "What logs in by itself, as programs and SDKs with a login of their own do, needs no more. If calls are given a key or a token, adopt again "
            "with another `auth`: `events` then finds it in `call.credential`."
        )
    if adoption.is_sdk:
        return "`events` finds the credential in `call.credential`, ready for use; where it can be renewed, `SdkError` with the status 401 has that done once."
    if answers["auth"] == "none":
        return "If callers have to prove who they are, adopt again with another `auth`."
    if answers.get("api_key_in") == "query":
        return f"The credential goes into the query as `{answers['api_key_query']}`."
    word = f"{answers.get('api_key_prefix', '')} …".lstrip()
    return f"The credential goes into the header `{answers['api_key_header']}: {word}`."


def _vendor_file(adoption: Adoption) -> Iterator[str]:
    """Yields which answer takes over a file of another program, and what it has to be told."""
    kind = adoption.answers["auth"]
    file = vendor_file(adoption.code)
    if file is None or kind not in _OF_A_FILE:
        return
    yield box(
        f"The credential is in `{file.value}` ({adoption.now(file.where)}), a file that another program seems to write. "
        f"The answer is `{kind}`. Look into the file, and adopt again with what is not as it is here:"
    )
    yield (
        "  - `auth=token_file` uses the token that is there, and fails once it has expired until the other program renews it. "
        "It needs `token_file` and `token_field`, the place of the token in its JSON, such as `tokens.access_token`."
    )
    yield (
        "  - `auth=oauth_refresh_token` renews it as the other program does. It needs `token_file`, `file_access_token`, `file_refresh_token`, "
        "`file_expires_at` (nothing if the token is a JWT), `token_url`, `client_id` (the other program's own: a refresh token belongs to the "
        "client that got it), and `claim_headers` for headers that are made of the token, such as an account's id."
    )
