"""Brings a fork with two providers through a real history of LiteLLM's releases, by each way there is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.answers import ROOT, Answer
from testing.forks import commit
from testing.support import UV, locked, must, render, run

# From two renders, so that each has its own folder, insertions and dependencies.
PROVIDERS: tuple[dict[str, Answer], ...] = (
    {"layout": "fork", "provider_name": "Acme AI", "fork_name": "acme", "ci": "github"},
    {
        "layout": "fork",
        "provider_name": "Nördlicher Rat 2",
        "fork_name": "acme",
        "api_format": "custom",
        "auth": "oauth_client_credentials",
        "ci": "github",
    },
)

BRANDING = """
[[replace]]
file = "pyproject.toml"
line = '^name = "litellm"$'
with = 'name = "acme-llm"'
why = "the distribution has a name of its own"

[[replace]]
file = "pyproject.toml"
line = '(?<=name = "litellm"\\n)version = "(\\d+\\.\\d+\\.\\d+)"'
with = 'version = "\\1+acme"'
why = "a version of its own"

[[replace]]
file = "litellm/proxy/proxy_server.py"
line = '^app = FastAPI\\($'
with = 'app = FastAPI(  # Acme'
why = "a line of code with another look"
"""


@dataclass(frozen=True)
class Row:
    """What it came to, to bring a fork from the oldest release to the newest one way."""

    strategy: str
    steps: str
    """`every release`, or `one jump`."""
    syncs: int
    conflicts: int
    refused: int
    probes: int
    """Probes that passed, of all providers after each sync."""
    seconds: float
    """Of the syncs, without the probes."""


# From here on, LiteLLM does not run without the compiled modules of the same version.
COMPILED = (1, 109)


def probe_python(version: str) -> Path:
    """Makes (or finds) an environment with what a version of LiteLLM and the providers need; returns its interpreter.

    Older versions share one, with the newest LiteLLM that can be installed; the tool imports the fork's own anyway.
    """
    compiled = tuple(map(int, version.split(".")[:2])) >= COMPILED
    with locked(f"fork-probes-{version}" if compiled else "fork-probes") as folder:
        python, done = folder / "venv" / "bin" / "python", folder / "installed"
        if not done.exists():
            must(UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv", cwd=ROOT)
            install = (UV, "pip", "install", "--quiet", "--python", python)
            must(*install, "litellm[proxy]", "authlib", "filelock", "platformdirs", "typer", "rich", cwd=ROOT)
            if compiled:
                # Not all that it asks for need be published yet.
                must(*install, "--no-deps", f"litellm=={version}", cwd=ROOT)
            done.touch()
    return python


def make_fork(folder: Path, template: Path, repository: Path, version: str) -> None:
    """Makes a fork of a release: two providers from two renders, branding, and all committed.

    Args:
        folder: where to make it.
        template: the template to render.
        repository: a bare repository with LiteLLM's releases.
        version: the tag to start from.
    """
    must("git", "clone", "--quiet", "--shared", "--no-checkout", str(repository), str(folder), cwd=repository)
    must("git", "remote", "rename", "origin", "upstream", cwd=folder)
    must("git", "checkout", "--quiet", "-B", "main", version, cwd=folder)
    for answers in PROVIDERS:
        render(template, folder, {**answers, "upstream_url": f"file://{repository}"})
        if answers is PROVIDERS[0]:
            spec = folder / "fork.toml"
            text = spec.read_text(encoding="utf-8").replace("keep = []", 'keep = ["README.md"]')
            spec.write_text(text + BRANDING, encoding="utf-8")
            (folder / "README.md").write_text("# Acme's LiteLLM\n", encoding="utf-8")
        tool(folder, "apply")
        commit(folder, f"feat: add {answers['provider_name']}")
    tool(folder, "changes")
    if must("git", "status", "--porcelain", cwd=folder):
        commit(folder, "docs: what this fork changes")


def tool(folder: Path, *arguments: str) -> str:
    """Runs the fork's own copy of the tool, which has to succeed, and returns what it prints."""
    return must(sys.executable, "fork/tool", *arguments, cwd=folder)


def go(folder: Path, tags: Sequence[str], strategy: str, *, probed: bool = True) -> Row:
    """Syncs a fork to each of the tags, one after the other, and verifies it after each.

    Args:
        folder: the fork, at an older version.
        tags: upstream's releases to go to, in order.
        strategy: `merge` or `rebase`.
        probed: whether its providers are called, too, in an environment with what that version needs.
    """
    conflicts = refused = probes = 0
    seconds = 0.0
    for tag in tags:
        started = time.perf_counter()
        command = (
            "sync",
            "--to",
            tag,
            "--strategy",
            strategy,
            "--fast-forward",
            "--no-fetch",
            "--no-probes",
            "--json",
        )
        done = run(sys.executable, "fork/tool", *command, cwd=folder)
        seconds += time.perf_counter() - started
        if done.returncode:
            refused += 1
            print(f"{tag} was refused: {done.stdout}", file=sys.stderr)  # noqa: T201
            break
        report: dict[str, Any] = json.loads(done.stdout)
        conflicts += report["conflicts"]
        how = ("--python", str(probe_python(tag.removeprefix("v")))) if probed else ("--no-probes",)
        found = json.loads(tool(folder, "verify", "--json", *how))
        assert found["base"] == tag
        assert not must("git", "status", "--porcelain", "--untracked-files=no", cwd=folder)
        probes += sum(len(lines) for lines in found["probes"].values())
    return Row(
        strategy,
        "one jump" if len(tags) == 1 else "every release",
        len(tags),
        conflicts,
        refused,
        probes,
        seconds,
    )
