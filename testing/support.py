"""What several test modules share: rendering, running commands, and the tools that check a render."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import pytest

from testing import warm
from testing.answers import ROOT, Answer
from testing.quick import KEPT

BIN = Path(sys.executable).parent
UV = shutil.which("uv", path=str(BIN)) or shutil.which("uv") or "uv"
# npm is a script that looks for the node beside it.
WITH_NODE = f"{BIN}:{os.environ['PATH']}"

# Answers with every dependency that a render can have; tests/test_auth_files.py compares.
EVERYTHING: Mapping[str, Answer] = {
    "auth": "oauth_device_code",
    "token_store": "keyring",
    "include": ["cli", "docs", "docker", "routing"],
}

# What Copier reads, and nothing that lies about in the working tree.
TEMPLATE = (".gitignore", "copier.yml", "hooks", "files.yml", "questions", "template")

# What a run of ours puts into the environment and a rendered package's own run must not see.
_OURS = (
    "PYTEST_",
    "MAKE",
    "MFLAGS",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",  # a run imports LiteLLM many times
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "UV_",
)
_KEEP = (
    "UV_CACHE_DIR",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_FIND_LINKS",
    "UV_LINK_MODE",
    "UV_PYTHON",
    "UV_PYTHON_INSTALL_DIR",
    "UV_OFFLINE",
)


def render(template: Path, folder: Path, answers: Mapping[str, Answer]) -> Path:
    """Renders the template as an untrusting user would, and returns the folder."""
    copier.run_copy(str(template), folder, data=dict(answers), unsafe=False, defaults=True, quiet=True)
    return folder


def copy_template(folder: Path) -> Path:
    """Copies the template as it is in the working tree into a new folder, and returns that."""
    for name in TEMPLATE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


QUICK = (sys.executable, str(ROOT / "testing" / "quick.py"))
"""Runs a module as a program, which renders quickly; with ROOT on PYTHONPATH."""


def copier_in(folder: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs Copier in a folder."""
    return run_quick("copier", *arguments, cwd=folder, **more)


def run_quick(*program: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a module as a program that renders quickly and begins where Copier is imported; as `run`."""
    return warm.run(
        [str(part) for part in program],
        starter=QUICK,
        imported=("quick", "copier", "tomlkit", "typer"),
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), **more),
    )


def environment(**more: str) -> dict[str, str]:
    """Returns the environment for a command that knows nothing of this test run."""
    kept = {name: value for name, value in os.environ.items() if name in _KEEP or not name.startswith(_OURS)}
    return {**kept, **more}


def run(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; its two output streams come back as one."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(**more),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def must(*command: str | Path, cwd: Path, **more: str) -> str:
    """Runs a command that has to succeed, and returns what it printed."""
    done = run(*command, cwd=cwd, **more)
    assert done.returncode == 0, f"`{' '.join(map(str, command))}` ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Lets this process and those that it starts write no larger file, as a quota or a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(name: str) -> Iterator[Path]:
    """Gives one test process at a time the folder of that name below KEPT."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def npm_ci(project: Path) -> Path:
    """Copies a folder to where it outlives a test run, with the npm packages of its lock; returns the copy."""
    lock = (project / "package-lock.json").read_bytes()
    with locked(f"{project.name}-{hashlib.sha256(lock).hexdigest()[:12]}") as folder:
        for path in project.iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        if not (folder / "node_modules" / ".package-lock.json").exists():
            options = ("--no-audit", "--no-fund", "--ignore-scripts")
            done = run(BIN / "npm", "ci", *options, cwd=folder, PATH=WITH_NODE)
            if done.returncode:
                pytest.fail(f"npm could not install what {project.name} needs:\n{done.stdout}")
    return folder


def commit_all(folder: Path) -> None:
    """Makes the folder a git repository with everything in one commit."""
    must("git", "init", "--quiet", cwd=folder)
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--message", "Render", cwd=folder)


@dataclass(frozen=True)
class Tools:
    """The tools and libraries that a rendered package asks for, in one environment for all renders."""

    python: Path
    mypy_cache: Path

    def with_litellm(
        self, folder: Path, *arguments: str | Path, path: Iterable[Path] = (), **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs Python in the folder, where LiteLLM is imported already; as `run`.

        Args:
            folder: where to run it.
            arguments: those of Python: `-m` and a module, or `-c` and a program, and its own.
            path: what is on PYTHONPATH.
            more: variables of its environment, none that LiteLLM reads when it is imported.
        """
        more |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": os.pathsep.join(map(str, path))}
        return warm.run(
            [str(part) for part in arguments],
            starter=(str(self.python),),
            imported=("litellm",),
            cwd=folder,
            env=environment(**more),
        )

    def ruff(self, folder: Path, *arguments: str) -> list[str]:
        """Runs ruff in the folder; returns what it found."""
        done = run(
            self.python.with_name("ruff"),
            *arguments,
            "--no-cache",
            "--quiet",
            cwd=folder,
            RUFF_OUTPUT_FORMAT="concise",
        )
        lines = [line for line in done.stdout.splitlines() if not line.startswith(("   ", "[*]"))]
        return [f"ruff {' '.join(arguments)}: {line}" for line in lines] or (
            [f"ruff {' '.join(arguments)} ended with {done.returncode}"] if done.returncode else []
        )

    def mypy(self, folder: Path, *, as_it_is: bool = False) -> list[str]:
        """Runs mypy with the settings of a rendered package; returns what it found.

        Args:
            folder: the package.
            as_it_is: whether to run with its lowest Python. Otherwise that is the same for all packages, as mypy drops what it
                knows of LiteLLM from a run with other settings.
        """
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        if not as_it_is:
            text = re.sub(r"^python_version = .*", 'python_version = "3.11"', text, flags=re.MULTILINE)
        with tempfile.TemporaryDirectory() as elsewhere:
            settings = Path(elsewhere, "settings.toml")
            settings.write_text(text, encoding="utf-8")
            command = (self.python, "-m", "mypy", "--no-error-summary", "--config-file", settings, "--cache-dir")
            done = run(*command, self.cache_of(text, folder, command), cwd=folder)
        return [f"mypy: {line}" for line in done.stdout.splitlines()] if done.returncode else []

    def cache_for(self, folder: Path) -> Path:
        """Returns a cache of mypy's for a package's own run, in which LiteLLM has been looked at."""
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        return self.cache_of(text, folder, (self.python, "-m", "mypy", "--cache-dir"))

    def cache_of(self, settings: str, folder: Path, mypy: tuple[str | Path, ...]) -> Path:
        """Returns this worker's cache for the settings: two runs must not write to the same one. It begins as the first one's."""
        key = hashlib.sha256(repr(tomllib.loads(settings)["tool"]["mypy"]).encode()).hexdigest()[:12]
        cache = self.mypy_cache.with_name(f"{self.mypy_cache.name}-{key}")
        if not cache.exists():
            with locked(f"mypy-{key}") as first:
                if not any(first.iterdir()):
                    run(*mypy, first, cwd=folder)
                shutil.copytree(first, cache)
        return cache


def install_tools(rendered: Path, worker: str) -> Tools:
    """Makes (or finds) the environment with everything that this render depends on."""
    project: dict[str, Any] = tomllib.loads((rendered / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = (project["project"]["dependencies"], project["dependency-groups"])
    key = hashlib.sha256(repr((wanted, sys.version_info[:2])).encode()).hexdigest()[:12]
    with locked(f"tools-{key}") as folder:
        python = folder / "venv" / "bin" / "python"
        done = folder / "installed"
        if not done.exists():
            must(UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv", cwd=ROOT)
            asked_for = ("-r", "pyproject.toml", "--group", "dev")
            must(UV, "pip", "install", "--quiet", "--python", python, *asked_for, cwd=rendered)
            done.touch()
    return Tools(python=python, mypy_cache=folder / f"mypy-{worker}")


def as_installed(package: Path) -> Path:
    """Returns a folder with what an installation of a package would have made: it asks for its own version."""
    name = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    normalized = re.sub(r"[-_.]+", "_", name)
    folder = package.with_name(f"{package.name}-installed")
    metadata = folder / f"{normalized}-0.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\n", encoding="utf-8")
    return folder


def wait_for_index(folder: Path) -> None:
    """Waits until no git is at work on the index any more."""
    calm = 0
    for _ in range(200):
        calm = 0 if (folder / ".git" / "index.lock").exists() else calm + 1
        if calm == 10:
            return
        time.sleep(0.03)
    pytest.fail("git does not let go of the index")
