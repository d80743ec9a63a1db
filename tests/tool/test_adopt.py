"""`provider-template adopt`: packages written by hand come under the template, and nothing of theirs is lost.

The packages are in adopt_fixtures/, each file with `.txt` after its name, so that no tool takes them for ours.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import pexpect
import pytest
import tomlkit
import yaml
from rich.console import Console

from provider_template.adopt import BRANCH, adopt, tables
from provider_template.adopt.code import Text
from provider_template.adopt.credentials import DOES
from provider_template.adopt.infer import infer
from provider_template.adopt.layout import Layout, find_layout
from provider_template.adopt.project_file import compose
from provider_template.adopt.reach import provider_code
from provider_template.adopt.sources import Found, Sources, looks_secret
from provider_template.adopt.todo import hook_of
from provider_template.adopt.upstream import no_http_in_words, several_in_words
from provider_template.check import look
from provider_template.errors import Refusal
from provider_template.plan import Wish, make_plan
from provider_template.project import digest, open_project, read_yaml
from provider_template.trees import Store
from testing.answers import ROOT
from testing.support import Tools, commit_all, copy_template, environment, must, run
from testing.wizard import REDRAW

FIXTURES = Path(__file__).parent / "adopt_fixtures"
VERSION = "v9.0.0"
NAMES = ("flat", "src", "odd", "vendor", "local", "program")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives the template of the working tree as a released version."""
    folder = copy_template(tmp_path_factory.mktemp("template") / "template")
    commit_all(folder)
    must("git", "tag", VERSION, cwd=folder)
    return folder


def files_of(name: str) -> dict[str, bytes]:
    """Returns a fixture's files; the odd one was written on Windows, and has one that is no UTF-8."""
    found = {
        path.relative_to(FIXTURES / name).as_posix().removesuffix(".txt"): path.read_bytes()
        for path in (FIXTURES / name).rglob("*.txt")
    }
    if name == "odd":
        found = {path: content.replace(b"\n", b"\r\n") for path, content in found.items()}
        found["notizen.txt"] = "Käsekuchen\r\n".encode("latin-1")
        found["kuchen.bin"] = bytes(range(256))
    return found


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Makes a repository with these files in one commit on `main`."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    must("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    must("git", "config", "core.autocrlf", "false", cwd=folder)  # lines end in git as they do in the files
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--message", "By hand", cwd=folder)
    return folder


def run_adopt(folder: Path, template: Path | str, **options: Any) -> str:
    """Adopts as a script does, and returns what was printed."""
    console = Console(file=io.StringIO(), width=200)
    data = options.pop("data", {})
    assert adopt(folder, str(template), ref=None, data=data, ask=False, console=console, **options) == 0
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@dataclass(frozen=True)
class Adopted:
    """A fixture that was adopted; tests only read it."""

    name: str
    folder: Path
    printed: str
    before: str
    """The commit that it was adopted from."""


@pytest.fixture(scope="module")
def packages(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Adopted]:
    """Gives the fixtures, each adopted once."""
    found = {}
    for name in NAMES:
        folder = write(tmp_path_factory.mktemp("packages") / name, files_of(name))
        must("git", "tag", "v2.3.1", cwd=folder)
        before = must("git", "rev-parse", "main", cwd=folder)
        found[name] = Adopted(name, folder, run_adopt(folder, template), before)
    return found


@pytest.fixture(params=NAMES)
def package(request: pytest.FixtureRequest, packages: dict[str, Adopted]) -> Adopted:
    """Gives each of them."""
    return packages[request.param]


def lines_of(content: bytes) -> set[bytes]:
    """Returns the lines that say something."""
    return {line.strip() for line in content.splitlines() if line.strip()}


def tracked(folder: Path) -> list[str]:
    """Returns the files that git knows."""
    return must("git", "ls-files", cwd=folder).splitlines()


def recorded(folder: Path) -> dict[str, Any]:
    """Returns the answers file."""
    answers: dict[str, Any] = read_yaml((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return answers


def test_nothing_is_lost_and_the_template_is_whole(package: Adopted) -> None:
    folder = package.folder
    assert must("git", "branch", "--show-current", cwd=folder).strip() == BRANCH
    assert must("git", "rev-parse", "main", cwd=folder) == package.before
    assert must("git", "rev-parse", "HEAD^", cwd=folder) == package.before
    assert must("git", "status", "--porcelain", cwd=folder) == ""

    everything = set().union(*(lines_of((folder / path).read_bytes()) for path in tracked(folder)))
    for path, content in files_of(package.name).items():
        assert lines_of(content) <= everything, path

    project = open_project(folder)
    for path, expected in project.files.template.items():
        assert digest((folder / path).read_bytes()) == expected, path
    assert all((folder / path).is_file() for path in (*project.files.yours, *project.files.shared))
    assert look(project, offline=True).is_well


def test_the_answers_file_is_copiers(package: Adopted, template: Path, tmp_path: Path) -> None:
    folder = package.folder
    answers = recorded(folder)
    assert (answers["_src_path"], answers["_commit"]) == (str(template), VERSION)
    fresh = tmp_path / "fresh"
    data = {key: value for key, value in answers.items() if not key.startswith("_")}
    copier.run_copy(str(template), fresh, data=data, defaults=True, quiet=True)
    for path in (".copier-answers.yml", ".template-files.yml"):
        assert (folder / path).read_bytes() == (fresh / path).read_bytes()


def test_ruff_finds_nothing_in_what_was_adopted(package: Adopted) -> None:
    """What it would find in the template's files is the business of other tests."""
    folder = package.folder
    rendered = open_project(folder).files
    for words in (["check", "--output-format=concise"], ["format", "--check"]):
        done = run(sys.executable, "-m", "ruff", *words, "--no-cache", cwd=folder)
        found = [line.removeprefix("Would reformat: ") for line in done.stdout.splitlines()]
        paths = {line.partition(":")[0] for line in found if (folder / line.partition(":")[0]).is_file()}
        assert paths <= rendered.template.keys(), done.stdout
        assert done.returncode in (0, 1), done.stdout


@pytest.mark.slow
def test_types_and_tests_pass(package: Adopted, tools: Tools) -> None:
    folder = package.folder
    assert tools.mypy(folder) == []
    kept = [path for path in files_of(package.name) if "test_" in path and (folder / path).is_file()]
    tests = ["tests/test_transformation.py", *kept]
    done = run(tools.python, "-m", "pytest", "-q", *tests, cwd=folder, PYTHONPATH="src")
    assert done.returncode == 0, done.stdout


def test_a_flat_package(packages: dict[str, Adopted]) -> None:
    folder = packages["flat"].folder
    printed = packages["flat"].printed
    answers = recorded(folder)
    expected = {
        "api_base": "https://api.northwind.example.com/v2",
        "api_format": "custom",
        "api_key_header": "X-Api-Key",
        "api_key_prefix": "",
        "auth": "api_key",
        "author_email": "nancy@northwind.example.com",
        "author_name": "Nancy Davolio",
        "include": [],
        "license": "Apache-2.0",
        "litellm_min": "1.100.0",
        "models": "north-9\nnorth-tiny\nnorth-9-mini",
        "module_name": "northwind_llm",
        "package_name": "litellm-northwind",
        "provider": "northwind",
        "provider_name": "Northwind AI",
        "publish": "none",
        "python_min": "3.11",
    }
    assert {key: answers[key] for key in expected} == expected
    assert "northwind_llm/provider.py:13" in printed
    assert "Not taken: litellm_min, from pyproject.toml:" in printed

    moves = must("git", "diff", "--name-status", "--find-renames=100%", "main", BRANCH, cwd=folder).splitlines()
    for old, new in {
        "northwind_llm/client.py": "src/northwind_llm/client.py",
        "northwind_llm/words.py": "src/northwind_llm/words.py",
        "northwind_llm/provider.py": "adopted/northwind_llm/provider.py.txt",
        "northwind_llm/models.py": "adopted/northwind_llm/models.py.txt",
        "tests/test_provider.py": "adopted/tests/test_provider.py.txt",
        "ruff.toml": "adopted/ruff.toml.txt",
        "LICENSE.txt": "LICENSE",
    }.items():
        assert f"R100\t{old}\t{new}" in moves
    unchanged = must(
        "git",
        "diff",
        "--name-only",
        "main",
        BRANCH,
        "--",
        "README.md",
        "deploy",
        "tests/test_words.py",
        cwd=folder,
    )
    assert unchanged == ""

    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    assert project["project"]["version"] == "1.4.2"
    assert project["project"]["keywords"] == ["litellm", "northwind"]
    assert [one["name"] for one in project["project"]["authors"]] == ["Nancy Davolio", "Andrew Fuller"]
    below = text.partition("# Your dependencies go below this line.\n")[2].partition("\n]")[0]
    assert below == (
        '    "httpx[http2]",\n    # retries of our own, until LiteLLM\'s are good enough\n'
        '    "backoff>=2.2,<3",\n    "cachetools>=5",  # the list of models'
    )
    assert project["project"]["optional-dependencies"]["fast"] == ["orjson>=3.9"]
    assert "respx>=0.20" in project["dependency-groups"]["dev"]
    assert project["tool"]["pytest"]["ini_options"]["markers"] == ["live: talks to the real API"]
    assert project["tool"]["ruff"]["line-length"] != 88
    band = text.partition("# ---- yours")[2]
    assert "# the client is tested by hand\nomit" in band
    assert '# Where people find us.\n[project.urls]\nHomepage = "https://northwind.example.com"' in band

    ignored = (folder / ".gitignore").read_text(encoding="utf-8")
    assert ignored.endswith("# our secrets\n/recordings/\n")


def test_the_list_of_what_is_left(packages: dict[str, Adopted]) -> None:
    folder = packages["flat"].folder
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    translation = (folder / "src/northwind_llm/transformation.py").read_text(encoding="utf-8")
    for function, hook in {
        "`build_payload` (adopted/northwind_llm/provider.py.txt:22)": "transform_request",
        "`parse_response` (adopted/northwind_llm/provider.py.txt:33)": "transform_response",
        "`parse_stream_line` (adopted/northwind_llm/provider.py.txt:47)": "get_model_response_iterator",
        "`raise_for_error` (src/northwind_llm/client.py:25)": "get_error_class",
        "`build_headers` (adopted/northwind_llm/provider.py.txt:18)": "validate_environment",
    }.items():
        line = next(line for line in todo.splitlines() if function in line)
        assert line.startswith("- [ ] ")
        assert f"`ChatConfig.{hook}`" in line
        assert f"def {hook}(" in translation
    for words in (
        "| `provider` | northwind | deploy/litellm.yaml:12 |",
        "`NORTHWIND_KEY` (adopted/northwind_llm/provider.py.txt:60",
        "`NORTHWIND_API_KEY` takes its place",
        "`NORTHWIND_REGION` (adopted/northwind_llm/provider.py.txt:15): nothing takes its place",
        "`NorthwindLLM.embedding`",
        "`northwind_llm/` is `src/northwind_llm/` now: see `pyproject.toml`",
        "The build backend was `setuptools.build_meta`",
        "northwind_llm.provider:northwind_llm` names a module that is not there any more",
        "`deploy/litellm.yaml`: `custom_handler` is `northwind_llm.provider` now.",
        "`make check test` passes",
        "`git rm -r adopted ADOPTING.md`",
    ):
        assert words in todo
    for line in (line for line in todo.splitlines() if line.startswith("- [ ] `adopted/")):
        assert (folder / line.split("`")[1]).is_file()


def test_a_package_with_oauth_and_its_own_tools(packages: dict[str, Adopted]) -> None:
    folder = packages["src"].folder
    printed = packages["src"].printed
    answers = recorded(folder)
    expected = {
        "api_base": "https://gateway.contoso.example.com/openai/v1",
        "api_format": "openai",
        "api_key_header": "Authorization",
        "api_key_prefix": "Bearer",
        "auth": "oauth_client_credentials",
        "ci": "github",
        "include": ["cli", "docs", "docker"],
        "litellm_min": "1.103.1",
        "models": "gateway-large\ngateway-small",
        "provider": "contoso",
        "publish": "private",
        "python_min": "3.12",
    }
    assert {key: answers[key] for key in expected} == expected
    assert "src/contoso_litellm/auth.py:29" in printed

    files = set(tracked(folder))
    assert {
        "adopted/Makefile",
        "adopted/Dockerfile",
        "adopted/.github/workflows/ci.yml",
        "adopted/proxy/config.yaml",
        "adopted/src/contoso_litellm/auth.py.txt",
        "adopted/src/contoso_litellm/cli.py.txt",
        "adopted/src/contoso_litellm/handler.py.txt",
        "adopted/tests/unit/test_handler.py.txt",
        "adopted/examples/chat.py.txt",
    } <= files
    assert {
        ".github/workflows/publish.yml",
        "src/contoso_litellm/console.py",
        "tests/unit/test_console.py",
    } <= files
    unchanged = ("LICENSE", "README.md", "docs/index.md", "mkdocs.yml", "scripts/release.sh", ".env.example")
    assert must("git", "diff", "--name-only", "main", BRANCH, "--", *unchanged, cwd=folder) == ""

    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == "2.3.1"
    assert project["project"]["scripts"] == {
        "contoso-litellm": "contoso_litellm.cli:app",
        "contoso-chat": "contoso_litellm.console:main",
    }
    dependencies = project["project"]["dependencies"]
    assert dependencies[-3:] == [
        "litellm[proxy]",
        "requests>=2.31",
        "contoso-logs @ git+https://git.contoso.example.com/logs@v3",
    ]
    assert project["tool"]["hatch"]["metadata"] == {"allow-direct-references": True}
    assert project["dependency-groups"]["lint"] == ["black>=24"]
    assert {"include-group": "lint"} in project["dependency-groups"]["dev"]
    assert "responses>=0.25" in project["dependency-groups"]["dev"]
    assert project["tool"]["black"] == {"line-length": 100}
    assert project["tool"]["mypy"]["strict"] is True

    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    unsaid = next(line for line in todo.splitlines() if "Not known from the package" in line)
    for name in ("token_url", "scopes", "audience", "client_id", "token_endpoint_auth_method"):
        assert f"`{name}`" in unsaid
    assert "Its targets (`test`, `lint`, `release`) go into `local.mk`" in todo
    assert "`TokenManager.get_token` (adopted/src/contoso_litellm/auth.py.txt:" in todo
    assert "`.github/workflows/publish.yml` runs beside the template's workflows" in todo
    assert "It publishes" in todo


def test_a_package_with_the_login_of_another_program(packages: dict[str, Adopted]) -> None:
    folder = packages["vendor"].folder
    answers = recorded(folder)
    expected = {
        "api_base": "https://api.fabrikam.example.com/agents/v3",
        "api_format": "responses",
        "api_key_header": "Authorization",
        "api_key_prefix": "Bearer",
        "auth": "token_file",
        "provider": "fabrikam",
        "provider_name": "FabriKam",
        "token_file": "~/.fabrikam/auth.json",
    }
    assert {key: answers[key] for key in expected} == expected
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    for words in (
        "Not known from the package: `models`, `token_field`",
        "speaks the Responses format (src/fabrikam_litellm/constants.py:6) as it is, and posts to `{api_base}/responses`",
        "`auth/` is rendered as `token_file`: it reads `~/.fabrikam/auth.json`",
        "renews nothing",
        "The credential is in `~/.fabrikam/auth.json` (src/fabrikam_litellm/constants.py:11)",
        "  - `auth=oauth_refresh_token` renews it",
        "`FABRIKAM_TOKEN_FILE` takes its place",
        "1 of 3 files of tests are run by `make test`",
        "- [ ] `tests/test_items.py`: see that they pass",
        "  - `adopted/tests/test_patched.py.txt`: it patches `fabrikam_litellm.provider.FabrikamLLM.completion`, which is not",
        "  - `adopted/tests/test_handler.py.txt`: it uses the fixture `handler` of `tests/conftest.py`, which is in `adopted/`",
        f"`git worktree add ../before {packages['vendor'].before[:12]}`",
    ):
        assert words in todo
    # What the handler does not import is no part of it, and what counts tokens is no credential.
    for word in ("SIDECAR_TOKEN", "X-Sidecar-Key", "estimate_tokens"):
        assert word not in todo


def test_a_package_that_calls_an_sdk(packages: dict[str, Adopted]) -> None:
    folder = packages["local"].folder
    found = "No request over HTTP was found in what `TailspinLLM` uses. In its place it starts a program with `subprocess.run` ("
    printed = packages["local"].printed
    assert found + "tailspin_llm/handler.py:" in printed
    assert (
        "it imports `tailspin_sdk` (tailspin_llm/session.py:2). `api_format` is `sdk`: one function is left to write"
        in printed
    )
    assert "may be better adopted by its URL" in printed
    # The program is started for its login, which is neither the model's answer nor a token.
    answers = recorded(folder)
    expected = {
        "api_format": "sdk",
        "auth": "none",
        "provider": "tailspin",
        "sdk_kind": "python",
        "sdk_package": "tailspin_sdk[audio]<3,>=2",
    }
    assert {key: answers[key] for key in expected} == expected
    assert not {"api_base", "api_key_in", "program"} & answers.keys()
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    for words in (
        found + "src/tailspin_llm/handler.py:",
        "| `sdk_package` | tailspin_sdk[audio]<3,>=2 | pyproject.toml:5, tailspin_llm/session.py:2 |",
        "## The function events",
        "into one function, `events` of `ChatConfig` in `src/tailspin_llm/transformation.py`",
        '`installed("tailspin_sdk")`',
        "| raises errors | `events` raises `SdkError`",
        "nothing: the template does it",
        "`tailspin_sdk[audio]<3,>=2` comes with the extra `sdk`",
        "may be better adopted by its URL",
        "`auth/` is rendered as `none`: it adds nothing to a call.",
        "The extra `sdk` was `['tailspin-sdk']`: it is the template's now",
        "Not known from the package: `models`. ",
    ):
        assert words in todo
    for words in ("stay with your", "go back to your branch", "transform_request", "validate_environment"):
        assert words not in todo
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    assert project["project"]["dependencies"][-1] == "tailspin_sdk[audio] >= 2, < 3"
    assert project["project"]["optional-dependencies"] == {
        "sdk": ["tailspin_sdk[audio]<3,>=2"],
        "gpu": ["tailspin-kernels>=1"],
        "dev": ["freezegun>=1"],
    }
    assert "# On machines with a card.\ngpu = " in text
    assert project["dependency-groups"]["dev"][-1] == "freezegun>=1"


def test_a_package_that_starts_a_program(packages: dict[str, Adopted]) -> None:
    folder = packages["program"].folder
    answers = recorded(folder)
    expected = {
        "api_format": "sdk",
        "auth": "none",
        "models": "grove-2\ngrove-2-mini",
        "program": "woodgrove chat 'big trees'",
        "provider": "woodgrove",
        "sdk_kind": "program",
    }
    assert {key: answers[key] for key in expected} == expected
    assert not {"api_base", "sdk_package"} & answers.keys()
    assert "Not known from the package" not in packages["program"].printed
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    for words in (
        "| `api_format` | sdk | src/woodgrove_llm/run.py:18 starts a program |",
        "| `program` | woodgrove chat 'big trees' | src/woodgrove_llm/run.py:18 |",
        "`json_lines` runs it",
        "`woodgrove chat 'big trees'` is what each call starts",
        "`WOODGROVE_BIN` (src/woodgrove_llm/run.py:6): `WOODGROVE_PROGRAM` takes its place",
    ):
        assert words in todo
    lines = todo.splitlines()
    for function, place in {
        "`build_prompt`": "→ `ChatConfig.events` in",
        "`build_command`": "→ `ChatConfig.events` in",
        "`read_stream_line`": "→ `ChatConfig.events` in",
        "`raise_for_status`": "→ `SdkError`, raised in `ChatConfig.events`",
        "`run_with_timeout`": "→ nothing, by their names",
    }.items():
        assert place in next(line for line in lines if line.startswith("- [ ]") and function in line)


@pytest.mark.parametrize("name", ["local", "program"])
def test_what_is_given_wins_where_there_is_no_http(name: str, template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", files_of(name))
    data = {"api_format": "custom", "api_base": "https://api.woodgrove.example.com/v1"}
    printed = run_adopt(folder, template, data=data)
    assert "`api_format` is `custom`, for an HTTP API" in printed
    answers = recorded(folder)
    assert (answers["api_format"], answers["api_base"]) == tuple(data.values())
    # What was found for another kind of API says nothing of this one.
    assert answers["auth"] == "api_key"
    assert not {"sdk_kind", "program", "sdk_package"} & answers.keys()
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    assert "## The translation" in todo
    assert "else adopt with `--data api_format=sdk`" in todo
    assert re.search("Not known from the package: .*`auth`", todo)


def test_a_package_with_http_adopted_as_an_sdk(template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", files_of("odd"))
    printed = run_adopt(folder, template, data={"api_format": "sdk", "sdk_kind": "program", "program": "acme chat"})
    answers = recorded(folder)
    assert (answers["program"], answers["auth"]) == ("acme chat", "api_key")
    assert not {"api_base", "api_key_in", "api_key_query"} & answers.keys()
    assert "No request over HTTP" not in printed
    todo = (folder / "ADOPTING.md").read_text(encoding="utf-8")
    assert "`acme chat` is what each call starts" in todo
    assert "`events` finds the credential in `call.credential`" in todo


def test_claims_about_credentials_hold(packages: dict[str, Adopted]) -> None:
    """The list says of `auth/` what its kind does."""
    said = {}
    for name in ("flat", "src", "odd", "vendor"):
        todo = (packages[name].folder / "ADOPTING.md").read_text(encoding="utf-8")
        said[name] = next(line for line in todo.splitlines() if "`auth/` is rendered as" in line)
    assert "the key of the call, or that of `NORTHWIND_API_KEY`; it renews and signs nothing" in said["flat"]
    assert said["flat"].endswith("The credential goes into the header `X-Api-Key: …`.")
    assert "asks `https://auth.example.com/oauth/token` for a token, by `client_secret_basic`" in said["src"]
    assert said["src"].endswith("The credential goes into the header `Authorization: Bearer …`.")
    assert said["odd"].endswith("The credential goes into the query as `key`.")
    questions = {
        name: question
        for path in ROOT.glob("questions/auth*.yml")
        for name, question in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }
    assert DOES.keys() == set(questions["auth"]["choices"].values())
    assert {name for words in DOES.values() for name in re.findall(r"{(\w+)}", words)} <= {"env", *questions}


def test_an_odd_package(packages: dict[str, Adopted]) -> None:
    folder = packages["odd"].folder
    answers = recorded(folder)
    assert answers["author_name"] == "Jörg Müller-Żółć"
    assert answers["module_name"] == "zahlwerk"
    assert answers["package_name"] == "kuchen_llm"
    assert (answers["api_key_in"], answers["api_key_query"]) == ("query", "key")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "GPL-3.0-or-later"
    assert project["description"] == "Kuchen für LiteLLM – mit „Sahne“"
    assert "requests" in project["dependencies"]
    for old, new in {
        "zahlwerk.py": "src/zahlwerk/zahlwerk.py",
        "probe.py": "adopted/probe.py.txt",
        "alt.py": "adopted/alt.py.txt",
        "kuchen.bin": "kuchen.bin",
        "notizen.txt": "notizen.txt",
    }.items():
        assert (folder / new).read_bytes() == files_of("odd")[old]
    assert "put the text of `GPL-3.0-or-later` into it" in (folder / "ADOPTING.md").read_text(encoding="utf-8")


def test_a_later_version_merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for renders in a process of their own
    newer = copy_template(tmp_path / "template")
    commit_all(newer)
    must("git", "tag", VERSION, cwd=newer)
    folder = write(tmp_path / "package", files_of("flat"))
    run_adopt(folder, newer)
    makefile = newer / "template/package/Makefile"
    makefile.write_text(
        makefile.read_text(encoding="utf-8").replace("\nclean: ", "\nfresh: clean\n\nclean: "),
        encoding="utf-8",
    )
    project_file = newer / "template/package/pyproject.toml.jinja"
    text = project_file.read_text(encoding="utf-8").replace('    "pyyaml>=6",\n', '    "pyyaml>=6.0.1",\n')
    project_file.write_text(text, encoding="utf-8")
    must("git", "commit", "--all", "--quiet", "--message", "Newer", cwd=newer)
    must("git", "tag", "v9.1.0", cwd=newer)
    with make_plan(open_project(folder), Wish(), keep=False) as plan:
        assert plan.to == "v9.1.0"
        assert plan.conflicts == ()
    copier.run_update(folder, defaults=True, overwrite=True, quiet=True)
    assert recorded(folder)["_commit"] == "v9.1.0"
    assert not must("git", "diff", "--name-only", "--diff-filter=U", cwd=folder)
    updated = (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert '"pyyaml>=6.0.1"' in updated
    assert '"cachetools>=5",  # the list of models' in updated
    assert (folder / "src/northwind_llm/words.py").read_bytes() == files_of("flat")["northwind_llm/words.py"]


def test_what_is_given_wins_and_what_is_refused_gives_way(template: Path, tmp_path: Path) -> None:
    files: dict[str, bytes | str] = dict(files_of("flat"))
    files["deploy/litellm.yaml"] = files_of("flat")["deploy/litellm.yaml"].replace(b"north-tiny", b"replicate-1")
    folder = write(tmp_path / "package", files)
    data = {"ci": "gitlab", "module_name": "north", "token_url": "https://login.example.com"}
    printed = run_adopt(folder, template, data=data, branch="other")
    answers = recorded(folder)
    assert (answers["ci"], answers["module_name"]) == ("gitlab", "north")
    assert answers["models"] == "north-9\nnorth-9-mini"
    assert "models, from deploy/litellm.yaml:4" in printed
    assert "token_url was given, and the other answers do not ask for it" in printed
    assert (folder / "src/north/words.py").is_file()
    # It imports its package by a name that is no more.
    assert (folder / "adopted/tests/test_words.py.txt").is_file()


def test_a_package_inside_a_repository(template: Path, tmp_path: Path) -> None:
    files = {f"providers/northwind/{path}": content for path, content in files_of("flat").items()}
    top = write(tmp_path / "all", {**files, "README.md": "All of them.\n", "pyproject.toml": "[tool.black]\n"})
    (top / "README.md").write_text("Changed meanwhile.\n", encoding="utf-8")
    run_adopt(top / "providers/northwind", template)
    assert must("git", "diff", "--name-only", "main", BRANCH, "--", ".", ":!providers/northwind", cwd=top) == ""
    assert (top / "README.md").read_text(encoding="utf-8") == "Changed meanwhile.\n"
    assert (top / "providers/northwind/src/northwind_llm/provider.py").is_file()
    assert look(open_project(top / "providers/northwind"), offline=True).is_well


MINIMAL = {
    "pyproject.toml": '[project]\nname = "acme"\n',
    "acme/__init__.py": "",
    ".gitignore": "*.log\n/Makefile\n",
}


def refused(folder: Path, template: Path | str, **options: Any) -> str:
    """Returns why a package is not adopted, and looks whether it is as it was."""
    with pytest.raises(Refusal) as raised:
        run_adopt(folder, template, **options)
    if (folder / ".git").is_dir():
        assert must("git", "branch", "--show-current", cwd=folder).strip() == "main"
    return str(raised.value)


def test_refusals_before_anything_is_read(template: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "is not in a git repository" in refused(tmp_path / "none", template)
    folder = write(tmp_path / "package", MINIMAL)
    (folder / "new.py").touch()
    assert "not committed (new.py)" in refused(folder, template)
    (folder / "new.py").unlink()
    must("git", "branch", "taken", cwd=folder)
    assert "There is a branch taken already" in refused(folder, template, branch="taken")
    assert "no name for a branch" in refused(folder, template, branch="a..b")
    assert "no-template" in refused(folder, tmp_path / "no-template")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({".copier-answers.yml": "_src_path: x\n"}, "run provider-template update"),
        ({"pyproject.toml": "[project\n"}, "is no TOML"),
        ({"pyproject.toml": "[tool.black]\n"}, "names no project"),
        ({"adopted/notes.md": "mine\n"}, "adopted/ is there already"),
        ({"ADOPTING.md": "mine\n"}, "ADOPTING.md is there already"),
    ],
)
def test_refusals_of_packages(change: dict[str, str], words: str, template: Path, tmp_path: Path) -> None:
    assert words in refused(write(tmp_path / "package", {**MINIMAL, **change}), template)


def test_an_answer_that_is_refused(template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", MINIMAL)
    assert (
        '--data provider: put my- before it, or pick another; "openai" is a provider that LiteLLM serves itself'
        in refused(folder, template, data={"provider": "openai"})
    )
    assert "--data ci: " in refused(folder, template, data={"ci": "jenkins"})
    assert "then run provider-template to-fork" in refused(folder, template, data={"layout": "fork"})


def test_a_file_that_git_ignores_is_not_overwritten(template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", MINIMAL)
    (folder / "Makefile").write_text("mine:\n", encoding="utf-8")
    assert "Makefile" in refused(folder, template)
    assert (folder / "Makefile").read_text(encoding="utf-8") == "mine:\n"
    assert BRANCH not in must("git", "branch", cwd=folder)


def test_files_with_names_that_meet(template: Path, tmp_path: Path) -> None:
    own = {
        "GNUmakefile": "all:\n",
        "makefile": "every:\n",
        "readme.md": "# Acme\n",
        "acme/errors/__init__.py": "class AcmeError(Exception): ...\n",
        "acme/errors.txt": "none\n",
        "acme/auth/session.py": "from ..errors import AcmeError\n",
        "acme/auth/keys.py": "KEY_LENGTH = 32\n",
        "acme/Client.py": "from acme.auth.keys import KEY_LENGTH\nfrom . import auth\n",
        "src/acme/stray.py": "A = 1\n",
        "acme/stray.py": "A = 2\n",
        "tests/conformance.py": "def test(): ...\n",
        "adopted.py": "",
        "pytest.ini": "[pytest]\n",
        "pytest.ini.txt": "of another kind\n",
    }
    project = '[project]\nname = "acme"\n[tool.setuptools]\npackages = ["acme"]\n'
    folder = write(tmp_path / "package", {**MINIMAL, ".gitignore": "", "pyproject.toml": project, **own})
    run_adopt(folder, template)
    where = {
        "GNUmakefile": "adopted/GNUmakefile",
        "makefile": "adopted/makefile",
        "readme.md": "README.md",
        "acme/errors/__init__.py": "adopted/acme/errors/__init__.py.txt",
        "acme/errors.txt": "src/acme/errors.txt",
        "acme/auth/session.py": "adopted/acme/auth/session.py.txt",
        "acme/auth/keys.py": "src/acme/auth/keys.py",
        "acme/Client.py": "src/acme/Client.py",
        "src/acme/stray.py": "src/acme/stray.py",
        "acme/stray.py": "adopted/acme/stray.py.txt",
        "tests/conformance.py": "adopted/tests/conformance.py.txt",
        "pytest.ini": "adopted/pytest.ini",
        "pytest.ini.txt": "pytest.ini.txt",
    }
    for old, new in where.items():
        assert (folder / new).read_text(encoding="utf-8") == own[old], old
    assert "GNUmakefile" not in tracked(folder)


def test_secrets_are_neither_read_nor_answered(template: Path, tmp_path: Path) -> None:
    code = 'TOKEN_URL = "https://u:p4ssw0rd@login.example.com/token"\nCLIENT_ID = "k3yk3yk3yk3yk3yk3yk3yk3y"\nGRANT = {"grant_type": "client_credentials"}\n'
    hidden = "SCOPE=hush\nACME_API_BASE=https://hush.example.com\n"
    folder = write(tmp_path / "package", {**MINIMAL, "acme/__init__.py": code, ".env": hidden, "my.pem": hidden})
    printed = run_adopt(folder, template)
    written = (folder / ".copier-answers.yml").read_text(encoding="utf-8") + (folder / "ADOPTING.md").read_text(
        encoding="utf-8"
    )
    assert recorded(folder)["auth"] == "oauth_client_credentials"
    for word in ("p4ssw0rd", "k3yk3y", "hush"):
        assert word not in printed + written
    assert "`.env`: it is in git" in written


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("sk-ant-1", True),
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("eyJhbGciOiJSUzI1NiJ9.e30.x", True),
        ("0b5c2b4e-8a55-4d0e-9d9c-1a2b3c4d5e6f", True),
        ("https://user:word@host", True),
        ("chat-large-2026-01-01-preview", False),
        ("https://api.example.com/v1", False),
        ("models.read models.invoke", False),
    ],
)
def test_what_looks_like_a_secret(text: str, secret: bool) -> None:
    assert looks_secret(text) is secret


def sources_of(folder: Path, files: Mapping[str, str]) -> Sources:
    """Commits files, and returns them as `adopt` reads them."""
    write(folder, files)
    store = folder.with_name("store")
    store.mkdir()
    tree = must("git", "rev-parse", "HEAD^{tree}", cwd=folder).strip()
    return Sources(Store(store, folder, keep=False), tree)


def inferred(folder: Path, code: str, files: Mapping[str, str] | None = None) -> dict[str, Found]:
    """Returns what a package with one module says."""
    own = {"pyproject.toml": '[project]\nname = "acme"\n', "acme/__init__.py": code, **(files or {})}
    sources = sources_of(folder, own)
    text = sources.text("pyproject.toml") or ""
    layout = find_layout(sources, tomllib.loads(text), text)
    assert isinstance(layout, Layout)
    return infer(sources, tomllib.loads(text), text, layout, provider_code(sources, layout))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            'import jwt\ntoken = jwt.encode({"iss": "acme", "aud": "api", "exp": 1}, key, algorithm="ES256")\n'
            'headers = {"X-Token": token}\n',
            {"auth": "signed_jwt", "api_key_header": "X-Token"},
        ),
        (
            'TOKEN_PATH = os.getenv("ACME_TOKEN_FILE", "/var/run/acme/jwt")\nh = {"Authorization": "Bearer " + read(TOKEN_PATH)}\n',
            {"auth": "token_file", "token_file": "/var/run/acme/jwt", "api_key_prefix": "Bearer"},
        ),
        (
            'out = subprocess.run(["acme", "auth", "print token"], capture_output=True)\n',
            {"auth": "token_command", "token_command": "acme auth 'print token'"},
        ),
        (
            'url = "https://login.example.com/device"\ndata = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}\n'
            'requests.post("https://login.example.com/oauth/token", data=data, auth=(client, secret))\n',
            {"auth": "oauth_device_code"},
        ),
        (
            'fetch(grant_type="client_credentials", token_url="https://a.example.com/t", auth=(client, secret), scope="a b")\n',
            {"auth": "oauth_client_credentials"},
        ),
        (
            'headers["api-key"] = key\n',
            {"auth": "api_key", "api_key_header": "api-key", "api_key_prefix": ""},
        ),
        ('headers = {"Authorization": f"Token {key}"}\n', {"auth": "api_key", "api_key_prefix": "Token"}),
        (
            'requests.post("https://llm.example.com/generate", json={})\n',
            {"auth": "none", "api_base": "https://llm.example.com"},
        ),
        (
            'client = openai.OpenAI(api_key=key, base_url="https://x.example.com/v1/")\n',
            {"api_format": "openai", "api_base": "https://x.example.com/v1"},
        ),
        ('text = answer["choices"][0]["message"]["content"]\n', {"api_format": "openai"}),
        (
            'litellm.custom_provider_map = [{"provider": NAME, "custom_handler": h}]\nNAME = "my_acme"\n',
            {"provider": "my_acme"},
        ),
        ('SUPPORTED_MODELS = ["acme/a-1", "a-2"]\n', {"models": "a-1\na-2"}),
        (
            'TOKEN_URL = "https://login.acme.example.com/t"\nPATH = os.path.expanduser("~/.acme/.credentials.json")\n'
            'fetch(TOKEN_URL, data={"grant_type": "refresh_token"})\n',
            {"auth": "token_file", "token_file": "~/.acme/.credentials.json"},
        ),
        (
            'fetch(TOKEN_URL, data={"grant_type": "refresh_token"})\n',
            {"auth": "oauth_refresh_token"},
        ),
        (
            'PATH = Path("~/.acme/auth.json").expanduser()\nfetch(url, data={"grant_type": "refresh_token"})\n',
            {"auth": "token_file", "token_file": "~/.acme/auth.json"},
        ),
        (
            "FILE = f\"{os.environ['HOME']}/.acme/token\"\n",
            {"auth": "token_file", "token_file": "~/.acme/token"},
        ),
        (
            'FILE = os.getenv("HOME") + "/.config/acme/session.json"\n',
            {"auth": "token_file", "token_file": "~/.config/acme/session.json"},
        ),
        (
            'FILE = os.path.join(os.path.expanduser("~"), ".acme", "oauth_creds.json")\n',
            {"auth": "token_file", "token_file": "~/.acme/oauth_creds.json"},
        ),
        (
            'import httpx\nBASE_URL = "https://acme.example.com"\n'
            'httpx.post(f"{BASE_URL}/v1/messages", headers={"anthropic-version": "1"})\n',
            {"api_format": "anthropic", "api_base": "https://acme.example.com/v1"},
        ),
        (
            "from openai import OpenAI\nanswer = OpenAI(api_key=key).responses.create(model=model)\n",
            {"api_format": "responses"},
        ),
        (
            "import anthropic\nanswer = anthropic.Anthropic().messages.create(model=model)\n",
            {"api_format": "anthropic"},
        ),
        (
            'HOST_URL = "https://acme.example.com"\nPATH = "/inference/v1/chat/completions"\n',
            {"api_format": "openai", "api_base": "https://acme.example.com/inference/v1"},
        ),
        (
            'import litellm\nlitellm.completion(model="openai/" + name, api_base="https://acme.example.com/v1")\n',
            {"api_format": "openai", "api_base": "https://acme.example.com/v1"},
        ),
        (
            'def register(name="acme_2"):\n    entries.append({"provider": name, "custom_handler": h})\n',
            {"provider": "acme_2"},
        ),
    ],
)
def test_what_code_says(code: str, expected: dict[str, str], tmp_path: Path) -> None:
    found = inferred(tmp_path / "package", code)
    assert {name: found[name].value for name in expected if name in found} == expected
    assert all(found[name].source.startswith("acme/__init__.py:") for name in expected)


@pytest.mark.parametrize(
    ("code", "silent"),
    [
        ('headers = {"Authorization": make_header(key)}\n', "api_key_prefix"),
        ('subprocess.run(["acme", "auth", "status"])\n', "token_command"),
        ('subprocess.run(["acme", "-p", "--max-tokens", "9"])\n', "token_command"),
        ('CACHE = Path.home() / ".acme" / "tokenizer.json"\n', "token_file"),
        ('token = jwt.encode({"iss": "acme"}, secret, algorithm="HS256")\n', "auth"),
        ('HELP = "Post to /v1/messages or /responses."\n', "api_format"),
    ],
)
def test_what_code_does_not_say(code: str, silent: str, tmp_path: Path) -> None:
    assert silent not in inferred(tmp_path / "package", code)


HANDLER = """
class A(CustomLLM):
    binary = "acme"

    def completion(self, model, messages, **kwargs):
        {}
"""


@pytest.mark.parametrize(
    ("body", "program"),
    [
        ('subprocess.run(["acme", "-p", model])', "acme"),
        ('subprocess.run(["/opt/acme/acme", "chat", model])', "/opt/acme/acme chat"),
        ('subprocess.Popen(args=["acme", "big trees", "--json", "x"])', "acme 'big trees'"),
        ('await asyncio.create_subprocess_exec("acme", "chat", "--model", model, stdin=PIPE)', "acme chat"),
        ('cmd = ["acme", "chat"]; await asyncio.create_subprocess_exec(*cmd, "--json")', "acme chat"),
        ('self.run(["acme"])\n\ndef run(argv):\n    subprocess.run(argv)\n\nargv = ["acme", "ask"]', "acme ask"),
        ('subprocess.run([self.binary, "chat", *self.options])', "acme chat"),
        ('subprocess.run([os.getenv("ACME_BIN", "acme"), "chat"])', "acme chat"),
        ('subprocess.run([shutil.which("acme") or "acme"])', "acme"),
        ('subprocess.run(["acme", "chat"] + options)', "acme chat"),
        ('subprocess.run(shlex.split("acme chat"))', "acme chat"),
        ('os.popen(f"acme chat --model {model} | jq .")', "acme chat"),
        ('os.popen("acme " + model)', "acme"),
        ('pexpect.spawn("acme", ["chat"])', "acme"),
        ('subprocess.run(["acme", "chat"]); subprocess.run(["acme", "tools", "list"])', "acme"),
        ('subprocess.run(["acme", "--version"]); subprocess.run(["acme", "chat"])', "acme chat"),
        ('subprocess.run(["git", "diff"]); subprocess.run(["acme", "chat"])', "acme chat"),
        ('subprocess.run(["acme", "auth", "token"])\n        subprocess.run(["acme", "chat"])', "acme chat"),
        ('subprocess.run(["npx", "acme-chat", "-m", model])', "npx acme-chat"),
        # Not written out, or of one call alone.
        ("subprocess.run(messages)", None),
        ('subprocess.run([model, "chat"])', None),
        ('subprocess.run([sys.executable, "-m", "acme"])', None),
        ('subprocess.run(["npx", "-y", "acme-chat"])', None),
        ('subprocess.run(["bash", "-c", "acme chat"])', None),
        ('os.popen(f"acme{model}")', None),
        ('os.popen("$ACME chat")', None),
    ],
)
def test_programs(body: str, program: str | None, tmp_path: Path) -> None:
    found = inferred(tmp_path / "package", HANDLER.format(body.replace("await ", "")))
    assert (found["api_format"].value, found["sdk_kind"].value) == ("sdk", "program")
    assert re.match(r"acme/__init__[.]py:\d+ starts a program\Z", found["api_format"].source)
    assert (found["program"].value if "program" in found else None) == program


@pytest.mark.parametrize(("words", "program"), [("model, MODE", "acme chat"), ("MODE, model", "acme chat fast")])
def test_a_word_of_one_call_is_none_of_the_program(words: str, program: str, tmp_path: Path) -> None:
    """A parameter's default, which may stand for the program itself, is no word of each call."""
    body = f'subprocess.run([binary, "chat", {words}])\n'
    code = f'MODE = "fast"\nclass A(CustomLLM):\n  def completion(self, model="acme-1", binary="acme"): {body}'
    assert inferred(tmp_path / "package", code)["program"].value == program


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("import acme_sdk", "python"),
        ("import transformers", "python"),
        ("from llama_cpp import Llama", "python"),
        ("ctypes.CDLL('libacme.so')", "python"),
        ('import acme_sdk; subprocess.run(["acme", "login"])', "python"),
        # Nothing that answers, or something that is asked over HTTP.
        ("return 'echo'", None),
        ("import loguru, tiktoken", None),
        ('subprocess.run(["acme", "auth", "token"])', None),
        ('subprocess.run(["nvidia-smi"])', None),
        ('self.http.post(URL); subprocess.run(["acme", "chat"])', None),
        ("import acme_sdk, requests; requests.post(URL)", None),
        ("from acme.models import MODELS", None),
    ],
)
def test_kinds_of_sdks(body: str, kind: str | None, tmp_path: Path) -> None:
    found = inferred(tmp_path / "package", HANDLER.format(body))
    api_format = found["api_format"].value if "api_format" in found else None
    assert (api_format == "sdk") is (kind is not None)
    if kind:
        assert found["sdk_kind"].value == kind
        assert found["api_format"].source.startswith("acme/__init__.py:6 ")


@pytest.mark.parametrize(
    ("body", "auth"),
    [
        ("acme_sdk.chat(model, messages)", "none"),
        ("acme_sdk.chat(model, private_key=api_key)", "api_key"),
        ('acme_sdk.chat(model, token=os.environ["ACME_TOKEN"])', "api_key"),
        # It may be given to the SDK, or come from another method of the class.
        ("self.other(model, api_key)", None),
    ],
)
def test_credentials_of_sdks(body: str, auth: str | None, tmp_path: Path) -> None:
    found = inferred(tmp_path / "package", HANDLER.format(f"import acme_sdk; {body}"))
    assert (found["auth"].value if "auth" in found else None) == auth


@pytest.mark.parametrize(
    ("dependencies", "imported", "package"),
    [
        (["Acme_SDK >= 2, < 3"], "acme_sdk", "Acme_SDK<3,>=2"),
        (["acme.sdk[fast]==1.*"], "acme_sdk.aio", "acme.sdk[fast]==1.*"),
        (["llama-cpp-python>=0.3"], "llama_cpp", "llama-cpp-python>=0.3"),
        (["acme-sdk"], "acme", "acme-sdk"),
        (["acme-local-models"], "acmelocalmodels", "acme-local-models"),
        (["acme-sdk", "numpy"], "acme_sdk, json", "acme-sdk"),
        # Of another name, of several names, or not for every machine; and no more than the project says.
        (["acme-client"], "acme_sdk", None),
        (["acme"], "acme_sdk", None),
        (["acme-sdk-extras"], "acme_sdk", None),
        (["torch", "transformers"], "torch, transformers", None),
        (["acme-sdk; sys_platform == 'darwin'"], "acme_sdk", None),
        (["acme-sdk @ git+https://git.example.com/acme"], "acme_sdk", None),
        (["not a requirement!"], "acme_sdk", None),
        ([], "acme_sdk", None),
    ],
)
def test_the_package_of_an_sdk(dependencies: list[str], imported: str, package: str | None, tmp_path: Path) -> None:
    project = f'[project]\nname = "wrapper"\ndependencies = {dependencies!r}\n'
    files = {"pyproject.toml": project, "wrapper/__init__.py": HANDLER.format(f"import {imported}")}
    sources = sources_of(tmp_path / "package", files)
    layout = find_layout(sources, tomllib.loads(project), project)
    found = infer(sources, tomllib.loads(project), project, layout, provider_code(sources, layout))
    assert (found["sdk_package"].value if "sdk_package" in found else None) == package
    assert found["sdk_kind"].value == "python"


def test_the_package_of_an_sdk_in_other_places(tmp_path: Path) -> None:
    code = HANDLER.format("import acme_sdk")
    other = '[project]\nname = "wrapper"\n[tool.setuptools]\npackages = ["acme"]\n'
    extra = f"{other}[project.optional-dependencies]\nfast = ['acme-sdk>=3']\n"
    for number, (files, source) in enumerate(
        (
            (
                {"pyproject.toml": other, "requirements.txt": "# ours\n-r base.txt\nacme-sdk>=3  # it\n"},
                "requirements.txt:3",
            ),
            ({"pyproject.toml": extra}, "pyproject.toml:6"),
        )
    ):
        (tmp_path / str(number)).mkdir()
        found = inferred(tmp_path / str(number) / "package", code, files)["sdk_package"]
        assert (found.value, found.source) == ("acme-sdk>=3", f"{source}, acme/__init__.py:6")


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("import httpx\nclass A(CustomLLM):\n  def completion(self): client.stream(1)\n", True),
        ("class A(CustomLLM):\n  def completion(self): self.http.post(1)\n", True),
        (
            "from litellm import completion\nclass A(CustomLLM):\n  def completion(self): completion(1)\n",
            True,
        ),
        ("class A(CustomLLM):\n  def completion(self): self.session.stream(1)\n", False),
        ("import ctypes\nclass A(CustomLLM):\n  def completion(self): ctypes.CDLL('a.so')\n", False),
        ("import httpx\nclass A(CustomLLM):\n  def completion(self): raise httpx.ReadTimeout('')\n", False),
    ],
)
def test_requests_over_http(body: str, seen: bool, tmp_path: Path) -> None:
    sources = sources_of(tmp_path / "package", {"acme/__init__.py": body})
    found = provider_code(sources, Layout("acme", "acme/", ("acme/__init__.py",), ""))
    assert (no_http_in_words(found) == "") is seen


def test_a_provider_in_a_namespace_and_one_of_several(tmp_path: Path) -> None:
    """Code is read where the template has no place for it, and the second provider is said to be one."""
    handler = "class {}(CustomLLM):\n    def completion(self): self.http.post(1)\n"
    files = {"src/spaces/acme/handler.py": handler.format("A"), "tests/handler.py": handler.format("T")}
    sources = sources_of(tmp_path / "package", files)
    assert find_layout(sources, {"project": {"name": "acme"}}, "") is None
    found = provider_code(sources, None)
    assert [one.value for one in found.handlers] == ["A"]
    assert several_in_words(found) == ""
    found.handlers.append(Text("B", "", "b.py:1"))
    assert several_in_words(found).startswith("2 classes that LiteLLM calls were found (`A`, `B`)")


@pytest.mark.parametrize(
    ("function", "hook"),
    [
        ("def read(self):\n    yield 1\n", "get_model_response_iterator"),
        ("@contextmanager\ndef locked(self):\n    yield\n", ""),
        ("def default_path(): ...\n", ""),
        ("def raise_fault(): ...\n", "get_error_class"),
        ("def retry_response(): ...\n", ""),
        ("def is_response(): ...\n", ""),
        ("def from_api(): ...\n", "transform_response"),
        ("def confrom_x(): ...\n", ""),
        ("def estimate_tokens(): ...\n", ""),
        ("def load_token_from_answer(): ...\n", ""),
        ("def author_of_answer(): ...\n", "transform_response"),
    ],
)
def test_where_functions_go(function: str, hook: str, tmp_path: Path) -> None:
    sources = sources_of(tmp_path / "package", {"acme/__init__.py": function})
    (found,) = provider_code(sources, None).functions
    everything = " ".join(("get_model_response_iterator", "get_error_class", "transform_response"))
    assert hook_of(found, everything) == hook


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                ".github/workflows/a.yml": "uses: gh-action-pypi-publish\nwith:\n  repository-url: https://x\n",
                ".github/workflows/b.yml": "uses: gh-action-pypi-publish\n",
            },
            {"publish": "pypi"},
        ),
        (
            {".gitlab-ci.yml": "job: {script: [twine upload --repository-url x dist/*]}\n"},
            {"ci": "gitlab", "publish": "private"},
        ),
        (
            {".github/workflows/a.yml": "uses: pypa/gh-action-pypi-publish@release/v1\n"},
            {"ci": "github", "publish": "pypi"},
        ),
        ({".github/workflows/a.yml": "run: pytest\n"}, {"publish": "none"}),
        ({"mkdocs.yml": "", "Dockerfile": ""}, {"include": ["docs", "docker"]}),
        ({"LICENSE": "Redistribution ... Neither the name of ...\n"}, {"license": "BSD-3-Clause"}),
        ({}, {"license": "Proprietary", "include": []}),
        (
            {
                "pyproject.toml": '[project]\nname = "x"\n[tool.setuptools]\npackages = ["other"]\n',
                "other/a.py": "",
                "zoo/__init__.py": "",
            },
            {"module_name": "other"},
        ),
    ],
)
def test_what_files_say(files: dict[str, str], expected: dict[str, Any], tmp_path: Path) -> None:
    found = inferred(tmp_path / "package", "", files)
    assert {name: found[name].value for name in expected} == expected


TOML = """\
# of the file
[project] # name and so on
name = "x" # [not.a.table]
list = [
    # first
    "a", # [b]
    'c#d',
    { include-group = "e" },
]

# of the tool
[[tool.x."y.z"]]
text = '''
[no.table]
'''
"""


def test_toml_keeps_its_comments() -> None:
    found = tables.sections(TOML)
    assert [section.keys for section in found] == [(), ("project",), ("tool", "x", "y.z")]
    assert "".join(section.text for section in found) == TOML
    assert found[2].text.startswith("# of the tool\n[[")
    assert [key for key, _ in found[1].items()] == ["name", "list"]
    assert tables.lines_of(tables.array_of(tomlkit.parse(TOML)["project"]["list"])) == (
        '    # first\n    "a", # [b]\n    \'c#d\',\n    { include-group = "e" },\n'
    )


RENDERED = """\
[project]
version = "0.1.0"
authors = [
    { name = "A" },
]
classifiers = [
    "Typing :: Typed",
]
dependencies = [
    "litellm>=1",
    # Your dependencies go below this line.
]

[dependency-groups]
dev = [
    "ruff>=0.11",
]

[tool.pytest.ini_options]
testpaths = ["tests"]
"""


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (
            'project = {name = "x", dependencies = ["a"], keywords = ["k"]}\n',
            {"dependencies": ["a"], "keywords": ["k"]},
        ),
        ('project.name = "x"\nproject.urls.home = "h"\n', {"urls": {"home": "h"}}),
        (
            '[project]\nname = "x"\nurls.a = "b"\nkeywords = []\nurls.c = "d"\n',
            {"urls": {"a": "b", "c": "d"}, "keywords": []},
        ),
        (
            '[project]\nname = "x"\n[[project.authors]]\nname = "A"\n[[project.authors]]\nname = "B"\n',
            {"authors": [{"name": "B"}]},
        ),
        ('[project]\nname = "x"\n[tool.a]\nb = 1\n[project.urls]\nc = "d"\n', {"urls": {"c": "d"}}),
        ('[project]\r\nname = "x"\r\ndependencies = [\r\n"a" # why\r\n]\r\n', {"dependencies": ["a"]}),
        ('[project]\nname = "x"\nauthors = [{name = "A"}, {name = "B"}]\n', {"authors": [{"name": "B"}]}),
    ],
)
def test_a_project_file_written_in_another_way(theirs: str, expected: dict[str, Any]) -> None:
    composed = compose(RENDERED, theirs, version="1", licence="", is_there=lambda _: True)
    project = tomllib.loads(composed.text)["project"]
    assert {
        key: project[key][1:] if key in ("dependencies", "authors") else project[key] for key in expected
    } == expected
    assert composed.left == []
    assert "\r" not in composed.text


PROGRAM = """
import sys
from pathlib import Path
from rich.console import Console
from provider_template.adopt import adopt
sys.exit(adopt(Path(sys.argv[1]), sys.argv[2], ref=None, data={}, ask=True, console=Console()))
"""


def test_answers_are_corrected_in_the_terminal(template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", files_of("flat"))
    child: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, str(folder), str(template)],
        env=environment(PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", LANG="C.UTF-8", PYTHONPATH=str(ROOT)),
        dimensions=(80, 160),
        encoding="utf-8",
        timeout=60,
    )
    try:
        child.expect("Which of these answers are wrong")
        child.expect("api_base: ")
        child.send(" \r")
        child.expect("Base URL of the API")
        child.send(REDRAW)
        child.expect("https://api.northwind.example.com/v2")
        child.send("/beta\r")
        child.expect("corrected")
        child.expect("Which of these answers are wrong")
        child.send("\r")
        child.expect("ADOPTING.md")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    assert recorded(folder)["api_base"] == "https://api.northwind.example.com/v2/beta"
    assert recorded(folder)["provider"] == "northwind"


def test_stopping_changes_nothing(template: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "package", files_of("flat"))
    child: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, str(folder), str(template)],
        env=environment(PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", LANG="C.UTF-8", PYTHONPATH=str(ROOT)),
        dimensions=(80, 160),
        encoding="utf-8",
        timeout=60,
    )
    try:
        child.expect("api_base: ")
        child.sendintr()
        child.expect("Stopped: nothing was changed")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert must("git", "branch", "--show-current", cwd=folder).strip() == "main"
    assert BRANCH not in must("git", "branch", cwd=folder)


def test_nothing_heavy_is_imported_to_say_help() -> None:
    program = "import sys, provider_template.adopt; print([n for n in ('copier', 'questionary', 'rich', 'tomlkit', 'yaml') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['yaml']")
