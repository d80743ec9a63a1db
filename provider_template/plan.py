"""What an update would make of a package: computed whole, with nothing changed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provider_template import git, moves
from provider_template.errors import Refusal
from provider_template.line_ends import take_out
from provider_template.migrations import Migration, crossed, run
from provider_template.project import (
    FILES,
    Owner,
    Project,
    TemplateFiles,
    checkout_of,
    read_inside,
    read_yaml,
    refuse_relative,
    require_clean,
)
from provider_template.render import Beside, Render, render
from provider_template.security import SecurityEntry, security_entries
from provider_template.template import Repository, newest, open_repository, versions
from provider_template.trees import SUBMODULE, Merged, Store, Tree, is_in_the_way
from provider_template.version import version_of

# What conflict markers call the package's side.
_PACKAGES = "yours"


@dataclass(frozen=True)
class Wish:
    """What an update is asked for."""

    to: str | None = None
    """A version of the template, or the newest release."""
    data: Mapping[str, Any] | None = None
    """Answers to give or to change."""
    ask: bool = False
    """Whether to ask, in the terminal, what the version asks anew."""
    trust: bool = False
    """Whether the template may run code: its migrations."""


@dataclass(frozen=True)
class Plan:
    """An update: what is there, and what it would come to."""

    project: Project
    store: Store
    prefix: str
    """Where the package is in its repository."""
    top: Path
    to: str
    before: str
    """The package's tree as committed."""
    rendered_before: str
    """The tree that the package's version renders."""
    rendered_after: str
    """The tree that the new version renders."""
    merged: Merged
    files: TemplateFiles
    """Whose each file of the new version is."""
    migrations: tuple[Migration, ...]
    """Those that it runs: all that it crosses but the ones that only carry edits of moved files along."""
    copier_needs_trust: bool
    """Whether `copier update` crosses any."""
    moved: Mapping[str, str | None]
    """Files of the template that have moved, each with its new path, or None where it is gone."""
    kept: tuple[str, ...]
    """Files of the author that the new version does not render: they stay."""
    left_behind: tuple[str, ...]
    """Files of the author that other answers would render in another way: they stay as they are."""
    answers: dict[str, Any]
    """The answers after it."""
    security: tuple[SecurityEntry, ...]
    """The security fixes that it takes."""

    @property
    def after(self) -> str:
        """The package's tree after it."""
        return self.merged.tree

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.before == self.after

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The files with conflicts."""
        return tuple(sorted(self.merged.stages))

    @property
    def new_answers(self) -> dict[str, Any]:
        """Questions that were answered for the first time, with their answers."""
        return {
            name: value
            for name, value in self.answers.items()
            if name not in self.project.answers and not name.startswith("_")
        }

    def owner(self, path: str) -> Owner:
        """Returns whose a file is, for a path before or after the update."""
        after = self.files.owner(path)
        return self.project.files.owner(path) if after == "yours" else after


@contextmanager
def make_plan(project: Project, wish: Wish, *, keep: bool) -> Iterator[Plan]:
    """Computes an update of a package whose files are committed.

    Args:
        project: the package.
        wish: what is asked for.
        keep: whether what it computes is to stay in the package's repository as objects; a preview leaves none.

    Raises:
        Refusal: it cannot be computed.
    """
    git.require_merge_tree()
    checkout = checkout_of(project.folder)
    require_clean(project.folder)
    with TemporaryDirectory(prefix="provider-template-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder).resolve()
        refuse_relative(project)
        template = open_repository(project.source, scratch)
        to = wish.to or newest(versions(str(template.folder)))
        if not wish.to and to == "HEAD":
            raise Refusal(_no_versions(project, template))
        if not wish.to and version_of(to) < version_of(template.version(project.commit)):
            # It was rendered from what is not released yet: there is nothing newer.
            to = project.commit
        store = Store(scratch, project.folder, keep=keep)
        tree = _committed(project, checkout.prefix)
        yield _plan(project, wish, template, to, store, tree, checkout.prefix, checkout.top)


def _committed(project: Project, prefix: str) -> str:
    """Returns the tree of a package as committed."""
    tree = f"HEAD:{prefix}".rstrip("/") if prefix else "HEAD^{tree}"
    done = git.run("rev-parse", "--verify", "--quiet", f"HEAD:{prefix}{project.answers_file}", cwd=project.folder)
    if done.returncode:
        raise Refusal(
            f"{project.folder / project.answers_file} is not committed, and an update has to change it: git add --force it and commit."
        )
    return git.must("rev-parse", tree, cwd=project.folder)


def _no_versions(project: Project, template: Repository) -> str:
    """Returns what to do where a template has no released version."""
    fix = (
        f"name another repository as _src_path in {project.answers_file}"
        if template.is_copy
        else f"if that is a clone without tags, get them ({template.how_to_get_tags}) or make them there (make tags)"
    )
    return (
        f"The template at {project.source} has no released version to update to: {fix}, or name a commit, "
        "such as --to HEAD."
    )


def _plan(
    project: Project,
    wish: Wish,
    template: Repository,
    to: str,
    store: Store,
    before: str,
    prefix: str,
    top: Path,
) -> Plan:
    version = template.describe(to)
    layout = str(project.answers.get("layout", "package"))
    if (wanted := str((wish.data or {}).get("layout", layout))) != layout:
        raise Refusal(
            f'"{wanted}" is another layout than this one has ({layout}), and an update keeps it: run provider-template '
            "to-fork or to-package."
        )
    if not template.has(project.commit):
        back = "" if template.is_copy else f" ({template.how_to_get_tags})"
        raise Refusal(
            f"The template at {project.source} has no version {project.commit}, which this package was rendered from: "
            f"bring it back{back}, or name another repository as _src_path in {project.answers_file}."
        )
    refs = (project.commit, version)
    way = (template.version(project.commit), template.version(version))
    if version_of(way[1]) < version_of(way[0]):
        raise Refusal(
            f"{version} is older than {project.commit}, which this package has: name a newer version, or none."
        )
    migrations = crossed(template, to, *way)
    code = tuple(one for one in migrations if not one.moves_files)
    ours = before
    name, was = project.answers_file, project.files.answers or project.answers_file
    recorded = read_inside(project.folder, name).decode()
    old = Render.of(
        template,
        project.commit,
        store.folder / "old",
        recorded=recorded,
        trust=wish.trust,
        answers_file=was,
    )
    beside = Beside(old)
    try:
        if wish.trust and code:
            ours = run(code, "before", project, template, store, ours, refs)
            entry = store.read(ours).get(name)
            recorded = store.blob(entry[1]).decode() if entry else recorded
        new = Render.of(
            template,
            to,
            store.folder / "new",
            recorded=recorded,
            data=wish.data,
            ask=wish.ask,
            trust=wish.trust,
            answers_file=name,
        )
        render(new)
        beside.wait()
    finally:
        beside.stop()
    # Where tags have come or moved, Copier names the old version in another way than it did then.
    _name_version(Path(old.folder) / was, project.commit)
    _name_version(Path(new.folder) / name, version)
    old_tree, new_tree = (store.tree_of_folder(Path(job.folder)) for job in (old, new))
    answers = read_yaml((Path(new.folder) / name).read_text(encoding="utf-8"))
    if wish.trust or not code:
        # A migration may be what turns an answer into another one.
        _refuse_lost_answers(read_yaml(recorded), answers, wish)
    files = TemplateFiles.from_text(_text(Path(new.folder) / FILES))

    moved = moves.between(template, to, *way, answers)
    base, mine, theirs = (store.read(tree) for tree in (old_tree, ours, new_tree))
    if was in base:
        base[name] = base.pop(was)  # the author has moved it
    moves.apply(moved, base, mine)
    left_behind = _left_behind(base, mine, theirs, files) if wish.data else ()
    kept = _keep_authors_files(base, mine, theirs, files, project.files)
    _refuse_submodules(mine, {path for path, entry in theirs.items() if base.get(path) != entry})
    line_ends = take_out(store, base, mine, theirs)
    merged = line_ends.put_back(_merge(store, base, line_ends.plain, theirs, version))
    if wish.trust and code:
        merged = replace(merged, tree=run(code, "after", project, template, store, merged.tree, refs))
    return Plan(
        project=project,
        store=store,
        prefix=prefix,
        top=top,
        to=version,
        before=before,
        rendered_before=old_tree,
        rendered_after=new_tree,
        merged=merged,
        files=files,
        migrations=code,
        copier_needs_trust=bool(migrations),
        moved=moved,
        kept=kept,
        left_behind=left_behind,
        answers=answers,
        security=security_entries(template, to, *refs),
    )


def _name_version(path: Path, version: str) -> None:
    """Writes the version's own name into an answers file, where Copier took another one of the same commit.

    A tag such as v1 moves on to later versions, and the next update would start from the wrong one.
    """
    text = path.read_text(encoding="utf-8")
    # A commit such as 0123456 would be read as a number.
    quoted = version if read_yaml(version) == version else f"'{version}'"
    path.write_text(re.sub(r"(?m)^_commit: .*$", lambda _: f"_commit: {quoted}", text, count=1), encoding="utf-8")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _refuse_lost_answers(recorded: Mapping[str, Any], answers: Mapping[str, Any], wish: Wish) -> None:
    """Refuses where Copier would go on without a word: an answer to no question, or one that it takes no longer."""
    for name in wish.data or {}:
        if name not in answers:
            asked = ", ".join(sorted(known for known in answers if not known.startswith("_")))
            raise Refusal(f"--data {name}: with these answers there is no such question, but {asked}.")
    for name, value in recorded.items():
        if name.startswith("_") or name not in answers or name in (wish.data or {}) or answers[name] == value:
            continue
        simple = isinstance(answers[name], str) and "\n" not in answers[name]
        such = f", such as --data {shlex.quote(f'{name}={answers[name]}')}" if simple else f" with --data {name}=..."
        raise Refusal(f"{name} is answered with {value!r}, which the new version refuses: give another answer{such}.")


def _left_behind(base: Tree, ours: Tree, theirs: Tree, files: TemplateFiles) -> tuple[str, ...]:
    """Returns the author's files that are there and would be others now."""
    return tuple(
        path
        for path, entry in sorted(theirs.items())
        if files.is_yours(path) and path in ours and base.get(path) != entry and ours[path] != entry
    )


def _keep_authors_files(
    base: Tree, ours: Tree, theirs: Tree, new: TemplateFiles, old: TemplateFiles
) -> tuple[str, ...]:
    """Takes the changes of the author's files out of theirs; returns those that it would have dropped."""
    kept: list[str] = []
    for path in sorted({*base, *theirs}):
        if not (new.is_yours(path) or old.is_yours(path)):
            continue
        if path in base:
            if path not in theirs and path in ours:
                kept.append(path)
            theirs[path] = base[path]
        elif path in ours:
            theirs[path] = ours[path]
        elif is_in_the_way(ours, path) or any(is_in_the_way((path,), other) for other in ours):
            del theirs[path]
    return tuple(kept)


def _refuse_submodules(ours: Tree, changed: Collection[str]) -> None:
    """Refuses where a submodule has the place of a file that the update writes, or of its folder."""
    for module in sorted(path for path, (mode, _) in ours.items() if mode == SUBMODULE):
        pairs = ((path, f"{path}/", f"{module}/") for path in sorted(changed))
        clash = next((path for path, one, two in pairs if one.startswith(two) or two.startswith(one)), None)
        if clash:
            raise Refusal(
                f"The submodule {module} has the place of {clash}, a file of the template, and an update cannot go into "
                f"another repository: move it (git mv {shlex.quote(module)} <another path>), commit, and do this again."
            )


def _merge(store: Store, base: Tree, ours: Tree, theirs: Tree, version: str) -> Merged:
    """Merges, and leaves deleted what the author has deleted, also where the template has changed it."""
    labels = (_PACKAGES, f"template-{version}")
    mine = store.write(ours)
    merged = store.merge(store.write(base), mine, store.write(theirs), labels)
    # The template has changed or moved it, and the author has not got it any more.
    deleted = [path for path, entries in merged.stages.items() if set(entries) == {1, 3}]
    if not deleted:
        return merged
    for path in deleted:
        if path in base:
            theirs[path] = base[path]
            continue
        # It was moved, and deleted at its old place: the new one is a new file.
        was = merged.stages[path][1]
        for source in [name for name, entry in base.items() if entry == was]:
            if source not in ours and source not in theirs:
                del base[source]
    return store.merge(store.write(base), mine, store.write(theirs), labels)
