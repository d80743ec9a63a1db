"""Migrations: code of the template that an update has to run, where a version says so in copier.yml."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from provider_template import git
from provider_template.errors import Refusal
from provider_template.project import Project
from provider_template.template import Repository
from provider_template.trees import SUBMODULE, Store
from provider_template.version import is_crossed

Stage = Literal["before", "after"]
# What carries edits along where a file has moved, for `copier update`; a merge of trees does it without.
CARRIES_MOVES = "hooks/carry_moves.py"
_AFTER = '{{ _stage == "after" }}'


@dataclass(frozen=True)
class Migration:
    """One entry of `_migrations`."""

    version: str
    """The version that brings it, or nothing if every update runs it."""
    command: str | tuple[str, ...]
    when: str = _AFTER
    folder: str = "."

    @property
    def moves_files(self) -> bool:
        """Whether it only carries edits of files that have moved."""
        return CARRIES_MOVES in str(self.command)

    @property
    def words(self) -> str:
        """The command as one reads it."""
        return self.command if isinstance(self.command, str) else shlex.join(self.command)


def crossed(template: Repository, ref: str, old: str, new: str) -> tuple[Migration, ...]:
    """Returns the migrations on the way from one version to another, in their order.

    Args:
        template: the template.
        ref: the new version, as git knows it.
        old: the old version, as answers files name it.
        new: the new version, so named.
    """
    found: list[Migration] = []
    for entry in template.settings(ref).get("_migrations") or ():
        fields: dict[str, Any] = entry if isinstance(entry, dict) else {"command": entry}
        version = str(fields.get("version", ""))
        if version and not is_crossed(version, old, new):
            continue
        if "command" in fields:
            found.append(_migration(version, fields["command"], fields))
        else:
            # The form of Copier before 9.3: lists under the names of the stages.
            found += [
                _migration(version, command, {"when": f'{{{{ _stage == "{stage}" }}}}'})
                for stage in ("before", "after")
                for command in fields.get(stage) or ()
            ]
    return tuple(found)


def _migration(version: str, command: Any, fields: dict[str, Any]) -> Migration:
    words = command if isinstance(command, str) else tuple(map(str, command))
    when = str(fields.get("when", _AFTER))
    return Migration(version, words, when, str(fields.get("working_directory", ".")))


def run(
    migrations: Sequence[Migration],
    stage: Stage,
    project: Project,
    template: Repository,
    store: Store,
    tree: str,
    refs: tuple[str, str],
) -> str:
    """Runs the migrations of a stage on a tree, in folders of their own, and returns the tree that they leave.

    Args:
        migrations: those that the update crosses.
        stage: `before` the merge, or `after` it.
        project: the package.
        template: its template.
        store: where trees are.
        tree: the package's files.
        refs: the old version and the new one.

    Raises:
        Refusal: one failed; nothing was changed.
    """
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    folder, source = store.folder / f"migrate-{stage}", store.folder / "template"
    context: dict[str, Any] = {
        **project.answers,
        "_stage": stage,
        "_copier_operation": "update",
        "_copier_python": sys.executable,
        "_copier_conf": {"src_path": source, "dst_path": folder, "answers_file": project.answers_file},
        "_version_from": refs[0],
        "_version_to": refs[1],
    }
    jinja = SandboxedEnvironment(undefined=StrictUndefined)

    def rendered(text: str) -> str:
        return jinja.from_string(text).render(context)

    wanted = [one for one in migrations if rendered(one.when).strip().lower() in ("true", "yes", "on", "1")]
    if not wanted:
        return tree
    if not source.exists():
        git.must("clone", "--quiet", "--no-checkout", template.folder, source, cwd=store.folder)
        git.must("checkout", "--quiet", "--detach", refs[1], cwd=source)
    store.check_out(tree, folder)
    for one in wanted:
        command = [rendered(word) for word in one.command] if isinstance(one.command, tuple) else rendered(one.command)
        done = subprocess.run(
            command,
            shell=isinstance(command, str),  # as Copier runs it
            cwd=folder / one.folder,
            env={
                **os.environ,
                "STAGE": stage,
                "VERSION_FROM": refs[0],
                "VERSION_TO": refs[1],
                "VERSION_CURRENT": one.version,
                "COPIER_OPERATION": "update",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            words = " ".join((done.stderr or done.stdout).split())[-500:]
            raise Refusal(
                f"The migration to {one.version or refs[1]} failed ({one.words}: {words}); nothing was changed, "
                "so fix what it says and update again."
            )
    modules = {path: entry for path, entry in store.read(tree).items() if entry[0] == SUBMODULE}
    return store.write(store.read(store.tree_of_folder(folder)) | modules)
