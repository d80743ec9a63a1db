"""Applies an update: all of it or nothing, on a clean tree."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fork_tool.restore import reason, restore
from provider_template import git
from provider_template.errors import Refusal
from provider_template.plan import Plan


def apply(plan: Plan) -> None:
    """Brings the package's work tree and index to what a plan came to; nothing is committed.

    Files and index are changed in a session of its own, which goes on to its end where this process is killed.

    Raises:
        Refusal: the package is no longer as it was, or a file that git does not know is in the way.
    """
    top = plan.top
    head = git.must("rev-parse", "HEAD", cwd=top)
    if (
        plan.store.git("rev-parse", f"{head}:{plan.prefix}".rstrip("/") if plan.prefix else f"{head}^{{tree}}")
        != plan.before
    ):
        raise Refusal("A commit was made while the update was computed: nothing was changed, so update again.")
    _refuse_files_in_the_way(plan)
    whole = plan.store.change(f"{head}^{{tree}}", plan.prefix, plan.after)
    index = Path(git.must("rev-parse", "--path-format=absolute", "--git-path", "index", cwd=top))
    if index.with_name("index.lock").exists():
        raise Refusal(
            f"Another git is at work in {top} ({index}.lock is there): nothing was changed, so update again later."
        )
    git.run("update-index", "-q", "--refresh", cwd=top)
    commands: list[tuple[tuple[str, ...], str]] = [(("read-tree", "-m", "-u", head, whole), "")]
    if plan.merged.stages:
        commands.append((("update-index", "-z", "--index-info"), _unmerged(plan)))
    done = git.run_detached(commands, top)
    if done.returncode:
        killed = done.returncode > 128
        left = restore(git.SafeGit(top), head, whole, killed=killed, prefix=plan.prefix)
        raise Refusal(
            f"The files in {plan.project.folder} could not be replaced: {reason(done)}. "
            f"{left.words(plan.project.folder)}"
        )


def _unmerged(plan: Plan) -> str:
    """Returns what tells git's index of the conflicts."""
    lines: list[str] = []
    for path, entries in plan.merged.stages.items():
        (_, blob), *_ = entries.values()
        lines.append(f"0 {'0' * len(blob)}\t{plan.prefix}{path}\0")
        lines += [f"{mode} {blob} {stage}\t{plan.prefix}{path}\0" for stage, (mode, blob) in entries.items()]
    return "".join(lines)


def _refuse_files_in_the_way(plan: Plan) -> None:
    """Refuses where a new file has the place of one that git ignores: git would overwrite that."""
    before, after = plan.store.read(plan.before), plan.store.read(plan.after)
    for path in sorted(after.keys() - before.keys()):
        for place in (path, *(str(parent) for parent in PurePosixPath(path).parents[:-1])):
            here = plan.project.folder / place
            if (here / ".git").exists():
                unknown = True  # another repository, which git ignores
            elif here.is_symlink() or here.is_file():
                unknown = place not in before
            else:
                unknown = place == path and any(
                    each.relative_to(plan.project.folder).as_posix() not in before
                    for each in here.rglob("*")
                    if each.is_symlink() or not each.is_dir()
                )
            if unknown:
                raise Refusal(
                    f"{here} is in the way of {path}, a new file of the template, and is not committed: "
                    "nothing was changed. Move what is in the way, then update again."
                )
