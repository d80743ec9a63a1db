"""The health of a package: its version, and what somebody has done to the template's files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provider_template import git
from provider_template.errors import Refusal
from provider_template.project import FILES, Project, digest, read_inside, refuse_relative
from provider_template.template import newest, printable, versions
from provider_template.version import version_of

# Bytes; a file of the template has fewer.
_LARGEST = 1 << 24


@dataclass(frozen=True)
class Health:
    """What a look at a package has found."""

    folder: str
    version: str
    newest: str | None
    """The newest release of the template, or None where it is not known."""
    behind: bool
    """Whether that is newer."""
    listed: bool
    """Whether the package knows which files are the template's; those of old versions do not."""
    edited: tuple[str, ...]
    """Files of the template that were edited."""
    missing: tuple[str, ...]
    """Files of the template that were deleted."""
    conflicts: tuple[str, ...]
    """Files with the marks of a conflict, and rejected changes of a merge."""
    unreachable: str = ""
    """Why the template could not be asked for its versions; empty where it was, or was left alone as wished."""

    @property
    def to_fix(self) -> bool:
        """Whether something has to be fixed in the files."""
        return bool(self.edited or self.conflicts)

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be fixed, and the template was reached."""
        return not (self.to_fix or self.unreachable)

    def in_words(self) -> str:
        """Returns one line for a reader."""
        age = f"newest {self.newest}" if self.behind else "the newest" if self.newest else "newest not known"
        parts = [f"{self.version} ({age})"]
        if not self.listed:
            parts.append("edits of the template's files not known: the next update brings their list")
        for title, paths in (
            ("edited", self.edited),
            ("deleted", self.missing),
            ("to resolve", self.conflicts),
        ):
            if paths:
                parts.append(f"{title}: {', '.join(paths)}")
        if self.unreachable:
            parts.append(self.unreachable)
        return printable("; ".join(parts if len(parts) > 1 else [*parts, "well"]))

    def as_json(self) -> dict[str, Any]:
        """Returns it as what `--json` prints."""
        return {**asdict(self), "well": self.is_well}


def look(project: Project, *, offline: bool = False) -> Health:
    """Looks at a package without rendering anything.

    Args:
        project: the package.
        offline: whether to leave the template's repository alone.
    """
    latest: str | None = None
    unreachable = ""
    if not offline:
        try:
            refuse_relative(project)
            latest = newest(versions(project.source))
        except Refusal as refusal:
            unreachable = str(refusal)
    if latest == "HEAD":
        latest = None
    edited, missing = _drift(project)
    return Health(
        folder=str(project.folder),
        version=project.commit,
        newest=latest,
        behind=latest is not None and version_of(latest) > version_of(project.commit),
        listed=bool(project.files.template),
        edited=edited,
        missing=missing,
        conflicts=_conflicts(project.folder),
        unreachable=unreachable,
    )


def _drift(project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    edited: list[str] = []
    missing: list[str] = []
    for path, rendered in project.files.template.items():
        try:
            content = read_inside(project.folder, path, _LARGEST)
        except FileNotFoundError:
            missing.append(path)
            continue
        except OSError:
            # A link that leads out of the package, or what is no file any more.
            edited.append(path)
            continue
        if digest(content) != rendered:
            edited.append(path)
    if project.files.template and not (project.folder / FILES).is_file():
        missing.append(FILES)
    return tuple(edited), tuple(missing)


def _conflicts(folder: Path) -> tuple[str, ...]:
    """Returns files with marks of a conflict, unmerged ones, and rejected changes."""
    questions = (
        ("grep", "--no-color", "--name-only", "-I", "-z", "-E", "^(<{7}|>{7}) ", "--", "."),
        ("diff", "--name-only", "--relative", "--ignore-submodules", "-z", "--diff-filter=U"),
        ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rej"),
    )
    names = "".join(git.run(*words, cwd=folder).stdout.decode(errors="replace") for words in questions)
    return tuple(sorted({name for name in names.split("\0") if name}))
