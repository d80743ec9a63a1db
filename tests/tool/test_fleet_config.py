"""`fleet.toml`: what it may say, and the one sentence where it says something else; spellings of addresses."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provider_template.errors import Refusal
from provider_template.fleet.addresses import host_of, identity
from provider_template.fleet.config import Fleet, Pause, read_fleet

WHOLE = """
[[template]]
url = "https://git.example.com/llm/template"
aliases = ["gh:old-org/template"]
blocked = ["v0.4.0"]
[[source]]
github = "example-org"
topics = ["llm"]
exclude = ["*-sandbox"]
token = "ORG_TOKEN"
[[source]]
folder = "clones"
[[source]]
repository = "https://git.example.com/llm/monorepo"
paths = ["providers/*"]
[[package]]
repository = "https://git.example.com/llm/acme"
owner = "team-a"
pause = { until = 2027-02-01, reason = "audit" }
[policy]
minimum = "v0.3.0"
deadline = { "v0.3.0" = 2027-03-31 }
security_days = 14
litellm_min = "1.104.0"
[answers.default]
ci = "gitlab"
[answers.enforce]
license = "Proprietary"
[[answers.allow]]
package = "litellm-lab"
names = ["license"]
"""
SMALL = '[[template]]\nurl = "/t"\n[[source]]\nfolder = "."\n'


def read(folder: Path, text: str) -> Fleet:
    path = folder / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    return read_fleet(path)


def test_whole(tmp_path: Path) -> None:
    fleet = read(tmp_path, WHOLE)
    assert [source.kind for source in fleet.sources] == ["github", "folder", "repository"]
    assert fleet.packages[0].pause == Pause(date(2027, 2, 1), "audit")
    assert fleet.policy.deadline == {"v0.3.0": date(2027, 3, 31)}
    assert fleet.allow == {"litellm-lab": {"license"}}
    for name in ("git@git.example.com:llm/template.git", "https://github.com/old-org/template", "gh:old-org/Template"):
        assert fleet.template_of(name) is fleet.templates[0]
    assert fleet.template_of("https://git.example.com/llm/other") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no [[template]]"),
        ('[[template]]\nurl = "/t"\n', "names no repositories"),
        ("a = [", "is no TOML"),
        (SMALL + "[polcy]\nminimum = 'v1'\n", 'has "polcy" (line 5), which means nothing: did you mean "policy"'),
        (
            SMALL + "[policy]\nminimun = 'v1'\n",
            '"minimun" in [policy] (line 6), which means nothing: did you mean "minimum"',
        ),
        (SMALL + "[waves]\norder = []\n", 'has "waves" (line 5), which means nothing: known are template, source'),
        (SMALL + "[[source]]\nowner = 'x'\n", '"owner" in [source] (line 6)'),
        (SMALL + "[[source]]\n", "names none of them: give it one of github, gitlab, folder, repository"),
        (SMALL + "[[source]]\ngithub = 'a'\nfolder = 'b'\n", "names both github and folder"),
        (
            SMALL + "[[source]]\nfolder = 'b'\napi = 'https://x'\n",
            "has api in a [[source]] with folder: it is for github and gitlab",
        ),
        (SMALL + "[[source]]\ngithub = 'b'\napi = 'x'\n", "write the whole URL"),
        (SMALL + "[[source]]\ngithub = 'b'\ntoken = 'ghp_abc'\n", "that is no name of a variable"),
        (SMALL + "[[package]]\nowner = 'x'\n", "[[package]] without repository"),
        (SMALL + "[[package]]\nrepository = 'https://u:pw@h/x'\n", "has a password in repository of [package]"),
        (SMALL + "[[package]]\nrepository = 'x'\npause = { until = 'May' }\n", "write a date without quotes"),
        (SMALL + "[[package]]\nrepository = 'x'\npause = true\n", "is no table"),
        (SMALL + "[policy]\nsecurity_days = 'x'\n", "write a number of days"),
        (SMALL + "[policy]\nminimum = 'newest'\n", 'has "newest" as minimum in [policy]: write a version'),
        (SMALL + "[policy]\ndeadline = { soon = 2027-01-01 }\n", 'has "soon" as deadline'),
        (SMALL + "[answers.enforce]\n_commit = 'v1'\n", "that is Copier's own"),
        (SMALL + "[answers.enforce]\nci = { a = 1 }\n", "an answer is a text"),
        (SMALL + "[[answers.allow]]\nnames = ['x']\n", "without package"),
        (SMALL + "[template]\n", "is no TOML"),
        ("source = 3\n", "is no list of tables: write it as [[source]]"),
    ],
)
def test_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, text)
    said = str(refusal.value)
    assert words in said
    assert said.startswith(str(tmp_path / "fleet.toml"))
    assert "pw@" not in said
    assert "ghp_abc" not in said
    assert len(said.splitlines()) == 1


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="write one with provider-template fleet init"):
        read_fleet(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Org/Name",
        "https://github.com/org/name.git",
        "https://github.com/org/name/",
        "https://someone:secret@github.com:443/org/name.git",
        "http://GitHub.com/org//name",
        "ssh://git@github.com/org/name.git",
        "ssh://git@github.com:22/org/name",
        "git@github.com:org/name.git",
        "github.com:org/name",
        "gh:org/name",
        "git+https://github.com/org/name.git",
        "git://github.com/org/name",
    ],
)
def test_one_repository(address: str) -> None:
    assert identity(address) == "github.com/org/name"
    assert host_of(address) in ("github.com", "github.com:443", "github.com:22")


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for address in (
        tmp_path / "link",
        f"file://{tmp_path}/real",
        f"git+file://{tmp_path}/real/",
        tmp_path / "real" / ".git",
    ):
        assert identity(str(address)) == str(tmp_path / "real")
        assert host_of(str(address)) == ""
    assert identity("https://git.example.com:8443/x") != identity("https://git.example.com/x")
