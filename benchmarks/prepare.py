"""What the measurements need: a rendered package, and environments to run it and copier in.

The environments are kept in .venv-bench, so that only the first run installs anything.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
_KEPT = ROOT / ".venv-bench"
_UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Runs a command that has to succeed; what it prints is shown only when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"`{' '.join(map(str, command))}` ended with {done.returncode}:\n{done.stdout}")


def rendered_package(folder: Path, name: str = "package", **answers: str) -> Path:
    """Renders this template, uncommitted changes with it; returns the folder.

    Args:
        folder: where the package's folder goes.
        name: that folder's name.
        answers: those that differ from the defaults.
    """
    copier = Path(sys.executable).with_name("copier")
    given = [part for question, answer in answers.items() for part in ("-d", f"{question}={answer}")]
    run(copier, "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD", *given, ROOT, folder / name)
    return folder / name


def provider_environment(package: Path, *others: Path) -> Path:
    """Returns the folder of programs of an environment with LiteLLM (of the lock), this package, and others like it."""
    programs = _environment("litellm", package / "pyproject.toml", [str(package)])
    # The rest stays; the package itself is a new one in each run.
    run(_UV, "pip", "install", "--python", programs / "python", "--no-deps", "--reinstall", package, *others)
    return programs


def routing_environment(package: Path) -> Path:
    """Returns the folder of programs of an environment with this package, LiteLLM's proxy (of the lock), and other proxies."""
    others = ["fastapi-proxy-lib==0.3.0", "asgiproxy==0.2.0", "litellm[proxy]"]
    programs = _environment("routing", package / "pyproject.toml", [str(package), *others])
    run(_UV, "pip", "install", "--python", programs / "python", "--no-deps", "--reinstall", package)
    return programs


def copier_environment() -> Path:
    """Returns the folder of programs of an environment with copier, our command's libraries, and what templates ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return _environment("copier", ROOT / "pyproject.toml", [*project["dependencies"], "copier-template-extensions"])


def credentials_environment() -> Path:
    """Returns the folder of programs of an environment with what tokens need."""
    wanted = ["httpx", "pydantic-settings", "authlib", "joserfc", "filelock", "platformdirs"]
    return _environment("credentials", None, wanted)


def _environment(name: str, changing: Path | None, wanted: Sequence[str]) -> Path:
    lock = ROOT / "requirements" / ("dev.txt" if name == "copier" else "litellm.txt")
    inputs = [lock.read_bytes(), changing.read_bytes() if changing else b"", repr(sys.version_info).encode()]
    key = hashlib.sha256(b"".join(inputs)).hexdigest()[:12]
    folder = _KEPT / f"{name}-{key}"
    done = folder / "installed"
    if not done.exists():
        python = folder / "bin" / "python"
        run(_UV, "venv", "--clear", "--python", sys.executable, folder)
        # Its bytecode is compiled now, or the first round would do it.
        run(_UV, "pip", "install", "--compile-bytecode", "--python", python, "--constraint", lock, *wanted)
        done.touch()
    return folder / "bin"
