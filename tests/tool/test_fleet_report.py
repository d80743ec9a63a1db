"""The page, what is handed over to other tools, and the first files of a fleet's repository."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from provider_template.fleet.config import read_fleet
from provider_template.fleet.page import page
from provider_template.fleet.policy import Broken
from provider_template.fleet.saved import read_status
from provider_template.fleet.status import Left, Row, Status
from testing.answers import ROOT
from testing.fleet import make_repository, make_template, write_package
from testing.linters import zizmor
from testing.tool import tool

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

ANSWERS = {
    "auth": "oauth_client_credentials",
    "token_store": "keyring",
    "api_format": "anthropic",
    "ci": "github",
    "updates": "renovate",
    "litellm_min": "1.104.0",
    "layout": "package",
}


def row(number: int) -> Row:
    """Returns a row with much to say."""
    name = f"litellm-provider-of-team-{number:03}"
    return Row(
        id=f"git.example.com/language-models/{name}",
        state="off standard",
        name=name,
        owner="team-language-models",
        repository=f"https://git.example.com/language-models/{name}.git",
        template="https://git.example.com/llm/template",
        version="v0.3.0",
        newest="v0.6.0",
        versions_behind=3,
        days_behind=120,
        security="v0.6.0",
        security_days=44,
        listed=True,
        edited=tuple(f"src/litellm_provider/file_{part}.py" for part in range(9)),
        policy=(
            Broken("deadline", "is older than v0.5.0, which was due on 2026-03-31"),
            Broken("minimum", "is older than v0.4.0"),
        ),
        answers=ANSWERS,
    )


def status(rows: int) -> Status:
    template = {"url": "https://git.example.com/llm/template", "newest": "v0.6.0", "blocked": [], "error": ""}
    left = (Left("git.example.com/x", "https://git.example.com/x.git", "github org", "archived"),)
    return Status(date(2026, 4, 11), tuple(map(row, range(rows))), left, (template,))


class Page(HTMLParser):
    """What a page has in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Looks whether it ends what is open."""
        assert self.open.pop() == tag


def test_page_of_500() -> None:
    text = page(status(500))
    assert len(text.encode()) <= 500_000
    assert text.count('<tr><th scope="row">litellm-provider') == 500


def test_page_needs_nothing() -> None:
    text = page(status(3))
    found = Page(text)
    assert found.open == []
    assert not {"script", "img", "link", "iframe", "form", "base"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "style", "action")]
    assert [value for name, value in found.attributes if name == "href"] == ["#packages"]
    assert "url(" not in text
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = dict(found.attributes)["content"] and next(
        value for name, value in found.attributes if name == "content" and "default-src" in str(value)
    )
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    for words in ("color-scheme:light dark", "@media(max-width", "focus-visible"):
        assert words in style[1]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_page_in_a_browser(tmp_path: Path) -> None:
    """It takes the style, so that its hash is right, and fits a phone: nothing is wider than the window."""
    asked = "<script>document.title = getComputedStyle(document.body).maxWidth + document.documentElement.scrollWidth</script>"
    text = page(status(3))
    policy = re.search("default-src 'none'; ", text)
    assert policy is not None
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    # The same with a script that tells what the browser has made of it.
    (tmp_path / "asked.html").write_text(
        text.replace("default-src 'none'; ", "default-src 'none'; script-src 'unsafe-inline'; ").replace(
            "</body>", f"{asked}</body>"
        ),
        encoding="utf-8",
    )
    for width in (1300, 500):
        said = [browse(tmp_path / name, width) for name in ("page.html", "asked.html")]
        assert "<title>The fleet on 2026-04-11</title>" in said[0]
        found = re.search(r"<title>1440px(\d+)</title>", said[1])
        assert found is not None, said[1][:2000]
        assert int(found[1]) <= width


def browse(path: Path, width: int) -> str:
    """Returns the document that a browser has made of a page."""
    assert CHROMIUM is not None
    options = ("--headless", "--no-sandbox", "--disable-gpu")
    done = subprocess.run(
        [CHROMIUM, *options, f"--window-size={width},900", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        # It makes a socket there, whose path has to be short.
        env={**os.environ, "TMPDIR": tempfile.gettempdir()},
    )
    return done.stdout


def test_page_says_what_matters() -> None:
    text = page(status(2))
    for words in (
        "The fleet on 2026-04-11",
        "2 packages: 2 off standard",
        "0 % have the newest version",
        "v0.6.0, for 44 days, in litellm-provider-of-team-000",
        "oauth_client_credentials (keyring)",
        "is older than v0.5.0, which was due on 2026-03-31",
        "Lowest LiteLLM",
        "Broken rules",
        "archived",
    ):
        assert words in text, words


def test_page_of_nothing() -> None:
    empty = Status(date(2026, 4, 11), (), (), ())
    assert Page(page(empty)).open == []


def test_saved_status(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text(json.dumps(status(2).as_json()), encoding="utf-8")
    assert read_status(path) == status(2)
    done = tool(tmp_path, "fleet", "report", "--from", "status.json", "--html", "pages/fleet.html", "--md")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "pages" / "fleet.html").read_text(encoding="utf-8") == page(status(2))
    assert done.stdout.startswith("**The fleet on 2026-04-11:** 2 packages: 2 off standard.\n")
    for text, words in (("{}", "is not what"), ('{"schema": 9}', "has schema 9"), ("x", "is not what")):
        path.write_text(text, encoding="utf-8")
        done = tool(tmp_path, "fleet", "report", "--from", "status.json")
        assert (done.returncode, words in done.stdout, len(done.stdout.splitlines())) == (1, True, 1), done.stdout


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A folder with a fleet.toml, and two packages that came from a forge."""
    template = make_template(tmp_path / "template")
    for name in ("one", "two"):
        folder = make_repository(write_package(tmp_path / "clones" / name, template, "v0.2.0", name))
        config = folder / ".git" / "config"
        address = f"git@git.example.com:llm/{name}.git"
        config.write_text(
            config.read_text(encoding="utf-8") + f'[remote "origin"]\n\turl = {address}\n', encoding="utf-8"
        )
    (tmp_path / "fleet.toml").write_text(
        f'[[template]]\nurl = "{template}"\nblocked = ["v0.3.0"]\n[[source]]\nfolder = "clones"\n'
        '[[package]]\nrepository = "clones/two"\npause = { until = 2999-01-01 }\n'
        '[answers.default]\nci = "gitlab"\ninclude = ["cli", "docs"]\n[answers.enforce]\nlicense = "MIT"\n',
        encoding="utf-8",
    )
    return tmp_path


def test_exports(fleet: Path) -> None:
    renovate = json.loads(tool(fleet, "fleet", "export", "--format", "renovate").stdout)
    assert renovate["repositories"] == ["llm/one"]
    assert renovate["packageRules"][1]["allowedVersions"] == r"!/^v?(0\.3\.0)$/"
    multi = yaml.safe_load(tool(fleet, "fleet", "export", "--format", "multi-gitter").stdout)
    assert (multi["repo"], multi["branch"]) == (["llm/one"], "template-update")
    answers = yaml.safe_load(tool(fleet, "fleet", "export", "--format", "answers").stdout)
    assert answers == {"ci": "gitlab", "include": ["cli", "docs"], "license": "MIT"}
    done = tool(fleet, "fleet", "export", "--format", "cruft")
    assert (done.returncode, "use one of renovate, multi-gitter, answers" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("options", "job", "variable"),
    [
        (("--github", "example-org"), ".github/workflows/fleet.yml", "GITHUB_TOKEN"),
        (("--gitlab", "group/llm", "--ci", "gitlab"), ".gitlab-ci.yml", "GITLAB_TOKEN"),
    ],
)
def test_init(options: tuple[str, ...], job: str, variable: str, tmp_path: Path) -> None:
    words = ("fleet", "init", "team", "--template", "https://git.example.com/llm/t", *options)
    done = tool(tmp_path, *words)
    assert done.returncode == 0, done.stdout
    found = read_fleet(tmp_path / "team" / "fleet.toml")
    assert (found.templates[0].url, found.sources[0].where) == ("https://git.example.com/llm/t", options[1])
    text = (tmp_path / "team" / job).read_text(encoding="utf-8")
    assert variable in text
    assert "TEMPLATE_URL" not in text
    assert "TOKEN_VARIABLE" not in text
    assert yaml.safe_load(text)
    before = text
    done = tool(tmp_path, *words)
    assert (done.returncode, "is there already, and nothing was written" in done.stdout) == (1, True)
    assert (tmp_path / "team" / job).read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Which template?"),
        (("--template", "x"), "Where are the packages?"),
        (("--template", "x", "--github", "o", "--ci", "jenkins"), "use github, gitlab or none"),
    ],
)
def test_init_without_enough(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = tool(tmp_path, "fleet", "init", *options)
    assert (done.returncode, words in done.stdout) == (1, True), done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name != "scratch"]


def test_job_is_no_risk(tmp_path: Path) -> None:
    tool(tmp_path, "fleet", "init", ".", "--template", "https://x.example/t", "--github", "o")
    status, said = zizmor(tmp_path / ".github" / "workflows" / "fleet.yml")
    assert status == 0, said


def test_what_is_imported(fleet: Path) -> None:
    """A status renders nothing and, without a forge, sends nothing; help loads neither."""
    for arguments in (["fleet", "--help"], ["fleet", "status"]):
        code = (
            "import sys; from provider_template.cli import app\n"
            f"try: app({arguments!r}, standalone_mode=False)\n"
            "except BaseException: pass\n"
            "print(sorted({'copier', 'jinja2', 'httpx', 'questionary'} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=fleet,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(fleet)},
        )
        assert done.stderr.splitlines()[-1] == "[]", (arguments, done.stderr)
