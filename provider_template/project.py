"""A rendered package: its answers, its list of the template's files, and where it is in git."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from provider_template import git
from provider_template.errors import Refusal
from provider_template.fork.git import Git
from provider_template.fork.under_way import refuse_under_way

ANSWERS = ".copier-answers.yml"
FILES = ".template-files.yml"

# The C parser is several times as fast, and not everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """Returns what a YAML text says.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
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
            )
        except (yaml.YAMLError, TypeError, KeyError, AttributeError):
            raise Refusal(
                f"{FILES} cannot be read: take the one of the last commit (git checkout HEAD -- {FILES})."
            ) from None

    def owner(self, path: str) -> str:
        """Returns `template`, `shared` or `yours`; what no list names is its author's."""
        if path in self.template or path in (FILES, ANSWERS):
            return "template"
        return "shared" if path in self.shared else "yours"

    def is_yours(self, path: str) -> bool:
        """Returns whether a path that some version rendered belongs to the author."""
        return matches(self.patterns, path)

    def instead_of(self, path: str) -> str:
        """Returns what to do rather than to edit that file."""
        return next(
            (words for pattern, words in self.instead.items() if matches((pattern,), path)), "see AGENTS.md"
        )


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

    @property
    def source(self) -> str:
        """Where its template is: a URL or a path, as Copier has written it."""
        return str(self.answers["_src_path"])

    @property
    def commit(self) -> str:
        """The version of the template that it was rendered from: a tag, or what git describes."""
        return str(self.answers["_commit"])


def open_project(folder: Path) -> Project:
    """Reads the package in a folder.

    Raises:
        Refusal: It is none, or was not rendered from a template with versions.
    """
    folder = folder.absolute()
    path = folder / ANSWERS
    try:
        answers = read_yaml(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise Refusal(
            f"{folder} is no package of a template: it has no {ANSWERS}. "
            "Go to the folder of one, or bring this one under a template with provider-template adopt."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refusal(
            f"{path} cannot be read ({_first_line(error)}): take the one of the last commit "
            f"(git checkout HEAD -- {ANSWERS})."
        ) from None
    for name in ("_src_path", "_commit"):
        if not isinstance(answers, dict) or not answers.get(name):
            raise Refusal(
                f"{path} does not say {name}: a package has to be rendered from a git repository with versions; "
                "run copier recopy with its URL once."
            )
    try:
        text = (folder / FILES).read_text(encoding="utf-8")
    except FileNotFoundError:
        text = None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{folder / FILES} cannot be read ({_first_line(error)}).") from None
    return Project(folder, answers, TemplateFiles.from_text(text))


def open_package(folder: Path) -> Project:
    """Reads the package in a folder, which is to be one of its own.

    Raises:
        Refusal: As `open_project`; or it is a provider in a fork of LiteLLM.
    """
    project = open_project(folder)
    if project.answers.get("layout") == "fork":
        raise Refusal(
            f"{project.folder} is a provider in a fork of LiteLLM, and this is for packages: in the fork's top folder, run "
            f"copier update --answers-file fork/{project.folder.name}/{ANSWERS}, or python fork/tool verify."
        )
    return project


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
        Refusal: It is not in a repository, or that has no commit.
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
        Refusal: It is not; the message names the first file, or what git is at.
    """
    refuse_under_way(Git(checkout_of(folder).top))
    lines = git.must("status", "--porcelain", "--untracked-files=normal", "--", ".", cwd=folder).splitlines()
    if lines:
        others = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise Refusal(
            f"{folder} has changes that are not committed ({lines[0][3:]}{others}): commit or stash them first."
        )
