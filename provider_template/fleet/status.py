"""What each package is at, from its files in git alone: nothing is rendered and nothing checked out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from provider_template import git
from provider_template.errors import Refusal
from provider_template.fleet import inventory, snapshot
from provider_template.fleet.addresses import identity
from provider_template.fleet.config import Fleet, Package
from provider_template.fleet.inventory import Place
from provider_template.fleet.policy import Broken, broken
from provider_template.fleet.snapshot import Snapshot
from provider_template.fleet.templates import Releases
from provider_template.fleet.templates import look as look_at_template
from provider_template.project import ANSWERS, FILES, TemplateFiles, digest, read_yaml
from provider_template.version import version_of

SCHEMA = 1
State: TypeAlias = Literal[
    "current", "behind", "edited", "off standard", "paused", "other template", "unknown", "error"
]
"""The first that fits, from the last to the first."""

_LARGEST_ANSWERS = 1 << 16
_LARGEST_FILE = 1 << 22
_LARGEST_LIST = 1 << 20
_CONFLICT = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One package, or a repository that has none that could be read."""

    id: str
    state: State = "error"
    error: str = ""
    """Why there is no result, in a sentence."""
    name: str = ""
    owner: str = ""
    repository: str = ""
    path: str = ""
    """The package's folder there; empty for the top one."""
    template: str = ""
    version: str = ""
    newest: str | None = None
    versions_behind: int = 0
    days_behind: int = 0
    security: str = ""
    """The first version with security fixes that it has not got."""
    security_days: int = 0
    listed: bool = False
    """Whether it knows which files are the template's."""
    edited: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """Files of the template with the marks of a conflict."""
    policy: tuple[Broken, ...] = ()
    paused_until: str = ""
    pause_reason: str = ""
    clone: tuple[str, ...] = ()
    """Of a clone on this machine: `dirty`, `detached`, or both."""
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_hands(self) -> bool:
        """Whether somebody has to look at it, by its files or what is asked of it."""
        return self.state in ("edited", "off standard")

    @property
    def has_result(self) -> bool:
        """Whether it is known what the package is at."""
        return self.state not in ("unknown", "error")

    def as_json(self) -> dict[str, Any]:
        """Returns it as what `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class Left:
    """A repository that is not in the fleet, and why."""

    id: str
    repository: str
    source: str
    why: str


@dataclass(frozen=True)
class Status:
    """The whole fleet on a day."""

    day: date
    rows: tuple[Row, ...]
    left: tuple[Left, ...]
    templates: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Returns it as what `--json` prints: the same bytes for the same fleet on the same day."""
        return {
            "schema": SCHEMA,
            "date": self.day.isoformat(),
            "templates": list(self.templates),
            "packages": [row.as_json() for row in self.rows],
            "left_out": [asdict(one) for one in self.left],
        }


@dataclass(frozen=True)
class Progress:
    """Whom to tell how far it is."""

    begin: Callable[[int], None] = lambda _: None
    """Is given how many repositories there are."""
    start: Callable[[str], None] = lambda _: None
    end: Callable[[str], None] = lambda _: None


def look(
    fleet: Fleet,
    cache: Path,
    *,
    offline: bool = False,
    jobs: int = 8,
    only: tuple[str, ...] = (),
    day: date | None = None,
    progress: Progress | None = None,
) -> Status:
    """Looks at every package of a fleet; one that cannot be read is a row like the others.

    Args:
        fleet: what `fleet.toml` says.
        cache: where to keep bare clones.
        offline: whether to contact nobody.
        jobs: how many repositories to read at a time.
        only: patterns of names, ids or owners; else all.
        day: the day to count from; else today.
        progress: whom to tell.
    """
    today, tell = day or date.today(), progress or Progress()  # as dates in fleet.toml are meant
    found = inventory.take(fleet, offline=offline)
    tell.begin(len(found.places))
    releases = {one.url: look_at_template(one, cache, offline=offline) for one in fleet.templates}

    def at(place: Place) -> tuple[list[Row], list[Left]]:
        tell.start(place.id)
        try:
            return _at(place, _Look(fleet, cache, offline, releases, today))
        finally:
            tell.end(place.id)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        results = list(pool.map(at, found.places))
    rows = [row for some, _ in results for row in some]
    if only:
        rows = [row for row in rows if any(_is(row, pattern) for pattern in only)]
    # It is not known which packages these have.
    rows += [Row(id=words, error=error, repository=words) for words, error in found.problems]
    left = [one for _, some in results for one in some]
    return Status(
        today,
        tuple(sorted(rows, key=lambda row: row.id)),
        tuple(sorted(left, key=lambda one: one.id)),
        tuple(_template(one) for one in releases.values()),
    )


def _is(row: Row, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(text, pattern) for text in (row.id, row.name, row.owner) if text)


def _template(one: Releases) -> Mapping[str, Any]:
    url = git.without_password(one.template.url)
    return {"url": url, "newest": one.newest or None, "blocked": list(one.template.blocked), "error": one.problem}


@dataclass(frozen=True)
class _Look:
    """What a look at each repository needs."""

    fleet: Fleet
    cache: Path
    offline: bool
    releases: Mapping[str, Releases]
    today: date


def _at(place: Place, how: _Look) -> tuple[list[Row], list[Left]]:
    """Looks at one repository; whatever is wrong with it is its row."""
    address = git.without_password(place.address)
    if place.out:
        return [], [Left(place.id, address, place.source, place.out)]
    empty = Row(id=place.id, repository=address)
    try:
        taken = snapshot.take(place, how.cache, offline=how.offline)
        folders = taken.packages(place.paths) if taken else []
        if taken is None or not folders:
            why = "empty" if taken is None else "no package of a template"
            if place.is_named:
                return [
                    replace(
                        empty,
                        error=f"{address} has {why.replace('empty', 'no commit yet')}: name another one in fleet.toml.",
                    )
                ], []
            return [], [Left(place.id, address, place.source, why)]
    except Refusal as refusal:
        return [replace(empty, error=str(refusal))], []
    except (OSError, ValueError) as error:
        return [replace(empty, error=f"{address} cannot be read: {_words(error)}.")], []
    clone = _state_of_clone(place.folder) if place.folder else ()
    rows: list[Row] = []
    for folder in folders:
        row = replace(empty, id=f"{place.id}#{folder}" if folder else place.id, path=folder, clone=clone)
        row = _with_overrides(row, place, how.fleet)
        try:
            rows.append(_row(row, taken, folder, how))
        except Refusal as refusal:
            rows.append(replace(row, error=str(refusal)))
        except Exception as error:  # one package must not end the run, and its row says what was wrong
            rows.append(replace(row, error=f"{row.id} cannot be read: {_words(error)}."))
    return rows, []


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _with_overrides(row: Row, place: Place, fleet: Fleet) -> Row:
    """Adds what `fleet.toml` says of a package itself; what names its folder goes before what does not."""
    found = [one for one in fleet.packages if _names(one, place, row.path, fleet)]
    for one in sorted(found, key=lambda one: one.path is not None):
        if one.owner:
            row = replace(row, owner=one.owner)
        if one.pause:
            until = one.pause.until.isoformat() if one.pause.until else "further notice"
            row = replace(row, paused_until=until, pause_reason=one.pause.reason)
    return row


def _names(one: Package, place: Place, path: str, fleet: Fleet) -> bool:
    if one.path not in (None, path):
        return False
    local = str((fleet.folder / Path(os.path.expanduser(one.repository))).resolve())
    return place.id in (identity(one.repository), identity(local)) or str(place.folder) == local


def _row(row: Row, taken: Snapshot, folder: str, how: _Look) -> Row:
    """Returns what the files of a package say."""
    prefix = f"{folder}/" if folder else ""
    texts = taken.contents((f"{prefix}{FILES}", f"{prefix}{ANSWERS}"), _LARGEST_LIST)
    list_text = texts.get(f"{prefix}{FILES}")
    files = TemplateFiles.from_text(list_text.decode(errors="replace") if list_text is not None else None)
    answers_path = next(
        (path for name in (files.answers, ANSWERS) if name and (path := f"{prefix}{name}") in taken.files),
        f"{prefix}{files.answers or ANSWERS}",
    )
    answers = _answers(taken, answers_path, texts)
    source, version = str(answers["_src_path"]), str(answers["_commit"])
    plain = {name: value for name, value in answers.items() if not name.startswith("_")}
    named = str(plain.get("package_name") or plain.get("provider") or row.id)
    if plain.get("layout") == "fork":
        named = str(plain.get("provider") or named)
    row = replace(row, name=named, version=version, template=git.without_password(source), answers=plain)
    template = how.fleet.template_of(source)
    if template is None:
        return replace(row, state="other template")
    # Paths in the list of a fork's provider start at the fork's top.
    root = "" if plain.get("layout") == "fork" else prefix
    edited, missing, conflicts = _drift(taken, root, files)
    row = replace(row, listed=bool(files.template), edited=edited, missing=missing, conflicts=conflicts)
    releases = how.releases[template.url]
    if releases.problem:
        return _paused(replace(row, state="unknown", error=releases.problem), how.today)
    assert releases.repository is not None
    known = releases.repository.version(version)
    if version_of(known)[0] not in releases.known:
        words = f"The template at {git.without_password(template.url)} has no version {version}, which {named} was rendered from."
        return _paused(replace(row, state="unknown", newest=releases.newest, error=words), how.today)
    lag = releases.lag(known, how.today)
    row = replace(
        row,
        newest=releases.newest,
        versions_behind=lag.versions,
        days_behind=lag.days,
        security=lag.security,
        security_days=lag.security_days,
    )
    row = replace(row, policy=broken(how.fleet, named, known, lag, plain, template.blocked, how.today))
    if row.policy:
        state: State = "off standard"
    elif edited or conflicts:
        state = "edited"
    else:
        state = "behind" if lag.versions else "current"
    return _paused(replace(row, state=state), how.today)


def _paused(row: Row, today: date) -> Row:
    """Returns the row as paused, as long as that lasts; a pause that is over says nothing any more."""
    if not row.paused_until:
        return row
    if row.paused_until != "further notice" and date.fromisoformat(row.paused_until) < today:
        return replace(row, paused_until="", pause_reason="")
    return replace(row, state="paused", error="") if row.has_result else row


def _answers(taken: Snapshot, path: str, read_before: Mapping[str, bytes]) -> dict[str, Any]:
    """Returns the answers of a package: texts, numbers and lists of texts, whatever else is in the file."""
    if path not in taken.files:
        raise Refusal(f"{path} is not a file of the repository: a link is not followed.")
    if taken.files[path][2] > _LARGEST_ANSWERS:
        raise Refusal(f"{path} has more than {_LARGEST_ANSWERS} bytes, which no answers have.")
    content = read_before[path] if path in read_before else taken.contents((path,), _LARGEST_ANSWERS)[path]
    try:
        read = read_yaml(content.decode())
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        raise Refusal(f"{path} is no YAML: take the one of an earlier commit.") from None
    if not isinstance(read, dict):
        raise Refusal(f"{path} has no answers in it: take the one of an earlier commit.")
    found: dict[str, Any] = {}
    for name, value in read.items():
        if isinstance(name, str) and isinstance(value, str | int | float):
            found[name] = value
        elif isinstance(name, str) and isinstance(value, list) and all(isinstance(one, str) for one in value):
            found[name] = list(value)
    for key in ("_src_path", "_commit"):
        if not found.get(key):
            raise Refusal(f"{path} does not say {key}: run copier recopy with the template's URL once.")
        if not str(found[key]).isprintable():
            raise Refusal(
                f"{path} has {str(found[key])!r} as {key}, which names nothing: take the one of an earlier commit."
            )
    return found


def _drift(
    taken: Snapshot, root: str, files: TemplateFiles
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Returns the template's files that were edited, those that are gone, and those with marks of a conflict."""
    texts = taken.contents((f"{root}{path}" for path in files.template), _LARGEST_FILE)
    edited: list[str] = []
    missing: list[str] = []
    conflicts: list[str] = []
    for path, rendered in files.template.items():
        content = texts.get(f"{root}{path}")
        if content is None:
            (edited if f"{root}{path}" in taken.files else missing).append(path)
        elif digest(content) != rendered:
            edited.append(path)
            if _CONFLICT.search(content):
                conflicts.append(path)
    return tuple(edited), tuple(missing), tuple(conflicts)


def _state_of_clone(folder: Path) -> tuple[str, ...]:
    """Returns what is particular about the work tree of a clone, which is not what is looked at."""
    found: list[str] = []
    words = ("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty")
    if git.run(*words, cwd=folder).stdout:
        found.append("dirty")
    if git.run("symbolic-ref", "--quiet", "HEAD", cwd=folder).returncode:
        found.append("detached")
    return tuple(found)
