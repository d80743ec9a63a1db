"""A small upstream with releases, and forks of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.answers import ROOT
from testing.support import must, run

# A LiteLLM in small: the places that insertions go to, and some files around.
FILES: Mapping[str, str] = {
    "README.md": "# LiteLLM\n",
    "pyproject.toml": '[project]\nname = "litellm"\nversion = "1.0.0"\ndependencies = [\n    "httpx",\n]\n',
    "litellm/__init__.py": "from litellm.utils import setup\n\ncustom_provider_map: list[dict[str, str]] = []\n",
    "litellm/utils.py": (
        "import litellm\n\n\ndef helper() -> int:\n    return 1\n\n\ndef setup() -> None:\n"
        "    for custom_llm in litellm.custom_provider_map:\n        print(custom_llm)\n"
    ),
    "litellm/main.py": "def completion() -> str:\n    return 'one'\n",
    "uv.lock": "version = 1\n",
}
ANCHOR = "    for custom_llm in litellm.custom_provider_map:\n"

INSERTIONS = r"""provider = "{name}"
owned = ["litellm/llms/{folder}/", "tests/test_litellm/llms/{folder}/", "fork/{folder}/"]
dependencies = [{dependencies}]

[[insert]]
name = "register"
file = "litellm/__init__.py"
where = "end"
why = "known before the first call"
body = '''
from litellm.llms.{folder}.in_tree import announce as _announce_{folder}

_announce_{folder}()
'''

[[insert]]
name = "setup"
file = "litellm/utils.py"
where = "before"
anchor = '^    for custom_llm in litellm\.custom_provider_map:$'
indent = 4
why = "another map does not turn it off"
body = '''
from litellm.llms.{folder}.in_tree import ensure_registered

ensure_registered()
'''
"""

FORK_TOML = """[fork]
name = "acme"
strategy = "merge"
owned = ["fork.toml", "CUSTOM_CHANGES.md", "fork/", ".github/workflows/fork-*.yml"]
keep = ["README.md"]
take = ["uv.lock"]

[upstream]
remote = "upstream"
url = "{url}"
branch = "main"
base = ""
commit = ""

[[replace]]
file = "pyproject.toml"
line = 'name = "litellm"'
with = 'name = "acme-llm"'
why = "branding"

[[replace]]
file = "pyproject.toml"
line = 'version = "(\\d+\\.\\d+\\.\\d+)"'
with = 'version = "\\1+acme"'
why = "a version of its own"
"""


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Writes files by their paths; None deletes one."""
    for path, text in files.items():
        file = folder / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())


def commit(folder: Path, message: str) -> str:
    """Commits all files and returns the commit."""
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--message", message, cwd=folder)
    return must("git", "rev-parse", "HEAD", cwd=folder).strip()


@dataclass(frozen=True)
class Upstream:
    """A repository with releases."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Upstream:
        """Returns one with a release, v1.0.0."""
        folder.mkdir(parents=True)
        must("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
        must("git", "config", "core.autocrlf", "false", cwd=folder)
        found = cls(folder)
        found.release("v1.0.0", FILES)
        return found

    def release(self, version: str, files: Mapping[str, str | None]) -> None:
        """Commits changed files and tags that."""
        write(self.folder, files)
        number = version.removeprefix("v")
        text = (self.folder / "pyproject.toml").read_text()
        start, rest = text.split('version = "', 1)
        (self.folder / "pyproject.toml").write_text(f'{start}version = "{number}{rest[rest.index(chr(34)) :]}')
        commit(self.folder, f"Release {version}")
        must("git", "tag", "--annotate", "--message", version, version, cwd=self.folder)

    def edit(self, version: str, path: str, old: str, new: str) -> None:
        """Makes a release in which a text of a file is another."""
        text = (self.folder / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        self.release(version, {path: text.replace(old, new)})


@dataclass(frozen=True)
class Fork:
    """A clone with a provider in it."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, upstream: Upstream, version: str = "v1.0.0") -> Fork:
        """Returns a fork of a release, with the insertions in place and all committed."""
        must(
            "git",
            "clone",
            "--quiet",
            "--origin=upstream",
            str(upstream.folder),
            str(folder),
            cwd=upstream.folder,
        )
        must("git", "config", "core.autocrlf", "false", cwd=folder)
        must("git", "checkout", "--quiet", "-B", "main", version, cwd=folder)
        found = cls(folder)
        found.add_provider("acme", '"joserfc>=1"')
        write(folder, {"fork.toml": FORK_TOML.replace("{url}", str(upstream.folder)), "README.md": "# Acme\n"})
        found.does("apply")
        commit(folder, "Add the provider")
        return found

    def add_provider(self, name: str, dependencies: str = "") -> None:
        """Writes the files of a provider; commits nothing."""
        folder = name.replace("-", "_")
        text = INSERTIONS.replace("{name}", name).replace("{folder}", folder).replace("{dependencies}", dependencies)
        write(
            self.folder,
            {
                f"fork/{folder}/provider.toml": text,
                f"litellm/llms/{folder}/in_tree.py": "def announce() -> None:\n    ...\n\n\ndef ensure_registered() -> None:\n    ...\n",
            },
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs the tool in the fork; its output is in `stdout`, with the errors."""
        command = (sys.executable, "-m", "fork_tool", *arguments)
        return run(*command, cwd=self.folder, PYTHONPATH=str(ROOT), **more)

    def does(self, *arguments: str) -> str:
        """Runs a command that has to end with 0, and returns what it says."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def synced(self, *arguments: str) -> dict[str, Any]:
        """Syncs, fast-forwards, and returns the report."""
        found: dict[str, Any] = json.loads(self.does("sync", "--no-probes", "--fast-forward", "--json", *arguments))
        return found

    def refuses(self, *arguments: str, status: int = 1) -> str:
        """Runs a command that has to be refused, and returns what it says; nothing may have changed."""
        before = self.state()
        done = self.run(*arguments)
        assert done.returncode == status, done.stdout
        assert self.state() == before
        assert "Traceback" not in done.stdout
        return done.stdout

    def state(self) -> tuple[str, ...]:
        """Returns what a command could have changed, but for upstream's branch and tags."""
        return (
            must("git", "status", "--porcelain", cwd=self.folder),
            must("git", "ls-files", "--stage", cwd=self.folder),
            must("git", "for-each-ref", "refs/heads", cwd=self.folder),
            must("git", "rev-parse", "HEAD", cwd=self.folder),
        )

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces a text in a file and commits that."""
        text = self.text(path)
        assert old in text, f"{old!r} is not in {path}"
        write(self.folder, {path: text.replace(old, new, 1)})
        commit(self.folder, f"Edit {path}")

    def text(self, path: str) -> str:
        """Returns the text of a file in the work tree."""
        return (self.folder / path).read_bytes().decode()

    def git(self, *arguments: str) -> str:
        """Runs git in the fork and returns what it prints."""
        return must("git", *arguments, cwd=self.folder).strip()
