"""How a package's code authenticates, as answers to the template's questions.

Read is the kind, since a wrong one would go unnoticed; URLs, scopes, client ids and claims are asked.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

from provider_template.adopt.code import Code, Text
from provider_template.adopt.commands import PROGRAMS
from provider_template.adopt.sources import Found

_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": "oauth_device_code",
    "authorization_code": "oauth_authorization_code",
    "client_credentials": "oauth_client_credentials",
    "refresh_token": "oauth_refresh_token",
}
_ALGORITHMS = ("RS256", "ES256")
_PRINTS_TOKEN = re.compile(r"(?<!max-)(?<!max_)token(?!s)|\bauth\b|credential", re.IGNORECASE)
_PRINTS_NONE = re.compile(r"\b(login|logout|status)\b", re.IGNORECASE)
# A program's own file with what it has logged in with.
_VENDOR_FILE = re.compile(r"(auth|cred|token(?!iz)|oauth|session|login)[\w-]*([.]\w+)?\Z", re.IGNORECASE)


def infer_auth(code: Code) -> dict[str, Found]:
    """Returns the kind of authentication that the code has, and what belongs to it."""
    kind = _kind(code)
    if kind is None:
        return {}
    found = {"auth": kind, **dict(_header(code, str(kind.value)))}
    if kind.value == "oauth_refresh_token" and (file := vendor_file(code)):
        # A refresh token is sent nowhere before it is known where to.
        kind = Found("token_file", file.where)
        found = {"auth": kind, **dict(_header(code, "token_file"))}
    if kind.value in ("token_file", "oauth_refresh_token"):
        text = vendor_file(code) or _token_file(code)
        if text is not None and text.value:
            found["token_file"] = Found(text.value, text.where)
    if kind.value == "token_command" and (words := token_command(code)):
        found["token_command"] = words
    elif kind.value == "api_key" and not code.headers and code.query_keys:
        found["api_key_in"] = Found("query", code.query_keys[0].where)
        found["api_key_query"] = Found(code.query_keys[0].value, code.query_keys[0].where)
    return found


def _kind(code: Code) -> Found | None:
    grants = {text.value: text.where for text in reversed(code.texts) if text.value in _GRANTS}
    # The name of a field is no grant: it is one as the value of grant_type.
    refresh = next((text for text in code.texts if text.value == "refresh_token" and "grant_type" in text.name), None)
    for grant, kind in _GRANTS.items():
        if grant == "refresh_token":
            if refresh is not None:
                return Found(kind, refresh.where)
        elif grant in grants:
            return Found(kind, grants[grant])
    for call in code.calls:
        if call.name.endswith("jwt.encode") and any(text.value in _ALGORITHMS for text in code.texts):
            return Found("signed_jwt", call.where)
    if command := token_command(code):
        return Found("token_command", command.source)
    if (text := vendor_file(code) or _token_file(code)) is not None:
        return Found("token_file", text.where)
    if code.headers or code.query_keys:
        return Found("api_key", (code.headers or code.query_keys)[0].where)
    for variable in code.variables:
        if re.search(r"KEY|TOKEN|SECRET", variable.value):
            return Found("api_key", variable.where)
    for call in code.calls:
        if any(keyword.arg == "api_key" for keyword in call.node.keywords):
            return Found("api_key", call.where)
    for call in code.calls:
        if call.name.rpartition(".")[2] == "post":
            return Found("none", f"{call.where} sends no credential")
    return None


def _header(code: Code, kind: str) -> Iterator[tuple[str, Found]]:
    if kind == "none":
        return
    # With OAuth, `Basic` is how the client proves who it is to the token endpoint.
    headers = [one for one in code.headers if not (kind.startswith("oauth") and (one.prefix or "").lower() == "basic")]
    if headers:
        yield "api_key_header", Found(headers[0].name, headers[0].where)
        if headers[0].prefix is not None:
            yield "api_key_prefix", Found(headers[0].prefix, headers[0].where)


def vendor_file(code: Code) -> Text | None:
    """Returns the file below the home folder in which a program, mostly another one, keeps what it has logged in with."""
    return next(
        (one for one in code.home_files if _VENDOR_FILE.search(one.value.rpartition("/")[2])),
        None,
    )


def _token_file(code: Code) -> Text | None:
    """The path of a file that holds a token, or the place where one is read that nothing names."""
    for text in code.texts:
        named = re.search(r"token_?(file|path)|(file|path)_?token", text.name, re.IGNORECASE)
        if named and re.match(r"(~|\.{0,2})/\S*\w\Z", text.value):
            return text
    for variable in code.variables:
        if re.search(r"(TOKEN|AUTH|CREDENTIALS?)_(FILE|PATH)\Z", variable.value):
            return Text("", "", variable.where)
    return None


def token_command(code: Code) -> Found | None:
    """Returns the command that prints a token, as far as its words are constants."""
    for call in code.calls:
        if not call.name.endswith(PROGRAMS) or not call.node.args:
            continue
        first = call.node.args[0]
        items = first.elts if isinstance(first, ast.List | ast.Tuple) else call.node.args
        words = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        line = " ".join(words)
        if len(words) == len(items) and _PRINTS_TOKEN.search(line) and not _PRINTS_NONE.search(line):
            return Found(words[0] if len(words) == 1 else shlex.join(words), call.where)
    return None
