"""The repositories of an organisation or a group: pages, limits, refusals, and where the token goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from provider_template.errors import Refusal
from provider_template.fleet.config import Source
from provider_template.fleet.forges import Found, is_on_its_host, repositories
from testing.fleet import Forge, forge


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Forge]:
    with forge(tmp_path / "forge") as found:
        yield found


def many(hub: Forge, count: int) -> None:
    for number in range(count):
        address = f"{hub.url}/org/r{number}.git"
        hub.repositories.append(
            {
                "clone_url": address,
                "full_name": f"org/r{number}",
                "http_url_to_repo": address,
                "path_with_namespace": f"org/r{number}",
                "archived": number == 3,
                "topics": ["llm"] if number % 2 else [],
            }
        )


def listed(source: Source) -> tuple[list[Found], list[float]]:
    waits: list[float] = []
    return list(repositories(source, waits.append)), waits


@pytest.mark.parametrize(
    ("kind", "path", "header", "value"),
    [
        ("github", "/api/orgs/org/repos", "Authorization", "Bearer s3cret"),
        ("gitlab", "/api/groups/org%2Fsub/projects", "PRIVATE-TOKEN", "s3cret"),
    ],
)
def test_all_pages(kind: Any, path: str, header: str, value: str, hub: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORG_TOKEN", "s3cret")
    many(hub, 25)
    hub.page_size = 10
    where = "org" if kind == "github" else "org/sub"
    found, waits = listed(Source(kind, where, api=f"{hub.url}/api", variable="ORG_TOKEN"))
    assert [one.name for one in found] == [f"org/r{number}" for number in range(25)]
    assert [one.name for one in found if one.archived] == ["org/r3"]
    assert (hub.pages, waits) == ([1, 2, 3], [])
    assert hub.seen[0].path == path
    assert {one.headers[header] for one in hub.seen} == {value}
    if kind == "gitlab":
        assert hub.seen[0].query["include_subgroups"] == ["true"]


def test_what_is_left_out(hub: Forge) -> None:
    many(hub, 8)
    found, _ = listed(Source("github", "org", api=f"{hub.url}/api", topics=("llm",), exclude=("r1", "org/r5")))
    assert [one.name for one in found] == ["org/r3", "org/r7"]
    assert "Authorization" not in hub.seen[0].headers


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (403, {"Retry-After": "2"}, 2.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "in 9"}, 10.0),
        (429, {}, 1.0),
        (500, {}, 1.0),
        (503, {"Retry-After": "3"}, 3.0),
    ],
)
def test_waits_and_goes_on(status: int, headers: Mapping[str, str], wait: float, hub: Forge) -> None:
    many(hub, 3)
    until = {name: str(int(time.time()) + 9) if value == "in 9" else value for name, value in headers.items()}
    hub.before = [(status, {}, until)]
    found, waits = listed(Source("github", "org", api=f"{hub.url}/api"))
    assert len(found) == 3
    assert waits == [pytest.approx(wait, abs=1.5)]


@pytest.mark.parametrize(
    ("answers", "words", "waits"),
    [
        ([(500, {}, {})] * 4, "answers with 500, 4 times", 3),
        ([(429, {}, {"Retry-After": "3600"})], "asks to wait 3600 s: try again then", 0),
        ([(401, {}, {})], "answers with 401; set a token in GITHUB_TOKEN", 0),
        ([(403, {}, {})], "answers with 403; set a token in GITHUB_TOKEN", 0),
        ([(404, {}, {})], "there is no such organisation: check its name, or set a token", 0),
        ([(302, {}, {"Location": "https://elsewhere.example/"})], "it has moved to https://elsewhere.example/", 0),
        ([(200, {"message": "no"}, {})], "answers with no list of repositories", 0),
    ],
)
def test_refusals(answers: list[Any], words: str, waits: int, hub: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    hub.before = answers
    waited: list[float] = []
    with pytest.raises(Refusal) as refusal:
        list(repositories(Source("github", "org", api=f"{hub.url}/api"), waited.append))
    assert words in str(refusal.value)
    assert len(waited) == waits


def test_refusal_with_a_token_does_not_name_it(hub: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "s3cret")
    hub.before = [(401, {}, {})]
    with pytest.raises(Refusal, match="the token in GITLAB_TOKEN has no access to it") as refusal:
        list(repositories(Source("gitlab", "org", api=f"{hub.url}/api")))
    assert "s3cret" not in str(refusal.value)


def test_next_page_on_another_host(hub: Forge) -> None:
    many(hub, 5)
    hub.page_size = 2
    hub.next_url = lambda _: "http://elsewhere.example/api?page=2"
    with pytest.raises(Refusal, match="the next page is on another host"):
        listed(Source("github", "org", api=f"{hub.url}/api"))


def test_nobody_is_there() -> None:
    waits: list[float] = []
    with pytest.raises(Refusal, match=r"cannot be reached .*, 4 times"):
        list(repositories(Source("gitlab", "org", api="http://127.0.0.1:9/api"), waits.append))
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("url", "api", "expected"),
    [
        ("https://github.com/o/r.git", "", True),
        ("https://elsewhere.example/o/r.git", "", False),
        ("ext::sh -c x", "", False),
        ("/etc", "", False),
        ("https://ghe.example/o/r.git", "https://ghe.example/api/v3", True),
        ("https://ghe.example.evil/o/r.git", "https://ghe.example/api/v3", False),
    ],
)
def test_repositories_are_on_their_forge(url: str, api: str, expected: bool) -> None:
    found = Found(url, "o/r", archived=False, empty=False, topics=())
    assert is_on_its_host(found, Source("github", "o", api=api)) == expected
