"""Applies an update: all of it or nothing, on a clean tree."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from provider_template import git
from provider_template.errors import Refusal
from provider_template.plan import Plan


def apply(plan: Plan) -> None:
    """Brings the package's work tree and index to what a plan came to; nothing is committed.

    One process of git changes the files, in a session of its own: it goes on to its end where this one is killed.

    Raises:
        Refusal: The package is no longer as it was, or a file that git does not know is in the way.
    """
    top = plan.top
    head = git.must("rev-parse", "HEAD", cwd=top)
    if (
        plan.store.git(
            "rev-parse", f"{head}:{plan.prefix}".rstrip("/") if plan.prefix else f"{head}^{{tree}}"
        )
        != plan.before
    ):
        raise Refusal(
            "A commit was made while the update was computed: nothing was changed, so update again."
        )
    _refuse_files_in_the_way(plan)
    whole = plan.store.change(f"{head}^{{tree}}", plan.prefix, plan.after)
    index = Path(git.must("rev-parse", "--path-format=absolute", "--git-path", "index", cwd=top))
    if index.with_name("index.lock").exists():
        raise Refusal(
            f"Another git is at work in {top} ({index}.lock is there): nothing was changed, so update again later."
        )
    git.run("update-index", "-q", "--refresh", cwd=top)
    done = git.run("read-tree", "-m", "-u", head, whole, cwd=top, detached=True)
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())
        raise Refusal(
            f"The files in {plan.project.folder} could not be replaced: {words}. Move what is in the way, "
            "and see with git status that all is as it was before you update again."
        )
    if plan.merged.stages:
        lines = "".join(
            f"0 {'0' * len(mark)}\t{plan.prefix}{path}\0"
            + "".join(
                f"{mode} {blob} {stage}\t{plan.prefix}{path}\0" for stage, (mode, blob) in entries.items()
            )
            for path, entries in plan.merged.stages.items()
            for mark in [next(iter(entries.values()))[1]]
        )
        git.must("update-index", "-z", "--index-info", cwd=top, content=lines, detached=True)


def _refuse_files_in_the_way(plan: Plan) -> None:
    """Refuses where a new file has the place of one that git ignores: git would overwrite that."""
    before, after = plan.store.read(plan.before), plan.store.read(plan.after)
    for path in after.keys() - before.keys():
        places = [path, *(str(parent) for parent in PurePosixPath(path).parents[:-1])]
        for place in places:
            here = plan.project.folder / place
            if (
                here.is_symlink() or here.is_file() or (here.exists() and place == path)
            ) and place not in before:
                raise Refusal(
                    f"{here} is in the way of {path}, a new file of the template, and is not committed: "
                    "nothing was changed. Move what is in the way, then update again."
                )
