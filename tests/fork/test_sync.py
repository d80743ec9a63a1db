"""A fork comes to another version of upstream without conflicts, and has all of upstream and all of its own."""

from __future__ import annotations

import json

import pytest

from testing.forks import ANCHOR, FILES, Fork, Upstream, commit, write
from testing.support import must

STRATEGIES = ("merge", "rebase")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_upstream_and_the_fork_changed_the_same_places(upstream: Upstream, fork: Fork, strategy: str) -> None:
    upstream.release(
        "v1.1.0",
        {
            "README.md": "# LiteLLM, new\n",
            "litellm/__init__.py": FILES["litellm/__init__.py"] + "done = True\n",
            "litellm/utils.py": FILES["litellm/utils.py"].replace(ANCHOR, f"    done = litellm.done\n{ANCHOR}"),
            "pyproject.toml": FILES["pyproject.toml"].replace('    "httpx",\n', '    "openai",\n    "httpx",\n'),
        },
    )
    report = fork.synced("--strategy", strategy)
    assert (report["from"], report["to"], report["conflicts"]) == ("v1.0.0", "v1.1.0", 0)
    assert report["kept"] == ["README.md"]
    assert any("done = litellm.done" in one for one in report["near"])
    assert fork.text("README.md") == "# Acme\n"
    assert fork.text("pyproject.toml") == (
        '[project]\nname = "acme-llm"\nversion = "1.1.0+acme"\ndependencies = [\n    # >>> acme:dependencies\n'
        '    "joserfc>=1",\n    # <<< acme:dependencies\n    "openai",\n    "httpx",\n]\n'
    )
    assert "    done = litellm.done\n    # >>> acme:setup\n" in fork.text("litellm/utils.py")
    assert fork.text("litellm/__init__.py").endswith(
        "done = True\n# >>> acme:register\n" + fork.text("litellm/__init__.py").split("# >>> acme:register\n")[1]
    )
    assert 'base = "v1.1.0"' in fork.text("fork.toml")
    assert "LiteLLM v1.1.0" in fork.text("CUSTOM_CHANGES.md")
    fork.does("verify", "--no-probes")
    assert fork.git("status", "--porcelain") == ""


def test_a_merge_has_upstream_as_its_second_parent(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    before = fork.git("rev-parse", "HEAD")
    fork.synced()
    assert fork.git("log", "-1", "--format=%P").split() == [before, fork.git("rev-parse", "v1.1.0^{commit}")]
    assert fork.git("merge-base", "HEAD", "v1.1.0") == fork.git("rev-parse", "v1.1.0^{commit}")


def test_a_rebase_keeps_the_forks_commits_and_their_authors(upstream: Upstream, fork: Fork) -> None:
    write(fork.folder, {"litellm/llms/acme/more.py": "more = 1\n"})
    fork.git("add", "--all")
    fork.git("commit", "--quiet", "--author=Ann <ann@example.com>", "--message=More")
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    report = fork.synced("--strategy", "rebase")
    assert fork.git("log", "--format=%an %s", "v1.1.0..HEAD").splitlines()[1] == "Ann More"
    assert fork.git("rev-list", "--merges", "v1.1.0..HEAD") == ""
    assert fork.git("log", "-1", "--format=%s", "HEAD~2") == "Add the provider"
    assert report["push"].startswith("git push --force-with-lease=main")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_names_of_earlier_versions(upstream: Upstream, fork: Fork, strategy: str) -> None:
    """A fork made by a version up to 0.5.0 is kept as it is, before and after its template's files have new names."""
    mine = '\n[[hooks]]\nname = "two"\nfile = "litellm/main.py"\nwhere = "end"\nwhy = "a test"\nbody = "two = 2"\n'
    write(fork.folder, {"fork.toml": fork.text("fork.toml") + mine})
    earlier = fork.text("fork/acme/provider.toml").replace("[[insert]]", "[[hooks]]")
    write(fork.folder, {"fork/acme/hooks.toml": earlier})
    (fork.folder / "fork" / "acme" / "provider.toml").unlink()
    fork.does("apply")
    commit(fork.folder, "As of 0.5.0")
    assert "4 insertions" in fork.does("verify", "--no-probes")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert fork.synced("--strategy", strategy)["insertions"][-1] == "fork:two"
    fork.git("mv", "fork/acme/hooks.toml", "fork/acme/provider.toml")
    write(fork.folder, {"fork/acme/provider.toml": earlier.replace("[[hooks]]", "[[insert]]")})
    commit(fork.folder, "As now")
    assert "4 insertions" in fork.does("verify", "--no-probes")
    upstream.edit("v1.2.0", "litellm/main.py", "two", "three")
    fork.synced("--strategy", strategy)
    assert "4 insertions" in fork.does("verify", "--no-probes")


def test_a_rebase_after_merges_leaves_the_merges_out(upstream: Upstream, fork: Fork) -> None:
    for number in (1, 2):
        upstream.release(f"v1.{number}.0", {"litellm/main.py": f"number = {number}\n"})
        if number == 1:
            fork.synced()
            fork.edit("litellm/llms/acme/in_tree.py", "...", "return")
    fork.synced("--strategy", "rebase")
    subjects = fork.git("log", "--format=%s", "v1.2.0..HEAD").splitlines()
    assert subjects[0] == "chore: sync with LiteLLM v1.2.0"
    assert subjects[-1] == "Add the provider"
    assert fork.git("rev-list", "--merges", "v1.2.0..HEAD") == ""
    fork.does("verify", "--no-probes")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_steps_and_a_jump_end_in_the_same_files(upstream: Upstream, fork: Fork, strategy: str) -> None:
    for number in range(1, 4):
        upstream.edit(f"v1.{number}.0", "litellm/utils.py", "import litellm\n", f"import litellm\nnumber{number} = 1\n")
    start = fork.git("rev-parse", "HEAD")
    for number in range(1, 4):
        fork.synced("--strategy", strategy, "--to", f"1.{number}.0")
    stepped = fork.git("rev-parse", "HEAD^{tree}")
    fork.git("reset", "--hard", start)
    fork.synced("--strategy", strategy)
    assert fork.git("rev-parse", "HEAD^{tree}") == stepped


def test_two_providers_share_the_anchors(upstream: Upstream, fork: Fork) -> None:
    fork.add_provider("other-ai", '"segno"')
    fork.does("apply")
    commit(fork.folder, "Add another provider")
    upstream.edit("v1.1.0", "litellm/utils.py", "return 1", "return 2")
    fork.synced()
    text = fork.text("litellm/utils.py")
    assert (
        text.index(">>> acme:setup")
        < text.index("<<< acme:setup")
        < text.index(">>> other-ai:setup")
        < text.index(ANCHOR)
    )
    assert '"segno"' in fork.text("pyproject.toml")
    fork.does("verify", "--no-probes")


def test_a_dry_run_changes_nothing(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    before = fork.state()
    said = fork.does("sync", "--no-probes", "--dry-run")
    assert "Nothing was changed." in said
    assert fork.state() == before


def test_without_fast_forward_the_result_is_on_a_branch(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    head = fork.git("rev-parse", "HEAD")
    said = fork.does("sync", "--no-probes")
    assert "git merge --ff-only sync/v1.1.0" in said
    assert fork.git("rev-parse", "HEAD") == head == fork.git("rev-parse", "backup/main-before-v1.1.0")
    fork.git("merge", "--quiet", "--ff-only", "sync/v1.1.0")
    fork.does("verify", "--no-probes")
    assert "at that version already" in fork.does("sync", "--no-probes")


def test_upstreams_branch_and_the_release_after_it(upstream: Upstream, fork: Fork) -> None:
    write(upstream.folder, {"litellm/main.py": "between = 1\n"})
    commit(upstream.folder, "Between releases")
    assert fork.synced("--to", "main")["to"] == "main"
    assert fork.text("litellm/main.py") == "between = 1\n"
    fork.does("verify", "--no-probes")
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    assert fork.synced()["to"] == "v1.1.0"
    fork.does("verify", "--no-probes")


def test_after_a_squashed_sync_the_next_one_still_fits(upstream: Upstream, fork: Fork) -> None:
    start = fork.git("rev-parse", "HEAD")
    for number in (1, 2):
        upstream.edit(f"v1.{number}.0", "litellm/utils.py", f"return {number}", f"return {number + 1}")
        fork.synced()
        fork.git("reset", "--soft", start)
        start = commit(fork.folder, f"Squashed sync {number}")
    fork.does("verify", "--no-probes")


def test_status_says_how_far_behind_and_what_changed_near_the_insertions(upstream: Upstream, fork: Fork) -> None:
    assert "that is current" in fork.does("status")
    upstream.edit("v1.1.0", "litellm/utils.py", ANCHOR, f"    count = 0\n{ANCHOR}")
    upstream.edit("v1.2.0", "litellm/main.py", "one", "two")
    found = json.loads(fork.does("status", "--json"))
    assert found["behind"] == {"commits": 2, "releases": 2}
    assert found["findings"] == []
    [near] = [one for one in found["near"] if one.startswith("acme:setup in litellm/utils.py")]
    assert "+     count = 0" in near


def test_verify_tries_the_anchors_on_a_newer_version(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    upstream.edit("v1.2.0", "litellm/utils.py", "for custom_llm in", "for handler in")
    assert "The insertions fit v1.1.0, too." in fork.does("verify", "--no-probes", "--against", "1.1.0")
    said = fork.refuses("verify", "--no-probes", "--against", "1.2.0", status=3)
    assert said.startswith('On v1.2.0: The anchor of the insertion "acme:setup" is not in litellm/utils.py')


def test_files_to_take_are_upstreams_and_the_report_says_so(upstream: Upstream, fork: Fork) -> None:
    fork.edit("uv.lock", "version = 1\n", "version = 1\n# relocked\n")
    fork.does("changes")
    commit(fork.folder, "Changes")
    upstream.release("v1.1.0", {"uv.lock": "version = 2\n"})
    assert fork.synced()["taken"] == ["uv.lock"]
    assert fork.text("uv.lock") == "version = 2\n"
    fork.does("verify", "--no-probes")


def test_modes_of_files_stay(upstream: Upstream, fork: Fork) -> None:
    script = fork.folder / "fork" / "acme" / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    commit(fork.folder, "Add a script")
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    fork.synced()
    assert fork.git("ls-files", "--stage", "fork/acme/run.sh").startswith("100755")


def test_a_tag_that_upstream_has_moved_stops_nothing(upstream: Upstream, fork: Fork) -> None:
    for number, repository in enumerate((fork.folder, upstream.folder)):
        must("git", "tag", "nightly", "HEAD" if number else "HEAD~1", cwd=repository)
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert fork.synced()["to"] == "v1.1.0"


def test_kept_files_by_pattern_only_where_the_fork_has_edited_them(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {"docs/one.md": "one\n", "docs/two.md": "two\n", "docs/three.md": "three\n"})
    fork.synced()
    fork.edit("fork.toml", 'keep = ["README.md"]', 'keep = ["README.md", "docs/"]')
    fork.edit("docs/one.md", "one", "ours")
    fork.git("rm", "--quiet", "docs/three.md")
    fork.does("apply")
    commit(fork.folder, "Docs of our own")
    fork.does("verify", "--no-probes")
    upstream.release(
        "v1.2.0", {"docs/one.md": "1\n", "docs/two.md": "2\n", "docs/three.md": "3\n", "docs/four.md": "4\n"}
    )
    assert fork.synced()["kept"] == ["docs/one.md", "docs/three.md"]
    assert [fork.text(f"docs/{name}.md") for name in ("one", "two", "four")] == ["ours\n", "2\n", "4\n"]
    assert not (fork.folder / "docs/three.md").exists()
    fork.does("verify", "--no-probes")


def test_a_sync_that_was_reverted_is_done_again(upstream: Upstream, fork: Fork) -> None:
    upstream.release("v1.1.0", {f"litellm/part{number}.py": "part = 1\n" for number in range(9)})
    fork.synced()
    after = fork.git("rev-parse", "HEAD^{tree}")
    fork.git("revert", "--no-edit", "-m", "1", "HEAD")
    fork.does("verify", "--no-probes")
    assert fork.synced()["from"] == "v1.0.0"
    assert fork.git("rev-parse", "HEAD^{tree}") == after


def test_the_same_upstream_by_another_protocol(upstream: Upstream, fork: Fork) -> None:
    fork.git("remote", "set-url", "upstream", f"file://{upstream.folder}/")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    assert fork.synced()["to"] == "v1.1.0"
