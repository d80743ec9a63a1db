"""How a package's code authenticates, as answers to the template's questions."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

from provider_template.adopt.code import PROGRAMS, Call, Code, Text
from provider_template.adopt.sources import Found, looks_secret

_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": "oauth_device_code",
    "authorization_code": "oauth_authorization_code",
    "client_credentials": "oauth_client_credentials",
    "refresh_token": "oauth_refresh_token",
}
_PRINTS_TOKEN = re.compile(r"(?<!max-)(?<!max_)token(?!s)|\bauth\b|credential", re.IGNORECASE)
_PRINTS_NONE = re.compile(r"\b(login|logout|status)\b", re.IGNORECASE)
# A program's own file with what it has logged in with.
_VENDOR_FILE = re.compile(r"(auth|cred|token(?!iz)|oauth|session|login)[\w-]*([.]\w+)?\Z", re.IGNORECASE)
_ALGORITHMS = ("RS256", "ES256")
_HTTPS = re.compile(r"https?://\S+\Z")


def infer_auth(code: Code) -> dict[str, Found]:
    """Returns the kind of authentication that the code has, and what belongs to it."""
    kind = _kind(code)
    if kind is None:
        return {}
    found = {"auth": kind, **dict(_header(code, str(kind.value)))}
    if str(kind.value).startswith("oauth"):
        found |= _oauth(code, str(kind.value))
        if kind.value == "oauth_refresh_token" and "token_url" not in found and (file := vendor_file(code)):
            # A refresh token is sent nowhere before it is known where to.
            kind = Found("token_file", file.where)
            found = {"auth": kind, **dict(_header(code, "token_file"))}
    elif kind.value == "signed_jwt":
        found |= _jwt(code)
    if kind.value in ("token_file", "oauth_refresh_token"):
        text = vendor_file(code) or _token_file(code)
        if text is not None and text.value:
            found["token_file"] = Found(text.value, text.where)
    if kind.value == "token_command" and (words := _token_command(code)):
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
    if call := _jwt_call(code):
        return Found("signed_jwt", call.where)
    if command := _token_command(code):
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


def _oauth(code: Code, kind: str) -> Iterator[tuple[str, Found]]:
    urls = [text for text in code.texts if _HTTPS.match(text.value)]
    wanted = (
        ("token_url", r"token", r"/token\b|oauth"),
        ("authorize_url", r"authori[sz]", r"/authori[sz]e"),
        ("device_authorization_url", r"device", r"/device"),
        ("revocation_url", r"revo", r"/revoke"),
    )
    for question, name, path in wanted:
        named = [text for text in urls if re.search(name, text.name, re.IGNORECASE) and "aud" not in text.name.lower()]
        likely = named or [text for text in urls if re.search(path, text.value)]
        if question != "token_url":
            likely = [text for text in likely if re.search(path, text.value)]
        if likely:
            yield question, Found(likely[0].value, likely[0].where)
    for question, name in (
        ("scopes", r"\bscopes?\b|_SCOPES?\b"),
        ("audience", r"\baudience\b|_AUDIENCE\b"),
        ("client_id", r"\bclient_id\b|_CLIENT_ID\b"),
    ):
        for text in code.texts:
            if re.search(name, text.name, re.IGNORECASE) and _is_value(text):
                yield question, Found(text.value, text.where)
                break
    if kind == "oauth_client_credentials":
        method = _client_method(code)
        if method:
            yield "token_endpoint_auth_method", method


def _is_value(text: Text) -> bool:
    """Whether a text is what its name says, rather than the name of a field or variable."""
    word = text.name.split()[-1] if text.name else ""
    return (
        bool(text.value)
        and text.value.lower() != word.lower()
        and not re.fullmatch(r"[A-Z][A-Z0-9_]+", text.value)
        and not looks_secret(text.value)
    )


def _client_method(code: Code) -> Found | None:
    for text in code.texts:
        if text.value == "client_assertion":
            return Found("private_key_jwt", text.where)
    if code.form_secret:
        return Found("client_secret_post", code.form_secret)
    for header in code.headers:
        if (header.prefix or "").lower() == "basic":
            return Found("client_secret_basic", header.where)
    for call in code.calls:
        if any(keyword.arg == "auth" for keyword in call.node.keywords) or call.name.endswith("BasicAuth"):
            return Found("client_secret_basic", call.where)
    return None


def _jwt_call(code: Code) -> Call | None:
    return next((call for call in code.calls if call.name.endswith("jwt.encode") and _algorithm(call, code)), None)


def _algorithm(call: Call, code: Code) -> str:
    for inner in ast.walk(call.node):
        if isinstance(inner, ast.Constant) and inner.value in _ALGORITHMS:
            return str(inner.value)
    return next((text.value for text in code.texts if text.value in _ALGORITHMS), "")


def _jwt(code: Code) -> Iterator[tuple[str, Found]]:
    call = _jwt_call(code)
    if call:
        yield "jwt_algorithm", Found(_algorithm(call, code), call.where)
    claims = [text for text in code.claims if not looks_secret(text.name)]
    if claims:
        lines = "\n".join(f"{text.value}: {text.name}" for text in claims)
        yield "jwt_claims", Found(lines, claims[0].where)


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


def _token_command(code: Code) -> Found | None:
    """The command that prints a token, as far as its words are constants."""
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
