"""The repositories that `fleet.toml` leads to, each of them once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from provider_template import git
from provider_template.errors import Refusal
from provider_template.fleet.addresses import host_of, identity
from provider_template.fleet.config import Fleet, Source
from provider_template.fleet.forges import is_on_its_host, login_of, repositories

# A package is a repository of its own, or a provider in a fork of LiteLLM, unless `paths` says more.
USUAL = ("", "fork/*")
_DEEPEST = 5
"""Folders between the one that `folder` names and a clone."""


@dataclass(frozen=True)
class Place:
    """A repository of the fleet."""

    id: str
    """What all spellings of its address have in common."""
    address: str
    """How to reach it; a folder's path, if it is one of this machine."""
    source: str
    """Where it was found, in words."""
    folder: Path | None = None
    paths: tuple[str, ...] = USUAL
    """Folders in it that may be packages, as patterns."""
    is_named: bool = False
    """Whether `fleet.toml` names it itself, so that it has to have a package."""
    login: tuple[str, str] = ("", "")
    out: str = ""
    """Why it does not count; empty if it does."""

    def __repr__(self) -> str:
        """Says which one it is, without the login."""
        return f"Place({self.id!r})"


@dataclass(frozen=True)
class Inventory:
    """All repositories, and the sources that could not be read."""

    places: tuple[Place, ...]
    problems: tuple[tuple[str, str], ...]
    """Each such source, in words, with a sentence that says why."""


def take(fleet: Fleet, *, offline: bool) -> Inventory:
    """Returns the repositories of a fleet, by their identity.

    Args:
        fleet: what `fleet.toml` says.
        offline: whether to leave organisations and groups alone; each is then a problem.
    """
    found: dict[str, Place] = {}
    problems: list[tuple[str, str]] = []
    for source in fleet.sources:
        try:
            for place in _of_source(source, fleet, offline=offline):
                _add(found, place)
        except Refusal as refusal:
            problems.append((source.words, str(refusal)))
        except OSError as error:
            problems.append((source.words, f"{source.words}: {error.strerror or error}."))
    for package in fleet.packages:
        paths: tuple[str, ...] = USUAL if package.path is None else (package.path,)
        place = replace(_named(package.repository, "package", fleet), paths=paths, is_named=True)
        if place.id not in found or package.path is not None:
            _add(found, place)
    return Inventory(tuple(found[key] for key in sorted(found)), tuple(problems))


def _add(found: dict[str, Place], place: Place) -> None:
    """Adds a repository; of one that is there already, only what may be a package in it."""
    before = found.get(place.id)
    if before is None:
        found[place.id] = place
    elif not before.out:
        paths = tuple(dict.fromkeys((*before.paths, *place.paths)))
        found[place.id] = replace(before, paths=paths)


def _of_source(source: Source, fleet: Fleet, *, offline: bool) -> Iterator[Place]:
    paths = source.paths or USUAL
    if source.kind == "repository":
        yield replace(_named(source.where, source.words, fleet), paths=paths, is_named=True)
    elif source.kind == "folder":
        top = _folder(source.where, fleet)
        if not top.is_dir():
            raise Refusal(f"{source.words}: there is no folder {top}: make it, or name another one.")
        for folder in _clones(top, 0):
            if not any(fnmatchcase(folder.name, pattern) for pattern in source.exclude):
                yield replace(_clone(folder, source.words), paths=paths)
    elif offline:
        raise Refusal(f"{source.words}: not asked (--offline).")
    else:
        login = login_of(source)
        for one in repositories(source):
            out = "archived" if one.archived else "empty" if one.empty else ""
            if not is_on_its_host(one, source):
                out = f"on another host than its forge ({host_of(one.url) or 'none'})"
            yield Place(identity(one.url or one.name), one.url, source.words, paths=paths, login=login, out=out)


def _named(address: str, source: str, fleet: Fleet) -> Place:
    """Returns a repository that the file names by an address or a folder."""
    if host_of(address) or "://" in address:
        return Place(identity(address), address, source)
    return _clone(_folder(address, fleet), source)


def _clone(folder: Path, source: str) -> Place:
    """Returns a clone on this machine; it is the repository that it was cloned from."""
    origin = git.origin_of(folder)
    key = identity(origin) if origin and (host_of(origin) or Path(origin).is_absolute()) else identity(str(folder))
    return Place(key, str(folder), source, folder=folder)


def _folder(text: str, fleet: Fleet) -> Path:
    return (fleet.folder / Path(os.path.expanduser(text))).resolve()


def _clones(folder: Path, depth: int) -> Iterator[Path]:
    """Yields the repositories in a folder and in those below, by name; it follows no links."""
    if os.path.lexists(folder / ".git"):
        yield folder
    elif depth <= _DEEPEST:
        with os.scandir(folder) as listed:
            inner = sorted(one.name for one in listed if one.is_dir(follow_symlinks=False) and one.name[:1] != ".")
        for name in inner:
            try:
                yield from _clones(folder / name, depth + 1)
            except PermissionError:
                continue
