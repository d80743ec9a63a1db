"""The rule of the rendered suite: what a provider cannot do is declared, and nothing else is skipped."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from testing.support import Tools, render, run


@pytest.fixture
def package(copier_template: Path, tmp_path: Path) -> Path:
    """A provider with the default answers."""
    return render(copier_template, tmp_path / "package", {})


def suite(package: Path, tools: Tools, *arguments: str, file: str = "chat") -> subprocess.CompletedProcess[str]:
    """Runs a part of the rendered suite, the package taken from its source folder."""
    tests = ("-m", "pytest", "-q", f"tests/conformance/test_{file}.py")
    return tools.with_litellm(package, *tests, *arguments, path=(package / "src",))


def test_declared_feature_is_left_out_and_reported(package: Path, tools: Tools) -> None:
    (package / "tests" / "unsupported.toml").write_text('tools = "the API has none"\n', encoding="utf-8")
    done = suite(package, tools, "-k", "test_tool_call or test_answer")
    assert done.returncode == 0, done.stdout
    assert "tools: not supported: the API has none" in done.stdout
    assert "2 skipped" in done.stdout


def test_silent_skip_fails(package: Path, tools: Tools) -> None:
    test = package / "tests" / "conformance" / "test_chat.py"
    text = test.read_text(encoding="utf-8")
    first = "def test_answer(mode: Mode, upstream: Upstream, model: str) -> None:\n"
    test.write_text(text.replace(first, f'{first}    pytest.skip("not today")\n'), encoding="utf-8")
    done = suite(package, tools, "-k", "test_answer and sync and not json and not none")
    assert done.returncode == 1, done.stdout
    assert "declare the feature in tests/unsupported.toml" in done.stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('tolls = "the API has none"', "names ['tolls'], which are not among"),
        ('tools = ""', "gives no reason for tools"),
        ("tools = true", "gives no reason for tools"),
    ],
)
def test_wrong_declaration_is_refused(line: str, sentence: str, package: Path, tools: Tools) -> None:
    (package / "tests" / "unsupported.toml").write_text(f"{line}\n", encoding="utf-8")
    done = suite(package, tools, "--collect-only")
    assert done.returncode == 4, done.stdout
    assert sentence in done.stdout


def upstream_toml(package: Path, text: str) -> Path:
    """Writes what the author says of the upstream; returns the folder that it is in."""
    (file,) = package.glob("src/*/upstream.toml")
    file.write_text(text, encoding="utf-8")
    return file.parent


def test_a_fact_stands_once(package: Path, tools: Tools) -> None:
    """Each contradiction, repetition or name with a mistake in it is told in a sentence."""
    unsupported = 'reasoning = "it has none"\nmax_tokens = "no limit"\n'
    (package / "tests" / "unsupported.toml").write_text(unsupported, encoding="utf-8")
    upstream_toml(package, '[parameters]\nmax_tokens = "ignored"\ntools = "refused"\nmax_token = "ignored"\n')
    done = suite(package, tools, "--tb=short", file="features")
    assert done.returncode == 1, done.stdout
    said = " ".join(done.stdout.replace("\nE ", " ").split())
    for sentence in (
        "says that there is no reasoning, and models.yaml says supports_reasoning: true to every caller: write false there",
        "tests/unsupported.toml says max_tokens once more: take the line out of unsupported.toml",
        "upstream.toml says tools = 'refused', and models.yaml says supports_function_calling: true to every caller",
        "upstream.toml has ['max_token'] under [parameters], which neither OpenAI has",
    ):
        assert sentence in said
    assert "4 failed" in said


OWN_PROVIDER = """
    import os

    import httpx

    from .auth.authenticator import Authenticator, Console, CredentialError, Status
    from .provider import Provider
    from .settings import Settings


    class Ticket(httpx.Auth):
        def __init__(self, ticket: str) -> None:
            self.secrets = (ticket,)

        def auth_flow(self, request):
            request.headers["x-ticket"] = self.secrets[0]
            yield request


    class Tickets(Authenticator):
        def for_call(self, api_key: str | None) -> Ticket:
            return Ticket(os.environ["TICKET"])

        def login(self, console: Console) -> str:
            return "a ticket was there"

        def logout(self) -> str:
            return ""

        def status(self) -> Status:
            return Status("ticket", True, "TICKET")


    class OwnProvider(Provider):
        def make_authenticator(self, settings: Settings) -> Authenticator:
            return Tickets()
"""
OWN_ACCOUNT = """
    from contextlib import contextmanager

    from .conformance.auth.account import OwnAccount


    @contextmanager
    def open_account(folder):
        yield OwnAccount({"TICKET": "ticket-1"}, lambda request: request.headers.get("x-ticket") == "ticket-1")
"""


def test_a_provider_with_another_authenticator(package: Path, tools: Tools) -> None:
    """Named once, it is what the tests, `doctor`, `chat`, `login`, `register()` and the proxy's YAML use."""
    source = upstream_toml(package, 'provider = ".own_provider:OwnProvider"\n')
    (source / "own_provider.py").write_text(textwrap.dedent(OWN_PROVIDER), encoding="utf-8")
    with (package / "tests" / "upstream.py").open("a", encoding="utf-8") as file:
        file.write(textwrap.dedent(OWN_ACCOUNT))
    more = ("tests/conformance/test_cli.py", "tests/conformance/test_proxy.py", "tests/conformance/auth/test_calls.py")
    done = suite(package, tools, *more, "-k", "(answer or doctor or chat or health or refused) and not bad_litellm")
    assert done.returncode == 0, done.stdout
    assert "declared: tests/upstream.py has an account of its own" in done.stdout


def test_check_runs_all_of_its_tools(package: Path, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text(
        '#!/bin/sh\necho "ran $*"\ncase "$*" in *"ruff check"*|*template_files*) exit 3;; esac\n', encoding="utf-8"
    )
    uv.chmod(0o755)
    done = run("make", "check", f"UV={uv}", cwd=package)
    assert done.returncode == 2
    for tool in ("locked_litellm", "template_files", "ruff format --check", "ruff check", "mypy"):
        assert any(line.startswith("ran ") and tool in line for line in done.stdout.splitlines()), tool
    failed = done.stdout.partition("These failed:")[2]
    assert "ruff check" in failed
    assert "template_files" in failed
    assert "mypy" not in failed
