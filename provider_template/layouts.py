"""Moves a provider between its layouts: from a package of its own into a fork of LiteLLM, and back."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from provider_template import git
from provider_template.errors import Refusal
from provider_template.project import (
    ANSWERS,
    FILES,
    Project,
    TemplateFiles,
    open_project,
    refuse_relative,
    require_clean,
)
from provider_template.render import Render, render
from provider_template.template import open_repository

# Where a fork keeps the files of a package that a fork has no use for.
_CARRIED = "package"

# What a package can include and a fork cannot.
_PACKAGES_ONLY = ("docs", "docker", "routing")

# Files of a fork that all its providers share, and that are its owner's.
_FORKS_OWN = ("fork.toml",)


@dataclass(frozen=True)
class Moved:
    """What a move came to."""

    folder: Path
    own: tuple[str, ...]
    """The author's files in their new places, unchanged."""
    carried: tuple[str, ...]
    """Files that are kept for the way back."""


def to_fork(package: Path, fork: Path) -> Moved:
    """Renders a package's provider into a fork, or a folder for one, and takes the author's files along.

    Args:
        package: the package; it is only read.
        fork: a checkout of LiteLLM, or a folder that is to hold nothing else.

    Raises:
        Refusal: the package is not committed or too old, or the fork has such a provider; nothing was changed.
    """
    project = open_project(package)
    require_clean(project.folder)
    if not project.files.template:
        raise Refusal(f"{package} does not say whose its files are ({FILES}): update it first (make update).")
    if project.answers.get("layout", "package") != "package":
        raise Refusal(f"{package} is no package: its layout is {project.answers['layout']}.")
    _refuse_changes(fork)
    with TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        answers = _given(project.answers) | {"layout": "fork"}
        answers["include"] = [one for one in answers["include"] if one not in _PACKAGES_ONLY]
        _render(project, made, answers, Path(scratch))
        folder = _folder_in(made, str(project.answers["provider"]))
        _refuse_there(fork, folder)
        carried = f"fork/{folder}/{_CARRIED}"
        own: list[str] = []
        kept: list[str] = []
        for path in _own_files(project):
            place = _in_fork(path, str(project.answers["module_name"]), folder)
            (own if place else kept).append(path)
            _copy(project.folder / path, made / (place or f"{carried}/{path}"))
        _copy(project.folder / project.answers_file, made / carried / ANSWERS)
        _put(made, fork, [path for path in _all(made) if path not in _FORKS_OWN or not (fork / path).exists()])
    return Moved(fork, tuple(own), tuple(kept))


def to_package(fork: Path, provider: str, package: Path) -> Moved:
    """Renders a provider of a fork as a package, and gives it the author's files back.

    Args:
        fork: the fork; it is only read.
        provider: the provider, as models are called by it.
        package: the folder to make; it must not be there, or be empty.

    Raises:
        Refusal: there is no such provider, or the folder has files in it; nothing was changed.
    """
    folder = _folder_in(fork, provider)
    here = fork / "fork" / folder
    answers = open_project(here).answers
    carried = here / _CARRIED
    before = open_project(carried).answers if (carried / ANSWERS).is_file() else None
    if package.exists() and any(package.iterdir()):
        raise Refusal(f"{package} has files in it: name a folder that is not there yet.")
    with TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        project = Project(here, before or answers, TemplateFiles())
        given = {**_given(before or {}), **_shared(answers, before), "layout": "package"}
        _render(project, made, given, Path(scratch))
        module = str(open_project(made).answers["module_name"])
        listed = TemplateFiles.from_text((here / FILES).read_text(encoding="utf-8"))
        own: list[str] = []
        for root, place in (
            (f"litellm/llms/{folder}", f"src/{module}"),
            (f"tests/test_litellm/llms/{folder}", "tests"),
        ):
            for source in _files(fork / root):
                if listed.owner(f"{root}/{source}") == "yours":
                    own.append(f"{place}/{source}")
                    _copy(fork / root / source, made / place / source)
        kept = [path for path in _files(carried) if path != ANSWERS]
        for path in kept:
            _copy(carried / path, made / path)
        _put(made, package, _all(made))
    return Moved(package, tuple(own), tuple(kept))


def _given(answers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if not name.startswith("_")}


def _shared(answers: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Returns a fork's answers, as far as the package that it once was knows the question."""
    given = _given(answers)
    if before is None:
        return given
    own = [one for one in before["include"] if one in _PACKAGES_ONLY]
    return {name: value for name, value in given.items() if name in before} | {"include": given["include"] + own}


def _render(project: Project, folder: Path, answers: dict[str, Any], scratch: Path) -> None:
    refuse_relative(project)
    template = open_repository(project.source, scratch)
    if not template.has(project.commit):
        raise Refusal(f"The template has no version {project.commit} any more: update the provider first.")
    render(Render.of(template, project.commit, folder, data=answers))


def _folder_in(fork: Path, provider: str) -> str:
    """Returns the name of a provider's folder in a fork."""
    found: list[str] = []
    for answers in sorted(fork.glob(f"fork/*/{ANSWERS}")):
        name = str(open_project(answers.parent).answers["provider"])
        if name == provider:
            return answers.parent.name
        found.append(name)
    raise Refusal(
        f'{fork} has no provider "{provider}" in fork/: it has {", ".join(found)}.'
        if found
        else f"{fork} has no provider in fork/: its version of the template knows no forks, so update it first."
    )


def _refuse_changes(fork: Path) -> None:
    done = git.run("rev-parse", "--show-toplevel", cwd=fork) if fork.is_dir() else None
    if done is not None and done.returncode == 0:
        require_clean(fork)


def _refuse_there(fork: Path, folder: str) -> None:
    for path in (f"litellm/llms/{folder}", f"fork/{folder}", f"tests/test_litellm/llms/{folder}"):
        if (fork / path).exists():
            raise Refusal(
                f"{fork / path} is there already: a provider of that name is in the fork; move it away first."
            )


def _own_files(project: Project) -> list[str]:
    """Returns the files of a package that are not the template's, by path."""
    listed = git.must("ls-files", "-z", "--", ".", cwd=project.folder).split("\0")
    return [path for path in listed if path and project.files.owner(path) != "template"]


def _in_fork(path: str, module: str, folder: str) -> str | None:
    """Returns where a file of a package is in a fork; None where a fork has no place for it."""
    for root, place in (
        (f"src/{module}/", f"litellm/llms/{folder}/"),
        ("tests/", f"tests/test_litellm/llms/{folder}/"),
    ):
        if path.startswith(root):
            return place + path.removeprefix(root)
    return None


def _all(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _files(folder: Path) -> list[str]:
    return [path for path in _all(folder) if "__pycache__" not in path.split("/")]


def _put(made: Path, folder: Path, paths: Sequence[str]) -> None:
    """Copies files into a folder: all of them or none.

    Raises:
        Refusal: one cannot be written; the message says whether everything is as it was.
    """
    before = {path: (folder / path).read_bytes() for path in paths if (folder / path).is_file()}
    path = ""
    try:
        for path in paths:
            _copy(made / path, folder / path)
    except OSError as error:
        left = _taken_back(folder, paths[: paths.index(path) + 1], before)
        words = "Nothing was changed: fix that, then do it again."
        if left:
            commands = [f"rm -f -- {shlex.join(new)}"] if (new := [one for one in left if one not in before]) else []
            if old := [one for one in left if one in before]:
                commands.append(f"git checkout -q -- {shlex.join(old)}")
            here = f"cd {shlex.quote(str(folder.absolute()))}"
            words = f"Not as before: {', '.join(left)}. This puts it back: {' && '.join([here, *commands])}"
        raise Refusal(f"{folder / path} cannot be written: {error.strerror or error}. {words}") from None


def _taken_back(folder: Path, paths: Sequence[str], before: Mapping[str, bytes]) -> list[str]:
    """Deletes files that were not there before and writes the others as they were; returns those that it could not."""
    left: list[str] = []
    # New files first: a full disk has room again then.
    for path in sorted(paths, key=before.__contains__):
        try:
            if path in before:
                (folder / path).write_bytes(before[path])
                continue
            (folder / path).unlink(missing_ok=True)
            for parent in list(PurePosixPath(path).parents)[:-1]:
                if any((folder / parent).iterdir()):
                    break
                (folder / parent).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
    return left


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, place)
