"""What `copier update` would do to the edits of a package, told from the trees of a plan.

Copier renders the old version, takes the difference to the package as a patch, and applies it to a render of the
new version (copier/_main.py, `_apply_update`). A patch is put where its three lines of context are, and a file that
the new version does not render is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass

from provider_template import git
from provider_template.plan import Plan
from provider_template.project import digest
from provider_template.trees import Tree


@dataclass(frozen=True)
class Losses:
    """Files whose edits `copier update` would not keep."""

    dropped: tuple[str, ...]
    """Edited, and deleted because the new version does not have them at their place."""
    misplaced: tuple[str, ...]
    """Edited by both sides, and put together in another way than git's merge does."""


def losses(plan: Plan) -> Losses:
    """Returns what `copier update` would lose in silence."""
    store = plan.store
    base, ours, theirs = (store.read(tree) for tree in (plan.rendered_before, plan.before, plan.rendered_after))
    edited = [
        path
        for path, entry in ours.items()
        if path in base and entry != base[path] and plan.owner(path) != "yours" and not plan.files.is_yours(path)
    ]
    texts = store.blobs({tree[path][1] for tree in (base, ours) for path in edited})
    # Another line end is no edit.
    edited = [path for path in edited if digest(texts[base[path][1]]) != digest(texts[ours[path][1]])]
    dropped = [path for path in edited if path not in theirs and path not in plan.moved]
    both = [path for path in edited if path in theirs and theirs[path] not in (base[path], ours[path])]
    merged = store.read(plan.after)
    misplaced = [
        path
        for path in both
        if path not in plan.merged.stages
        and _patched(plan, base, ours, theirs, path) not in (None, store.blob(merged[path][1]))
    ]
    return Losses(tuple(dropped), tuple(misplaced))


def _patched(plan: Plan, base: Tree, ours: Tree, theirs: Tree, path: str) -> bytes | None:
    """Returns the new version's file with the edits as a patch, or None where the patch does not apply."""
    folder = plan.store.folder / "patched"
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(plan.store.blob(theirs[path][1]))
    patch = plan.store.git(
        "diff",
        "--no-color",
        "--no-ext-diff",
        "--unified=3",
        "--inter-hunk-context=0",
        base[path][1],
        ours[path][1],
    )
    lines = patch.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.startswith("@@")), len(lines))
    content = "--- a/file\n+++ b/file\n" + "".join(lines[start:]) + "\n"
    done = git.run(
        "apply",
        "--unsafe-paths",
        "-",
        cwd=folder,
        content=content,
        more={"GIT_CEILING_DIRECTORIES": str(folder)},
    )
    return (folder / "file").read_bytes() if done.returncode == 0 else None
