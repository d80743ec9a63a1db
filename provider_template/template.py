"""A template's repository: its versions, and what the files of a version say."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from provider_template import git
from provider_template.errors import Refusal

if TYPE_CHECKING:
    from packaging.version import Version

# What Copier lets users write in the place of a whole URL (copier/_vcs.py).
_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


def location(source: str) -> str:
    """Returns the URL or path that git takes, for what an answers file calls `_src_path`."""
    for short, whole in _SHORT.items():
        if source.startswith(short):
            return f"{whole}{source.removeprefix(short).removeprefix('/').removesuffix('.git')}.git"
    return source.removeprefix("git+")


def is_relative(source: str) -> bool:
    """Returns whether a template is named by a path that means another folder wherever it is read."""
    where = location(source)
    return not re.match(r"[^/]+:|[/~]|[A-Za-z]:", where)


def is_folder(source: str) -> bool:
    """Returns whether a template is a folder of this machine."""
    return Path(os.path.expanduser(location(source))).is_dir()


def versions(source: str) -> dict[Version, str]:
    """Returns the released versions of a template with their tags, the lowest first; one look over the network.

    Raises:
        Refusal: the template cannot be reached.
    """
    from packaging.version import InvalidVersion, Version

    where = location(source)
    _say(source)
    url = str(Path(os.path.expanduser(where)).absolute()) if is_folder(source) else where
    done = git.ask("ls-remote", "--tags", "--refs", url=url)
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())
        raise Refusal(
            f"The template at {git.without_password(where)} cannot be read: {git.without_password(words)}; "
            "check the address (packages have it as _src_path in .copier-answers.yml) and your access to it."
        )
    found: dict[Version, str] = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        tag = line.rpartition("refs/tags/")[2]
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        # Of two names for one version, such as v1 and v1.0.0, the longer one does not move.
        if len(tag) > len(found.get(version, "")):
            found[version] = tag
    return dict(sorted(found.items()))


@cache
def _say(source: str) -> None:
    """Says which template is about to be read, where that is on another machine: it is what a package names."""
    where = location(source)
    if not is_folder(source) and not where.startswith("file:"):
        sys.stderr.write(f"Reading the template at {printable(git.without_password(where))}\n")
        sys.stderr.flush()


def printable(text: str) -> str:
    """Returns a text of somebody else's as a terminal may show it: what it could obey or hide is escaped."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def newest(found: dict[Version, str]) -> str:
    """Returns the tag of the newest release, or HEAD where nothing was released, as Copier does."""
    final = [version for version in found if not version.is_prerelease]
    return found[max(final)] if final else "HEAD"


@dataclass(frozen=True)
class Repository:
    """A template's repository on this machine."""

    source: str
    """What answers files call it."""
    folder: Path

    @property
    def is_copy(self) -> bool:
        """Whether the folder is a copy of the template that the source names."""
        return not is_folder(self.source)

    def text(self, ref: str, path: str) -> str | None:
        """Returns a file's text in a version, or None where that has no such file."""
        done = git.run("cat-file", "blob", f"{ref}:{path}", cwd=self.folder)
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def has(self, ref: str) -> bool:
        """Returns whether there is such a version."""
        return git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=self.folder).returncode == 0

    def describe(self, ref: str) -> str:
        """Returns what Copier writes into answers files for a version: its tag, or what git describes.

        Raises:
            Refusal: there is no such version.
        """
        commit = git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=self.folder)
        if commit.returncode:
            raise Refusal(
                f"The template has no version {ref}: name one of its tags "
                f"(git ls-remote --tags {git.without_password(location(self.source))})."
            )
        named = git.must("tag", "--points-at", commit.stdout.decode().strip(), cwd=self.folder).split()
        if ref in named:
            return ref
        return git.must("describe", "--tags", "--always", ref, cwd=self.folder)

    def version(self, name: str) -> str:
        """Returns the version of what an answers file has as `_commit`, where that is a bare commit.

        Copier writes one where the clone that it rendered from had no tags; they may be there by now.
        """
        if not re.fullmatch(r"[0-9a-f]{7,64}", name):
            return name
        done = git.run("describe", "--tags", name, cwd=self.folder)
        return done.stdout.decode().strip() if done.returncode == 0 else "0"

    @property
    def how_to_get_tags(self) -> str:
        """The command that brings the tags of a clone that was made without them, or only in part."""
        shallow = git.run("rev-parse", "--is-shallow-repository", cwd=self.folder).stdout.strip() == b"true"
        return f"git -C {shlex.quote(str(self.folder))} fetch --tags{' --unshallow' if shallow else ''}"

    def settings(self, ref: str) -> dict[str, Any]:
        """Returns the settings that `copier.yml` of a version holds itself, without what it includes."""
        text = self.text(ref, "copier.yml") or self.text(ref, "copier.yaml") or ""
        try:
            documents = [document for document in yaml.load_all(text, Loader=_Loader) if isinstance(document, dict)]
        except yaml.YAMLError:
            raise Refusal(f"copier.yml of the template's version {ref} is no YAML: tell its owners.") from None
        return {key: value for document in documents for key, value in document.items() if str(key).startswith("_")}


class _Loader(yaml.SafeLoader):
    """Reads copier.yml, and leaves out what it includes."""


_Loader.add_constructor("!include", lambda _loader, _node: None)


def open_repository(source: str, scratch: Path) -> Repository:
    """Returns the template's repository: the folder itself, or a copy of the remote one in the scratch folder.

    Raises:
        Refusal: it cannot be cloned.
    """
    if is_folder(source):
        return Repository(source, Path(os.path.expanduser(location(source))).absolute())
    copy = scratch / "template.git"
    _say(source)
    done = git.ask("clone", "--quiet", "--mirror", url=location(source), after=(copy,))
    if done.returncode:
        words = git.without_password(" ".join(done.stderr.decode(errors="replace").split()))
        raise Refusal(
            f"The template at {git.without_password(location(source))} cannot be cloned: {words}; "
            "check the address (packages have it as _src_path in .copier-answers.yml) and your access to it."
        )
    return Repository(source, copy)
