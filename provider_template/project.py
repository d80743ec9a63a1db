"""A rendered package: its answers, its list of the template's files, and where it is in git."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from fork_tool.in_progress import refuse_in_progress
from provider_template import git
from provider_template.errors import Refusal

ANSWERS = ".copier-answers.yml"
FILES = ".template-files.yml"

Owner: TypeAlias = Literal["template", "shared", "yours"]
"""Whose a file is, in the words of `.template-files.yml`; `yours` is the package's author's."""

# The C parser is several times as fast, and not everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 50


def read_yaml(text: str) -> Any:
    """Returns what a YAML text says.

    Raises:
        yaml.YAMLError: it is no YAML, or is nested deeper than any list of ours.
    """
    depth = 0
    # The C parser would end the whole process at some ten thousand levels.
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise yaml.YAMLError(f"it is nested more than {_DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  # both loaders are the safe one


@dataclass(frozen=True)
class TemplateFiles:
    """Whose each file of a render is, as its `.template-files.yml` says."""

    template: dict[str, str] = field(default_factory=dict)
    """The template's files, each with the SHA-256 that it was rendered with."""
    shared: tuple[str, ...] = ()
    yours: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    """The author's, as patterns of .gitignore."""
    instead: dict[str, str] = field(default_factory=dict)
    """What to do rather than to edit a template's file, by pattern; the first that fits."""
    answers: str = ""
    """Where Copier keeps the answers; nothing where the list does not say so, as those of old versions."""

    @classmethod
    def from_text(cls, text: str | None) -> TemplateFiles:
        """Reads the list; none is an empty one, as of a package that was rendered before there were lists."""
        if text is None:
            return cls()
        try:
            found = read_yaml(text)
            return cls(
                template={str(path): str(value) for path, value in (found["template"] or {}).items()},
                shared=tuple(map(str, found["shared"] or ())),
                yours=tuple(map(str, found["yours"] or ())),
                patterns=tuple(map(str, found["patterns"] or ())),
                instead={str(path): str(value) for path, value in (found.get("instead") or {}).items()},
                answers=str(found.get("answers") or ""),
            )
        except (yaml.YAMLError, TypeError, KeyError, AttributeError):
            raise Refusal(
                f"{FILES} cannot be read: take the one of the last commit (git checkout HEAD -- {FILES})."
            ) from None

    def owner(self, path: str) -> Owner:
        """Returns whose a file is; what no list names is its author's."""
        if path in self.template or path in (FILES, self.answers or ANSWERS):
            return "template"
        return "shared" if path in self.shared else "yours"

    def is_yours(self, path: str) -> bool:
        """Returns whether a path that some version rendered belongs to the author."""
        return matches(self.patterns, path)

    def instead_of(self, path: str) -> str:
        """Returns what to do rather than to edit that file."""
        return next((words for pattern, words in self.instead.items() if matches((pattern,), path)), "see AGENTS.md")


def matches(patterns: Iterable[str], path: str) -> bool:
    """Returns whether patterns of .gitignore match a path."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns).match_file(path)


def digest(content: bytes) -> str:
    """Returns the SHA-256 of a text file with the line ends of Unix."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


@dataclass(frozen=True)
class Project:
    """A rendered package in a folder."""

    folder: Path
    answers: dict[str, Any]
    files: TemplateFiles
    answers_file: str = ANSWERS
    """The path of the answers in it."""

    @property
    def source(self) -> str:
        """Where its template is: a URL or a path, as Copier has written it."""
        return str(self.answers["_src_path"])

    @property
    def commit(self) -> str:
        """The version of the template that it was rendered from: a tag, or what git describes."""
        return str(self.answers["_commit"])


def open_project(folder: Path, answers_file: str | None = None) -> Project:
    """Reads the package in a folder.

    Args:
        folder: the folder.
        answers_file: where its answers are, as a path from there; else where its list of files says, or Copier's default.

    Raises:
        Refusal: it is none, or was not rendered from a template with versions.
    """
    folder = folder.absolute()
    try:
        files = TemplateFiles.from_text(read_inside(folder, FILES).decode())
    except (FileNotFoundError, NotADirectoryError):
        files = TemplateFiles()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{folder / FILES} cannot be read ({_first_line(error)}).") from None
    if answers_file:
        name = _within(folder, answers_file)
    else:
        name = next((one for one in (files.answers, ANSWERS) if one and (folder / one).is_file()), "")
        name = name or files.answers or ANSWERS
    if (folder / name).is_symlink():
        # It is the file itself that an update changes.
        name = _within(folder.resolve(), str((folder / name).resolve()))
    path = folder / name
    try:
        answers = read_yaml(read_inside(folder, name).decode())
    except (FileNotFoundError, NotADirectoryError):
        raise Refusal(_no_answers(folder, name)) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refusal(
            f"{path} cannot be read ({_first_line(error)}): take the one of the last commit "
            f"(git checkout HEAD -- {name})."
        ) from None
    for key in ("_src_path", "_commit"):
        if not isinstance(answers, dict) or not answers.get(key):
            raise Refusal(
                f"{path} does not say {key}: a package has to be rendered from a git repository with versions; "
                "run copier recopy with its URL once."
            )
        if not str(answers[key]).isprintable():
            raise Refusal(
                f"{path} has {str(answers[key])!r} as {key}, which names nothing: take the one of the last commit."
            )
    return Project(folder, answers, files, name)


# No list and no answers of a provider come near.
_LARGEST = 1 << 20


def read_inside(folder: Path, path: str, largest: int = _LARGEST) -> bytes:
    """Returns the content of a file in a folder, which no link may lead out of.

    Args:
        folder: the folder.
        path: the file's path from there.
        largest: the bytes that it may have.

    Raises:
        OSError: it is not there, is no file or too large, or is elsewhere.
    """
    place = (folder / path).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise OSError(f"it is a link to {place}, outside of {folder}")
    # A pipe would be waited for.
    if place.exists() and not place.is_file():
        raise OSError("it is no file")
    if place.stat().st_size > largest:
        raise OSError(f"it has more than {largest} bytes")
    return place.read_bytes()


def _within(folder: Path, path: str) -> str:
    """Returns the path of the answers in a folder, from there."""
    whole = Path(os.path.normpath(folder / path))
    if not whole.is_relative_to(folder):
        raise Refusal(
            f"The answers file {path} is not in {folder}: name a file of the package, by its path from there."
        )
    return whole.relative_to(folder).as_posix()


def _no_answers(folder: Path, name: str) -> str:
    """Returns what to say where there are no answers at their place: what is a package needs no adoption."""
    moved, inner = answers_in(folder)
    if moved:
        others = f" (or another of {', '.join(moved)})" if moved[1:] else ""
        return (
            f"{folder} has no {name}, but {moved[0]} is an answers file of Copier's: "
            f"add --answers-file {shlex.quote(moved[0])}{others}; with make, ANSWERS={shlex.quote(moved[0])}."
        )
    if inner:
        return f"{folder} is no package of a template, but has one in it: go to {inner[0]}."
    return (
        f"{folder} is no package of a template: it has no {name}. "
        "Go to the folder of one, or bring this one under a template with provider-template adopt."
    )


def answers_in(folder: Path) -> tuple[list[str], list[Path]]:
    """Returns the files of a folder that look like answers of a provider, and the folders below that are packages.

    They name a template, its version, and the provider.
    """
    if not folder.is_dir():
        return [], []
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.yml", "*.yaml")
    listed = git.run(*words, cwd=folder).stdout.decode(errors="surrogateescape").split("\0")
    found: list[str] = []
    for path in sorted(filter(None, listed)):
        try:
            text = read_inside(folder, path).decode()
        except (OSError, UnicodeDecodeError):
            continue
        if all(re.search(rf"(?m)^{key}: *\S", text) for key in ("_src_path", "_commit", "provider")):
            found.append(path)
    inner = sorted(
        parent
        for parent in {(folder / path).parent for path in found} - {folder}
        if (parent / FILES).is_file() or (parent / "pyproject.toml").is_file() or parent.parent.name == "fork"
    )
    return [path for path in found if (folder / path).parent not in inner], inner


def open_package(folder: Path, answers_file: str | None = None) -> Project:
    """Reads the package in a folder, which is to be one of its own.

    Raises:
        Refusal: as `open_project`; or it is a provider in a fork of LiteLLM.
    """
    project = open_project(folder, answers_file)
    if project.answers.get("layout") == "fork":
        raise Refusal(
            f"{project.folder} is a provider in a fork of LiteLLM, and this is for packages: in the fork's top folder, run "
            f"copier update --answers-file fork/{project.folder.name}/{ANSWERS}, or python fork/tool verify."
        )
    return project


def refuse_relative(project: Project) -> None:
    """Looks whether the template is named by a path from a folder which nobody knows any more.

    Raises:
        Refusal: it is; the message says what to write.
    """
    from provider_template.template import is_relative

    source = project.source
    if not is_relative(source):
        return
    places = (folder / source for folder in (project.folder, project.folder.parent, Path.cwd()))
    wanted = ("rev-parse", "--verify", "--quiet", f"{project.commit}^{{commit}}")
    there = next(
        (place.resolve() for place in places if place.is_dir() and git.run(*wanted, cwd=place).returncode == 0),
        None,
    )
    raise Refusal(
        f"_src_path in {project.answers_file} is the path {source}, which is another folder wherever it is read: write "
        f"the template's URL or its whole path there{f', such as {there}' if there else ''}, commit, and do this again."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(frozen=True)
class Checkout:
    """Where a folder is in a git repository."""

    top: Path
    prefix: str
    """The folder's path below it: empty, or with a slash at its end."""


def checkout_of(folder: Path) -> Checkout:
    """Returns where in git a package is.

    Raises:
        Refusal: it is not in a repository, or that has no commit.
    """
    done = git.run("rev-parse", "--show-toplevel", "--show-prefix", "--verify", "HEAD^{commit}", cwd=folder)
    if done.returncode:
        raise Refusal(
            f"{folder} is not in a git repository with a commit: run git init, git add --all and git commit in it."
        )
    top, prefix, _ = done.stdout.decode(errors="surrogateescape").split("\n", 2)
    return Checkout(Path(top), prefix)


def require_clean(folder: Path) -> None:
    """Looks whether everything in the folder is committed, and git in the middle of nothing.

    Raises:
        Refusal: it is not; the message names the first file, or what git is at.
    """
    refuse_in_progress(git.SafeGit(checkout_of(folder).top))
    lines = git.must(
        *("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."), cwd=folder
    ).splitlines()
    if lines:
        others = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise Refusal(
            f"{folder} has changes that are not committed ({lines[0][3:]}{others}): commit or stash them first."
        )
