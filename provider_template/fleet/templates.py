"""The templates that `fleet.toml` names: their released versions with their dates, and which of them fix security."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from provider_template import git
from provider_template.errors import Refusal
from provider_template.fleet.config import Template
from provider_template.security import SecurityEntry, security_entries
from provider_template.template import Repository, is_folder, location
from provider_template.version import version_of

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True)
class Lag:
    """How far a package is behind."""

    versions: int
    """Released versions that it has not got."""
    days: int
    """Days since the first of them; 0 if there is none."""
    security: str = ""
    """The first version with security fixes that it has not got."""
    security_days: int = 0
    """Days since that one."""


@dataclass
class Releases:
    """What is known of a template."""

    template: Template
    problem: str = ""
    """Why nothing is known; empty if something is."""
    repository: Repository | None = None
    tags: dict[Version, str] = field(default_factory=dict)
    """The released versions, the lowest first, without those that are blocked."""
    known: frozenset[Version] = frozenset()
    """All versions that there are tags for."""
    dates: dict[Version, date] = field(default_factory=dict)
    _entries: dict[str, tuple[SecurityEntry, ...]] = field(default_factory=dict, repr=False)

    @property
    def newest(self) -> str:
        """The newest version that is proposed; empty if there is none."""
        return list(self.tags.values())[-1] if self.tags else ""

    def lag(self, version: str, today: date) -> Lag:
        """Returns how far a package of that version is behind."""
        has = version_of(version)
        newer = [one for one in self.tags if (one, 0) > has]
        if not newer or self.repository is None:
            return Lag(0, 0)
        days = max(0, (today - self.dates[newer[0]]).days)
        released = {version_of(one.version)[0] for one in self._security(version)}
        fixes = [one for one in newer if one in released]
        if not fixes:
            return Lag(len(newer), days)
        return Lag(len(newer), days, self.tags[fixes[0]], max(0, (today - self.dates[fixes[0]]).days))

    def _security(self, version: str) -> tuple[SecurityEntry, ...]:
        assert self.repository is not None
        key = f"{version} {self.newest}"
        if key not in self._entries:
            self._entries[key] = security_entries(self.repository, self.newest, version, self.newest)
        return self._entries[key]


def look(template: Template, cache: Path, *, offline: bool) -> Releases:
    """Reads the tags and the changelog of a template; where it cannot be reached, that is what is known of it."""
    from packaging.version import InvalidVersion, Version

    found = Releases(template)
    try:
        folder = _folder(template, cache, offline=offline)
        words = ("for-each-ref", "--format=%(refname:lstrip=2) %(creatordate:short)", "refs/tags")
        listed = git.must(*words, cwd=folder)
    except Refusal as refusal:
        found.problem = str(refusal)
        return found
    found.repository = Repository(str(folder), folder)
    blocked = {version_of(one)[0] for one in template.blocked}
    tags: dict[Version, str] = {}
    for line in listed.splitlines():
        tag, _, day = line.rpartition(" ")
        try:
            version = Version(tag)
            found.dates[version] = date.fromisoformat(day)
        except (InvalidVersion, ValueError):
            continue
        # Of two names for one version, such as v1 and v1.0.0, the longer one does not move.
        if len(tag) > len(tags.get(version, "")):
            tags[version] = tag
    found.known = frozenset(tags)
    found.tags = {one: tags[one] for one in sorted(tags) if not one.is_prerelease and one not in blocked}
    if not found.tags:
        found.problem = f"The template at {git.without_password(template.url)} has no released version."
    return found


def _folder(template: Template, cache: Path, *, offline: bool) -> Path:
    """Returns the template's repository on this machine: itself, or our bare clone."""
    if is_folder(template.url):
        return Path(os.path.expanduser(location(template.url))).absolute()
    name = hashlib.sha256(location(template.url).encode()).hexdigest()[:32]
    folder = cache / "templates" / f"{name}.git"
    if offline:
        if not folder.is_dir():
            raise Refusal(
                f"The template at {git.without_password(template.url)} was not read yet, and not asked (--offline)."
            )
        return folder
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        git.must("init", "--quiet", "--bare", folder, cwd=folder.parent)
    words = ("fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head")
    settings = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": "30", "http.followRedirects": "false"}
    done = git.ask(
        *words, url=location(template.url), after=("+refs/tags/*:refs/tags/*",), settings=settings, repository=folder
    )
    if done.returncode:
        said = git.without_password(" ".join(done.stderr.decode(errors="replace").split()))
        raise Refusal(f"The template at {git.without_password(template.url)} cannot be read: {said}.")
    return folder
