"""What does not fit is refused in a sentence that says how to fix it, and no branch has moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fork_tool.apply import apply
from fork_tool.errors import Refusal
from fork_tool.git import Git
from testing.forks import ANCHOR, FILES, Fork, Upstream, commit, write
from testing.support import no_file_above

SYNC = ("sync", "--no-probes", "--fast-forward")


def renamed_anchor(upstream: Upstream) -> None:
    """Upstream writes the line another way."""
    upstream.edit("v1.1.0", "litellm/utils.py", "for custom_llm in", "for handler in")


def moved_anchor(upstream: Upstream) -> None:
    """Upstream moves the function to another file."""
    text = FILES["litellm/utils.py"]
    head, function = text.split("def setup()")
    upstream.release(
        "v1.1.0", {"litellm/utils.py": head, "litellm/setup.py": f"import litellm\n\n\ndef setup(){function}"}
    )


def doubled_anchor(upstream: Upstream) -> None:
    """Upstream has the line twice."""
    upstream.edit("v1.1.0", "litellm/utils.py", ANCHOR, f"{ANCHOR}        ...\n{ANCHOR}")


def deleted_file(upstream: Upstream) -> None:
    """Upstream deletes a file with an insertion."""
    upstream.release("v1.1.0", {"litellm/utils.py": None})


def taken_path(upstream: Upstream) -> None:
    """Upstream gets a provider of the same name."""
    upstream.release("v1.1.0", {"litellm/llms/acme/chat.py": "chat = 1\n"})


def windows(upstream: Upstream) -> None:
    """Upstream converts a file."""
    text = (upstream.folder / "litellm/utils.py").read_text()
    upstream.release("v1.1.0", {"litellm/utils.py": text.replace("\n", "\r\n")})


def renamed_project(upstream: Upstream) -> None:
    """Upstream changes a line that the fork replaces."""
    upstream.edit("v1.1.0", "pyproject.toml", 'name = "litellm"', 'name = "litellm-core"')


def no_line_end(upstream: Upstream) -> None:
    """Upstream ends a file without a line end."""
    upstream.release("v1.1.0", {"litellm/__init__.py": FILES["litellm/__init__.py"].rstrip("\n")})


UPSTREAM: dict[Callable[[Upstream], None], tuple[str, ...]] = {
    renamed_anchor: (
        'The anchor of the insertion "acme:setup" is not in litellm/utils.py',
        "litellm/utils.py:9 is the line most like it ('for handler in litellm.custom_provider_map:')",
        """[anchors]: "acme:setup" = { anchor = '^    for handler in litellm\\.custom_provider_map:$' }""",
    ),
    moved_anchor: (
        """"acme:setup" = { file = 'litellm/setup.py' }""",
        '"acme:setup" is not in litellm/utils.py',
        "it matches once in litellm/setup.py",
    ),
    doubled_anchor: ('"acme:setup" is in litellm/utils.py 2 times (lines 9, 11) instead of once',),
    deleted_file: ("litellm/utils.py is not there in upstream's version and acme:setup belongs into it",),
    taken_path: (
        "Upstream has litellm/llms/acme/chat.py now",
        "render the provider again under another name",
    ),
    windows: ("litellm/utils.py has line ends of Windows",),
    renamed_project: (
        "The line 'name = \"litellm\"' that the fork replaces is not in pyproject.toml",
        "[[replace]]",
    ),
    no_line_end: (
        'litellm/__init__.py does not end with a line end, so the insertion "acme:register" cannot go there',
    ),
}


@pytest.mark.parametrize("change", UPSTREAM, ids=lambda change: change.__name__)
@pytest.mark.parametrize("strategy", ["merge", "rebase"])
def test_what_upstream_did(change: Callable[[Upstream], None], strategy: str, upstream: Upstream, fork: Fork) -> None:
    change(upstream)
    said = fork.refuses(*SYNC, "--strategy", strategy)
    for words in UPSTREAM[change]:
        assert words in said


FORK: dict[str, tuple[str, str, str, str]] = {
    "an edit outside the markers": (
        "litellm/utils.py",
        "return 1",
        "return 2",
        "litellm/utils.py is edited outside the markers, at line 5 without its insertions",
    ),
    "an edited body": (
        "litellm/utils.py",
        "    ensure_registered()\n",
        "    ensure_registered()  # mine\n",
        'litellm/utils.py:9 has the insertion "acme:setup" with another body',
    ),
    "a deleted end marker": (
        "litellm/utils.py",
        "    # <<< acme:setup\n",
        "",
        'litellm/utils.py:9 has a marker of the insertion "acme:setup" that has no partner',
    ),
    "a deleted block": (
        "litellm/__init__.py",
        (
            "# >>> acme:register\nfrom litellm.llms.acme.in_tree import announce as _announce_acme\n\n"
            "_announce_acme()\n# <<< acme:register\n"
        ),
        "",
        'litellm/__init__.py has no insertion "acme:register": run the command apply',
    ),
    "a moved block": (
        "litellm/utils.py",
        "        print(custom_llm)\n",
        "        print(custom_llm)\n        print(custom_llm)\n",
        "litellm/utils.py is edited outside the markers",
    ),
    "an unknown insertion": (
        "litellm/utils.py",
        "    # >>> acme:setup\n",
        "    # >>> acme:more\n    # <<< acme:more\n    # >>> acme:setup\n",
        'litellm/utils.py:9 has the insertion "acme:more" that fork.toml has not',
    ),
    "line ends of Windows": ("litellm/utils.py", "\n", "\r\n", "litellm/utils.py has line ends of Windows"),
    "an edited file without insertions": (
        "litellm/main.py",
        "one",
        "mine",
        "litellm/main.py is changed in the fork: make the change a [[insert]] or [[replace]] entry",
    ),
    "a branded line by hand": (
        "pyproject.toml",
        'name = "acme-llm"',
        'name = "acme-two"',
        "pyproject.toml is edited outside the markers, at line 2 without its insertions",
    ),
}


@pytest.mark.parametrize("edit", FORK)
def test_what_the_fork_did(edit: str, upstream: Upstream, fork: Fork) -> None:
    path, old, new, words = FORK[edit]
    if edit == "line ends of Windows":
        write(fork.folder, {path: fork.text(path).replace(old, new)})
        commit(fork.folder, edit)
    else:
        fork.edit(path, old, new)
    upstream.edit("v1.1.0", "litellm/main.py", "completion", "complete")
    assert words in fork.refuses(*SYNC)
    assert words in fork.refuses("verify", "--no-probes", status=3)
    assert words in fork.refuses("status", status=3)


def test_a_file_that_nobody_owns(upstream: Upstream, fork: Fork) -> None:
    write(fork.folder, {"scripts/mine.sh": "true\n"})
    commit(fork.folder, "A script")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert "scripts/mine.sh is a file of the fork that upstream does not have: list it under owned" in fork.refuses(
        *SYNC
    )
    fork.edit("fork.toml", 'owned = ["fork.toml"', 'owned = ["scripts/", "fork.toml"')
    fork.synced()
    assert fork.text("scripts/mine.sh") == "true\n"


def test_a_file_with_an_insertion_deleted_in_the_fork(upstream: Upstream, fork: Fork) -> None:
    fork.git("rm", "--quiet", "litellm/utils.py")
    commit(fork.folder, "Delete")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert "litellm/utils.py is deleted in the fork" in fork.refuses(*SYNC)


def test_a_refusal_is_mended_in_fork_toml_and_the_sync_goes_on(upstream: Upstream, fork: Fork) -> None:
    moved_anchor(upstream)
    fork.refuses(*SYNC)
    anchors = '\n[anchors]\n"acme:setup" = { file = "litellm/setup.py" }\n'
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + anchors})
    commit(fork.folder, "Follow the anchor")
    fork.synced()
    assert ">>>" not in fork.text("litellm/utils.py")
    assert "    # >>> acme:setup\n" in fork.text("litellm/setup.py")
    fork.does("verify", "--no-probes")


def test_a_body_is_mended_together_with_its_place(upstream: Upstream, fork: Fork) -> None:
    renamed_anchor(upstream)
    place = "'^    for handler in litellm\\.custom_provider_map:$'"
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + f'\n[anchors]\n"acme:setup" = {place}\n'})
    insertions = fork.text("fork/acme/provider.toml")
    write(
        fork.folder,
        {"fork/acme/provider.toml": insertions.replace("\nensure_registered()\n", "\nensure_registered()  # new\n")},
    )
    commit(fork.folder, "Follow upstream")
    fork.synced()
    assert "    ensure_registered()  # new\n    # <<< acme:setup\n    for handler in" in fork.text("litellm/utils.py")
    fork.does("verify", "--no-probes")


def test_a_line_of_the_forks_is_changed_where_it_is_declared(upstream: Upstream, fork: Fork) -> None:
    fork.edit("fork.toml", "acme-llm", "acme-two")
    fork.does("apply")
    assert 'name = "acme-two"' in fork.text("pyproject.toml")
    commit(fork.folder, "Another name")
    fork.does("verify", "--no-probes")
    fork.edit("fork.toml", "acme-two", "acme-three")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    assert 'name = "acme-three"' in fork.text("pyproject.toml")


def test_an_insertion_that_is_declared_no_more_goes_away(upstream: Upstream, fork: Fork) -> None:
    insertions = fork.text("fork/acme/provider.toml")
    write(
        fork.folder,
        {"fork/acme/provider.toml": insertions[: insertions.index("[[insert]]")].replace('"joserfc>=1"', "")},
    )
    assert "litellm/utils.py" in fork.does("apply")
    commit(fork.folder, "No insertions")
    assert fork.text("litellm/utils.py") == FILES["litellm/utils.py"]
    fork.does("verify", "--no-probes")


def test_a_dirty_tree_and_no_branch(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    write(fork.folder, {"litellm/llms/acme/in_tree.py": "dirty = 1\n"})
    assert "has changes that are not committed: commit or stash them first." in fork.refuses(*SYNC)
    fork.git("checkout", "--quiet", "--", ".")
    fork.git("checkout", "--quiet", "--detach")
    assert "No branch is checked out" in fork.refuses(*SYNC)


def test_a_merge_under_way(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    (fork.folder / ".git" / "MERGE_HEAD").write_text(fork.git("rev-parse", "HEAD") + "\n")
    assert "git merge is under way in" in fork.refuses(*SYNC)


def test_a_file_in_the_way(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {"litellm/new.py": "theirs = 1\n"})
    write(fork.folder, {"litellm/new.py": "mine = 1\n"})
    before = fork.git("rev-parse", "HEAD")
    done = fork.run(*SYNC)
    assert done.returncode == 1
    assert "litellm/new.py is in the way of a file of" in done.stdout
    assert fork.text("litellm/new.py") == "mine = 1\n"
    assert fork.git("rev-parse", "HEAD") == before
    assert fork.git("status", "--porcelain") == "?? litellm/new.py"


def test_versions_that_are_not_there(upstream: Upstream, fork: Fork) -> None:
    assert "Upstream has no version 9.9.9: name one of its releases (the newest is v1.0.0)" in fork.refuses(
        *SYNC, "--to", "9.9.9"
    )
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    assert "v1.0.0 is older than v1.1.0, which the fork is made of" in fork.refuses(*SYNC, "--to", "1.0.0")


def test_a_version_that_must_not_run(upstream: Upstream, fork: Fork) -> None:
    """By whatever name it is asked for; a sync to the newest release takes the one before."""
    for version, number in (("v1.106.0", "1"), ("v1.107.0", "2")):
        upstream.release(version, {"litellm/main.py": f"number = {number}\n"})
    bad = "LiteLLM 1.107.0 was published with malicious code"
    assert bad in fork.refuses(*SYNC, "--to", "1.107.0")
    assert bad in fork.refuses(*SYNC, "--to", fork.git("rev-parse", "v1.107.0^{commit}"))
    assert fork.synced()["to"] == "v1.106.0"
    assert "at that version already" in fork.does("sync", "--no-probes")
    upstream.release("v1.107.1", {"litellm/main.py": "number = 3\n"})
    assert fork.synced()["to"] == "v1.107.1"


def test_an_upstream_that_is_gone(upstream: Upstream, fork: Fork, tmp_path: Path) -> None:
    upstream.folder.rename(tmp_path / "gone")
    said = fork.refuses(*SYNC)
    assert "cannot be fetched" in said
    assert "at that version already" in fork.does("sync", "--no-probes", "--no-fetch")


def test_a_branch_with_work_of_somebodys(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.git("checkout", "--quiet", "-b", "sync/v1.1.0")
    write(fork.folder, {"fork/acme/mine.md": "mine\n"})
    commit(fork.folder, "Mine")
    fork.git("checkout", "--quiet", "main")
    assert "The branch sync/v1.1.0 is there already and has commits of yours" in fork.refuses(*SYNC)


WRONG_DECLARATIONS = {
    "no TOML": ("[fork]", "[fork", "fork.toml is not valid TOML"),
    "no name": ('name = "acme"\n', "", "fork.toml, [fork], has no name: write a text in quotes"),
    "a strategy": ('"merge"', '"squash"', "has strategy = 'squash': write merge or rebase"),
    "a misspelt key": ("keep =", "kept =", "has kept = ['README.md']: there is no such setting"),
    "a pattern": ("line = 'name = \"litellm\"'", "line = '('", "it is no regular expression"),
    "a group": ("'name = \"acme-llm\"'", "'\\1'", "which does not fit its line: invalid group reference"),
    "two rules for a file": (
        'keep = ["README.md"]',
        'keep = ["pyproject.toml"]',
        "is also listed under keep or take",
    ),
    "an anchor for nothing": (
        "[[replace]]",
        "[anchors]\n\"acme:none\" = '^x$'\n\n[[replace]]",
        "which is no insertion of this fork",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_DECLARATIONS)
def test_a_fork_toml_that_breaks_a_rule(wrong: str, fork: Fork) -> None:
    old, new, words = WRONG_DECLARATIONS[wrong]
    fork.edit("fork.toml", old, new)
    for command in (SYNC, ("verify", "--no-probes"), ("apply",), ("status",)):
        assert words in fork.refuses(*command)


def test_a_provider_file_under_both_of_its_names(fork: Fork) -> None:
    write(fork.folder, {"fork/acme/hooks.toml": fork.text("fork/acme/provider.toml")})
    commit(fork.folder, "Both")
    words = (
        "fork/acme has provider.toml and hooks.toml, which was its name: take over what is yours, delete hooks.toml."
    )
    for command in (SYNC, ("verify", "--no-probes"), ("apply",), ("status",)):
        assert words in fork.refuses(*command)


def test_a_line_that_would_be_replaced_again(upstream: Upstream, fork: Fork) -> None:
    fork.edit("fork.toml", "line = 'name = \"litellm\"'", "line = 'name = .*'")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert "so it would be replaced again: make the expression narrower" in fork.refuses(*SYNC)


def test_a_body_that_uses_a_name_of_upstreams(upstream: Upstream, fork: Fork) -> None:
    insertion = (
        '\n[[insert]]\nname = "count"\nfile = "litellm/utils.py"\nwhere = "after"\nanchor = \'^def helper\\(\\)\'\nindent = 4\n'
        'why = "to count"\nbody = "print(litellm)"\n'
    )
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + insertion})
    fork.does("apply")
    commit(fork.folder, "An insertion")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    words = 'The insertion "fork:count" in litellm/utils.py uses litellm, which it does not define'
    assert words in fork.refuses(*SYNC)
    assert words in fork.refuses("verify", "--no-probes", status=3)
    fork.edit("fork.toml", 'why = "to count"', 'why = "to count"\nuses = ["litellm"]')
    fork.synced()
    text = FILES["litellm/utils.py"].replace("import litellm\n", "import litellm as library\n")
    upstream.release(
        "v1.2.0",
        {"litellm/utils.py": text.replace(ANCHOR, ANCHOR.replace("litellm", "library")) + ANCHOR + "        ...\n"},
    )
    assert 'The insertion "fork:count" uses litellm, which litellm/utils.py does not define any more' in fork.refuses(
        *SYNC
    )


def test_a_folder_that_is_no_fork(fork: Fork, tmp_path: Path) -> None:
    assert "is in no git repository" in Fork(tmp_path).run("status").stdout
    fork.git("rm", "--quiet", "fork.toml")
    commit(fork.folder, "No fork")
    assert "There is no fork.toml" in fork.refuses("status")


def test_insertions_beside_replaced_lines(upstream: Upstream, fork: Fork) -> None:
    insertion = (
        '\n[[insert]]\nname = "note"\nfile = "pyproject.toml"\nwhere = "before"\nanchor = \'^name = "litellm"$\'\n'
        'why = "to note"\nbody = "# ours"\n'
    )
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + insertion})
    fork.does("apply")
    assert '# >>> fork:note\n# ours\n# <<< fork:note\nname = "acme-llm"\n' in fork.text("pyproject.toml")
    commit(fork.folder, "A note")
    fork.does("verify", "--no-probes")


def test_a_line_with_two_replacements(fork: Fork) -> None:
    again = (
        '\n[[replace]]\nfile = "pyproject.toml"\nline = \'name = "lite.*"\'\nwith = \'name = "acme"\'\nwhy = "twice"\n'
    )
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + again})
    commit(fork.folder, "Twice")
    assert "Two lines that the fork replaces in pyproject.toml are the same one" in fork.refuses("apply")


def test_apply_keeps_what_was_edited_between_markers(fork: Fork) -> None:
    write(
        fork.folder,
        {"litellm/utils.py": fork.text("litellm/utils.py").replace("ensure_registered()\n", "mine()\n")},
    )
    assert 'has the insertion "acme:setup" with another body' in fork.refuses("apply")


def test_a_commit_made_meanwhile_stays(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    # The probes' interpreter makes a commit, as somebody might while they run.
    script = fork.folder.parent / "python"
    script.write_text(f'#!/bin/sh\ncd {fork.folder} && git commit --quiet --allow-empty -m Precious\necho "ok all"\n')
    script.chmod(0o755)
    probes = "tests/test_litellm/llms/acme/conformance/probes.py"
    write(fork.folder, {probes: "\n"})
    commit(fork.folder, "Probes")
    for strategy in ("merge", "rebase"):
        done = fork.run("sync", "--fast-forward", "--strategy", strategy, "--python", str(script))
        assert done.returncode == 1
        assert "main is not as it was when this began: nothing was moved" in done.stdout
        assert fork.git("log", "-1", "--format=%s") == "Precious"


def test_settings_of_git_that_delete_or_rewrite(upstream: Upstream, fork: Fork) -> None:
    for name in ("fetch.prune", "fetch.pruneTags", "remote.upstream.prune", "log.showSignature"):
        fork.git("config", name, "true")
    fork.git("config", "column.ui", "always")
    fork.does("tag")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced("--strategy", "rebase")
    assert fork.git("tag", "--list", "*acme*") == "v1.0.0-acme.1"


def test_a_tag_of_the_forks_that_looks_like_upstreams(upstream: Upstream, fork: Fork) -> None:
    fork.git("tag", "v1.0.5")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert fork.synced()["from"] == "v1.0.0"
    assert "LiteLLM v1.1.0" in fork.does("verify", "--no-probes")


@pytest.mark.parametrize("path", ["litellm/llms/acme", "README.md/more.md", "fork/acme/provider.toml/more"])
def test_a_folder_against_a_file(path: str, upstream: Upstream, fork: Fork) -> None:
    more = {"README.md": None} if path.startswith("README.md") else {}
    write(upstream.folder, more)
    upstream.release("v1.1.0", {path: "theirs\n"})
    assert f"Upstream has {path} now, where the fork has files of its own" in fork.refuses(*SYNC)


def test_modes_are_upstreams(upstream: Upstream, fork: Fork) -> None:
    (fork.folder / "litellm/utils.py").chmod(0o755)
    commit(fork.folder, "A mode")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    words = "litellm/utils.py has another mode than upstream's 100644"
    assert words in fork.refuses(*SYNC)
    assert words in fork.refuses("verify", "--no-probes", status=3)


def test_an_amended_update_branch_is_kept(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.does("sync", "--no-probes")
    fork.git("checkout", "--quiet", "sync/v1.1.0")
    write(fork.folder, {"fork/acme/more.md": "more\n"})
    fork.git("add", "--all")
    fork.git("commit", "--quiet", "--amend", "--no-edit")
    amended = fork.git("rev-parse", "HEAD")
    fork.git("checkout", "--quiet", "main")
    fork.edit("litellm/llms/acme/in_tree.py", "...", "return")
    fork.does("sync", "--no-probes")
    assert fork.git("rev-parse", f"backup/sync/v1.1.0-{amended[:12]}") == amended


def test_file_that_apply_cannot_write(fork: Fork) -> None:
    """What was written before it is taken back."""
    insertions = fork.text("fork/acme/provider.toml")
    long = "".join(f"# {number}\n" for number in range(2000))
    fork.edit("fork/acme/provider.toml", insertions, insertions.replace("body = '''\n", f"body = '''\n{long}"))
    fork.edit("fork/acme/provider.toml", long, "# short\n")
    before = fork.state()
    with no_file_above(9999), pytest.raises(Refusal, match=r"cannot be written .* and nothing was changed"):
        apply(Git(fork.folder))
    assert fork.state() == before
    assert "litellm/__init__.py" in fork.does("apply")
