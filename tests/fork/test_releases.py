"""Tags that say which upstream they are made of, the way back, and life without upstream's remote."""

from __future__ import annotations

import json

from testing.forks import Fork, Upstream, commit, write


def test_tags_count_for_each_version_of_upstream(upstream: Upstream, fork: Fork) -> None:
    assert "Tagged v1.0.0-acme.1, on LiteLLM v1.0.0" in fork.does("tag")
    assert "This commit is v1.0.0-acme.1 already" in fork.refuses("tag")
    fork.edit("litellm/llms/acme/in_tree.py", "...", "return")
    assert "v1.0.0-acme.2" in fork.does("tag")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    assert "v1.1.0-acme.1" in fork.does("tag")
    found = json.loads(fork.does("log", "--json"))
    assert {(one["tag"], one["base"]) for one in found} == {
        ("v1.0.0-acme.1", "v1.0.0"),
        ("v1.0.0-acme.2", "v1.0.0"),
        ("v1.1.0-acme.1", "v1.1.0"),
    }
    assert fork.git("cat-file", "-t", "v1.1.0-acme.1") == "tag"
    # The fork's own tags are no releases of upstream's.
    assert "at that version already" in fork.does("sync", "--no-probes")


def test_rollback_and_forward_again(upstream: Upstream, fork: Fork) -> None:
    before = fork.git("rev-parse", "HEAD")
    assert "There is no backup of main" in fork.refuses("rollback")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    after = fork.git("rev-parse", "HEAD")
    said = fork.does("rollback")
    assert "backup/main-before-v1.1.0" in said
    assert "git push --force-with-lease=main origin main" in said
    assert fork.git("rev-parse", "HEAD") == before
    assert fork.git("status", "--porcelain") == ""
    assert fork.git("rev-parse", f"backup/main-rolled-back-{after[:12]}") == after
    assert "is where backup/main-before-v1.1.0 is already" in fork.refuses("rollback")
    fork.synced()
    assert fork.git("rev-parse", "HEAD^{tree}") == fork.git("rev-parse", f"{after}^{{tree}}")


def test_a_rollback_takes_no_work_along(upstream: Upstream, fork: Fork) -> None:
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    write(fork.folder, {"fork/acme/provider.toml": fork.text("fork/acme/provider.toml") + "\n"})
    assert "has changes that are not committed" in fork.refuses("rollback")
    head = commit(fork.folder, "Mine")
    fork.does("rollback")
    assert fork.git("merge-base", "--is-ancestor", head, f"backup/main-rolled-back-{head[:12]}") == ""
    assert "There is no branch backup/none" in fork.refuses("rollback", "--to", "backup/none")


def test_without_upstreams_remote(upstream: Upstream, fork: Fork) -> None:
    fork.does("remove-upstream")
    assert fork.git("remote") == ""
    assert "There is no remote upstream" in fork.refuses("remove-upstream")
    fork.does("verify", "--no-probes")
    upstream.edit("v1.1.0", "litellm/main.py", "one", "two")
    fork.synced()
    assert fork.git("remote", "get-url", "upstream") == str(upstream.folder)


def test_another_remote_of_that_name(fork: Fork) -> None:
    fork.git("remote", "set-url", "upstream", "https://example.com/other.git")
    assert "The remote upstream is https://example.com/other.git, and fork.toml says" in fork.refuses(
        "sync", "--no-probes"
    )


def test_verify_in_a_clone_without_upstreams_history(upstream: Upstream, fork: Fork) -> None:
    shallow = Fork(fork.folder.parent / "shallow")
    fork.git("clone", "--quiet", "--depth=1", f"file://{fork.folder}", str(shallow.folder))
    assert "All as fork.toml says" in shallow.does("verify", "--no-probes")
