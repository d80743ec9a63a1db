"""The repositories of a GitHub organisation or a GitLab group, over their APIs.

By hand, with httpx: PyGithub and python-gitlab bring a client for everything (and `requests`) where two calls that only read
are needed, and neither waits for both forges' limits in the same way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from provider_template.errors import Refusal
from provider_template.fleet.addresses import host_of
from provider_template.fleet.config import Source

if TYPE_CHECKING:
    import httpx

_APIS = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
_VARIABLES = {"github": ("GITHUB_TOKEN", "GH_TOKEN"), "gitlab": ("GITLAB_TOKEN",)}
# Who a token logs in as where git asks for a name and a password.
_USERS = {"github": "x-access-token", "gitlab": "oauth2"}
_TRIES = 4
_LONGEST = 300.0
"""Seconds to wait for a forge that is busy; where it asks for more, that is said."""
_MOST_PAGES = 1000


@dataclass(frozen=True)
class Found:
    """A repository that a forge lists."""

    url: str
    name: str
    archived: bool
    empty: bool
    topics: tuple[str, ...]


def token_of(source: Source) -> str:
    """Returns the token for a forge from the environment; empty where there is none."""
    names = (source.variable,) if source.variable else _VARIABLES.get(source.kind, ())
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def login_of(source: Source) -> tuple[str, str]:
    """Returns the name and the password by which git reads the repositories of a forge; empty without a token."""
    token = token_of(source)
    return (_USERS[source.kind], token) if token else ("", "")


def repositories(source: Source, sleep: Callable[[float], None] = time.sleep) -> Iterator[Found]:
    """Yields the repositories of an organisation or group, page by page, without those that the source leaves out.

    Args:
        source: the organisation or group.
        sleep: what waits, in seconds, where the forge is busy.

    Raises:
        Refusal: the forge cannot be reached, refuses, or answers with something else.
    """
    import httpx

    api = source.api or _APIS[source.kind]
    token = token_of(source)
    headers = {"Accept": "application/json"}
    if source.kind == "github":
        url = f"{api}/orgs/{quote(source.where, safe='')}/repos?per_page=100&sort=full_name"
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
    else:
        url = (
            f"{api}/groups/{quote(source.where, safe='')}/projects"
            "?include_subgroups=true&per_page=100&order_by=id&sort=asc&with_shared=false"
        )
        headers |= {"PRIVATE-TOKEN": token} if token else {}
    # Another host would get the token; netrc would send one that nobody has named.
    with httpx.Client(headers=headers, follow_redirects=False, timeout=30, trust_env=True, auth=_no_auth) as client:
        for _ in range(_MOST_PAGES):
            answer = _get(client, url, source, sleep)
            for one in _listed(answer, source):
                found = _found(one, source)
                if _is_wanted(found, source):
                    yield found
            following = answer.links.get("next", {}).get("url")
            if not following:
                return
            if urlsplit(following)[:2] != urlsplit(api)[:2]:
                raise Refusal(
                    f"{source.words}: the next page is on another host ({host_of(following)}); it was not read."
                )
            url = following


def _no_auth(request: httpx.Request) -> httpx.Request:
    return request


def _get(client: httpx.Client, url: str, source: Source, sleep: Callable[[float], None]) -> httpx.Response:
    """Gets a page, and waits where the forge says so."""
    import httpx

    problem = ""
    for attempt in range(_TRIES):
        wait = 2.0**attempt
        try:
            answer = client.get(url)
        except httpx.HTTPError as error:
            problem = f"cannot be reached ({type(error).__name__}: {error})"
        else:
            if answer.status_code == 200:
                return answer
            asked = _asked_to_wait(answer)
            if answer.status_code not in (429, 500, 502, 503, 504) and asked is None:
                raise Refusal(_refused(answer, source))
            problem = f"answers with {answer.status_code}"
            wait = wait if asked is None else asked
            if wait > _LONGEST:
                raise Refusal(
                    f"{source.words}: the forge has had too many requests, and asks to wait {wait:.0f} s: try again then."
                )
        if attempt < _TRIES - 1:
            sleep(wait)
    raise Refusal(f"{source.words}: {client.base_url or ''}{host_of(url)} {problem}, {_TRIES} times: try again later.")


def _asked_to_wait(answer: httpx.Response) -> float | None:
    """Returns the seconds that a forge asks to wait; None where it does not.

    Source: GitHub, "Rate limits for the REST API"; GitLab, "Rate limits": both send Retry-After, GitHub also the second
    at which the limit is lifted, with 403 or 429.
    """
    if answer.status_code not in (403, 429, 503):
        return None
    after = answer.headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after)
    reset = answer.headers.get("X-RateLimit-Reset") or answer.headers.get("RateLimit-Reset") or ""
    left = answer.headers.get("X-RateLimit-Remaining") or answer.headers.get("RateLimit-Remaining")
    if left == "0" and reset.isdecimal():
        return max(0.0, float(reset) - time.time()) + 1
    return None


def _refused(answer: httpx.Response, source: Source) -> str:
    name = source.variable or _VARIABLES[source.kind][0]
    if answer.status_code in (401, 403):
        mend = f"the token in {name} has no access to it" if token_of(source) else f"set a token in {name}"
    elif answer.status_code == 404:
        hidden = "" if token_of(source) else f", or set a token in {name}, as private ones are hidden"
        mend = f"there is no such {'organisation' if source.kind == 'github' else 'group'}: check its name{hidden}"
    elif 300 <= answer.status_code < 400:
        mend = f"it has moved to {answer.headers.get('Location', 'another place')}: write that in fleet.toml"
    else:
        mend = "check api in fleet.toml"
    return f"{source.words}: the forge answers with {answer.status_code}; {mend}."


def _listed(answer: httpx.Response, source: Source) -> list[dict[str, Any]]:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise Refusal(f"{source.words}: the forge answers with no list of repositories; check api in fleet.toml.")
    return content


def _found(one: dict[str, Any], source: Source) -> Found:
    if source.kind == "github":
        # Its size says 0 of small ones, too: what is empty is seen when it is read.
        url, name, empty = one.get("clone_url"), one.get("full_name"), False
    else:
        url, name, empty = one.get("http_url_to_repo"), one.get("path_with_namespace"), one.get("empty_repo") is True
    topics = one.get("topics")
    listed = tuple(map(str, topics)) if isinstance(topics, list) else ()
    return Found(str(url or ""), str(name or ""), one.get("archived") is True, empty, listed)


def _is_wanted(found: Found, source: Source) -> bool:
    short = found.name.rpartition("/")[2]
    if any(fnmatchcase(name, pattern) for pattern in source.exclude for name in (short, found.name)):
        return False
    return not source.topics or bool(set(source.topics) & set(found.topics))


def is_on_its_host(found: Found, source: Source) -> bool:
    """Returns whether a repository is on the forge that lists it: no other host is to be contacted, nor get the token."""
    api = host_of(source.api or _APIS[source.kind])
    return host_of(found.url) in (api, api.removeprefix("api."))
