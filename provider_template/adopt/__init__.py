"""`provider-template adopt`: brings a package that was written by hand under the template, on a branch of its own."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fork_tool.restore import reason, restore
from provider_template import git
from provider_template.errors import Refusal
from provider_template.project import ANSWERS, answers_in, checkout_of, require_clean

if TYPE_CHECKING:
    from rich.console import Console

    from provider_template.adopt.place import Placed
    from provider_template.adopt.sources import Sources

BRANCH = "adopt-template"


def adopt(
    folder: Path,
    template: str,
    *,
    ref: str | None,
    data: Mapping[str, Any],
    ask: bool,
    branch: str = BRANCH,
    console: Console,
) -> int:
    """Brings a package under a template, in one commit on a new branch; returns the exit status.

    Args:
        folder: The package.
        template: The template's URL or path.
        ref: A version of the template, or its newest release.
        data: Answers that go before those which the package gives.
        ask: Whether the author can correct answers in the terminal.
        branch: The name of the branch.
        console: Where to print.

    Raises:
        Refusal: The package cannot be adopted, or the author stopped; nothing was changed.
    """
    from provider_template.adopt.compose import Package, compose_tree
    from provider_template.adopt.confirm import Settling, confirm
    from provider_template.adopt.infer import infer
    from provider_template.adopt.layout import find_layout
    from provider_template.adopt.reach import provider_code
    from provider_template.adopt.sources import Sources
    from provider_template.adopt.upstream import no_http_warning, several_in_words
    from provider_template.template import newest, open_repository, versions
    from provider_template.trees import Store

    folder = folder.absolute()
    checkout = checkout_of(folder)
    require_clean(folder)
    identity = _identity(folder)
    _require_branch(branch, folder)
    head = git.must("rev-parse", "HEAD", cwd=folder)
    here = f"{head}:{checkout.prefix}".rstrip("/") if checkout.prefix else f"{head}^{{tree}}"
    with TemporaryDirectory(prefix="provider-template-", ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary).resolve()
        store = Store(scratch, folder, keep=True)
        sources = Sources(store, git.must("rev-parse", here, cwd=folder))
        project, text = _project(sources, folder)
        repository = open_repository(_source(template), scratch)
        wanted = ref or newest(versions(str(repository.folder)))
        version = repository.describe(wanted)
        layout = find_layout(sources, project, text)
        code = provider_code(sources, layout)
        found = infer(sources, project, text, layout, code)

        def warnings(answers: Mapping[str, Any]) -> list[str]:
            return [*filter(None, (several_in_words(code), no_http_warning(code, answers["api_format"])))]

        settling = Settling(repository, wanted, scratch, found)
        settled = confirm(settling, data, console, ask=ask, warnings=warnings)
        package = Package(folder, sources, project, text, layout, code)
        inner, placed = compose_tree(package, settled, version, store)
        whole = store.change(f"{head}^{{tree}}", checkout.prefix, inner)
    message = f"Adopt version {version} of the provider template\n\nADOPTING.md says what is left to do."
    commit = git.must("commit-tree", whole, "-p", head, "-m", message, cwd=folder, more=identity)
    before = git.run("symbolic-ref", "--short", "HEAD", cwd=folder).stdout.decode().strip() or f"--detach {head[:12]}"
    _switch(branch, commit, head, folder)
    _say_what_next(console, placed, branch, before, version)
    return 0


def _identity(folder: Path) -> dict[str, str]:
    """Returns the variables that say who commits."""
    given = {name: value for name, value in os.environ.items() if name.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_"))}
    if git.run("var", "GIT_COMMITTER_IDENT", cwd=folder, more=given).returncode:
        raise Refusal("Git does not know who commits: run git config user.name and git config user.email first.")
    return given


def _require_branch(branch: str, folder: Path) -> None:
    if git.run("check-ref-format", "--branch", branch, cwd=folder).returncode:
        raise Refusal(f"{branch} is no name for a branch: give one such as {BRANCH}.")
    if git.run("show-ref", "--verify", "--quiet", f"refs/heads/{branch}", cwd=folder).returncode == 0:
        raise Refusal(
            f"There is a branch {branch} already: name another one, or delete it with git branch -D {branch}."
        )


def _source(template: str) -> str:
    """Returns what the answers file is to call the template: a path that holds wherever an update is run."""
    from provider_template.template import is_folder, location

    return str(Path(location(template)).expanduser().resolve()) if is_folder(template) else template


def _project(sources: Sources, folder: Path) -> tuple[dict[str, Any], str]:
    """Reads pyproject.toml, and looks whether the package can be adopted."""
    from provider_template.adopt.layout import PROJECT_FILE
    from provider_template.adopt.place import ADOPTED, TO_DO

    there = [ANSWERS] if ANSWERS in sources.files else answers_in(folder)[0]
    if there:
        option = "" if there[0] == ANSWERS else f" --answers-file {shlex.quote(there[0])}"
        raise Refusal(
            f"{folder} is under a template already ({there[0]} is there): run provider-template update{option}."
        )
    for path in (TO_DO, ADOPTED):
        if path in sources.files or path.rstrip("/") in sources.folders:
            raise Refusal(f"{path} is there already, and adopting writes it: give it another name first.")
    text = sources.text(PROJECT_FILE) if PROJECT_FILE in sources.files else None
    mend = 'write one with [project] and name = "...", as packages have that pip installs'
    if text is None:
        raise Refusal(f"{folder} has no {PROJECT_FILE}: {mend}.")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refusal(f"{folder / PROJECT_FILE} is no TOML: {error}.") from None
    project = content.get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise Refusal(f"{folder / PROJECT_FILE} names no project: {mend}.")
    return content, text


def _switch(branch: str, commit: str, head: str, folder: Path) -> None:
    """Makes the branch and switches to it, or leaves everything as it was."""
    require_clean(folder)
    if git.must("rev-parse", "HEAD", cwd=folder) != head:
        raise Refusal("A commit was made meanwhile: nothing was changed, so adopt again.")
    here = git.run("symbolic-ref", "--quiet", "HEAD", cwd=folder).stdout.decode().strip()
    git.must("branch", "--no-track", branch, commit, cwd=folder)
    # Files that git ignores are the author's, too.
    words = ("-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--no-overwrite-ignore", branch)
    done = git.run(*words, cwd=folder, detached=True)
    # Git's switch ends with 0 also where it could not write a file.
    if done.returncode or git.run("diff", "--quiet", "--ignore-submodules", "HEAD", "--", ".", cwd=folder).returncode:
        there = checkout_of(folder)
        left = restore(git.SafeGit(there.top), head, commit, killed=done.returncode < 0, prefix=there.prefix)
        back = ("symbolic-ref", "HEAD", here) if here else ("update-ref", "--no-deref", "HEAD", head)
        git.must(*back, cwd=folder)
        git.run("branch", "-D", branch, cwd=folder)
        raise Refusal(f"Git could not switch to {branch}: {reason(done)}. {left.words(folder)}")


def _say_what_next(console: Console, placed: Placed, branch: str, before: str, version: str) -> None:
    moved = sum(old != new for old, new in placed.paths.items()) - len(placed.adopted)
    lines = (
        f"The branch {branch} has the package under version {version} of the template; {before.rpartition(' ')[2]} is as it was.",
        f"Of your files, {len(placed.paths) - len(placed.adopted) - moved} are where they were, {moved} moved into place, "
        f"and {len(placed.adopted)} are in adopted/; {len(placed.added)} files of the template are new.",
        "",
        "  make check test    says what is in the way, such as a version that you have pinned",
        "  ADOPTING.md        says what goes where, step by step",
        "",
        f"To undo it: git switch {before} && git branch -D {branch}",
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
