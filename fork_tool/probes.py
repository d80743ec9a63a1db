"""Runs the probes of a fork's providers: real calls through LiteLLM, as a commit of the fork has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .declaration import Declaration, Provider
from .errors import Refusal
from .git import Git

_SECONDS = 600.0
_SHOWN_LINES = 30


@dataclass(frozen=True)
class Probed:
    """The probes of a provider that have passed."""

    provider: str
    lines: tuple[str, ...]


def interpreter(given: str | None) -> str:
    """Returns the Python to run probes with: the given one, that of the active environment, or this one."""
    if given:
        return given
    active = os.environ.get("VIRTUAL_ENV")
    return str(Path(active) / ("Scripts" if os.name == "nt" else "bin") / "python") if active else sys.executable


def probe(git: Git, commit: str, declared: Declaration, python: str) -> tuple[Probed, ...]:
    """Runs the probes of all providers on a commit, in a copy of its files.

    Args:
        git: the fork.
        commit: the commit or tree to look at.
        declared: what the fork has of its own.
        python: an interpreter with the dependencies of LiteLLM and of the providers.

    Raises:
        Refusal: a probe fails, or that interpreter has not what it takes.
    """
    if shutil.which(python) is None:
        raise Refusal(f"There is no {python}: name an interpreter with --python, or pass --no-probes.")
    with TemporaryDirectory(prefix="fork-probes-") as temporary:
        folder = Path(temporary) / "tree"
        git.copy_to(commit, folder)
        _add_compiled(folder / "litellm", python)
        return tuple(_probe(folder, provider, python) for provider in declared.providers)


_INSTALLED = "import importlib.util as u; s = u.find_spec('litellm'); print(s.origin if s and s.origin else '')"


def _add_compiled(package: Path, python: str) -> None:
    """Adds LiteLLM's compiled modules, which are not in its sources, as they are installed for an interpreter."""
    done = subprocess.run([python, "-I", "-c", _INSTALLED], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        return
    installed = Path(done.stdout.strip()).parent
    for pattern in ("*.so", "*.pyd"):
        for source in installed.rglob(pattern):
            beside = package / source.relative_to(installed)
            if beside.parent.is_dir() and not beside.exists():
                shutil.copyfile(source, beside)


def _probe(folder: Path, provider: Provider, python: str) -> Probed:
    """Runs the probes of a provider in a copy of the fork's files; imports leave bytecode there for the next ones."""
    tests = next((path for path in provider.owned if path.startswith("tests/") and path.endswith("/")), None)
    if tests is None or not (folder / tests / "conformance" / "probes.py").is_file():
        raise Refusal(
            f"The provider {provider.name} has no probes ({tests or 'tests/…/'}conformance/probes.py): "
            "render it again, or pass --no-probes."
        )
    module = ".".join([*tests.rstrip("/").split("/"), "conformance", "probes"])
    # PIP_ and proxy settings stay; what would bring another LiteLLM in does not.
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            [python, "-m", module],
            cwd=folder,
            env={**variables, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Refusal(f"There is no {python}: name an interpreter with --python, or pass --no-probes.") from None
    except subprocess.TimeoutExpired:
        raise Refusal(
            f"The probes of {provider.name} had not ended after {_SECONDS:.0f} seconds: run them by hand with "
            f"{python} -m {module}"
        ) from None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            lines.append(
                "The probes need LiteLLM's dependencies and those of the provider: name an interpreter that has them "
                "with --python, or pass --no-probes."
            )
        shown = "\n".join(f"    {line}" for line in lines[-_SHOWN_LINES:])
        raise Refusal(f"The probes of {provider.name} failed with {python}:\n{shown}")
    return Probed(provider.name, tuple(line for line in done.stdout.splitlines() if line.startswith("ok ")))
