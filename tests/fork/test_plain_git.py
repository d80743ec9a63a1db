"""A merge or a rebase of upstream by git alone, as DEV_FLOW.md has it: upstream's side in conflicts, then apply."""

from __future__ import annotations

import pytest

from testing.forks import ANCHOR, FILES, Fork, Upstream, commit


@pytest.fixture
def behind(upstream: Upstream, fork: Fork) -> Fork:
    """Returns a fork, and an upstream whose next version changes what stands beside the insertions."""
    upstream.release(
        "v1.1.0",
        {
            "litellm/__init__.py": FILES["litellm/__init__.py"] + "done = 1\n",
            "litellm/utils.py": FILES["litellm/utils.py"].replace(ANCHOR, f"    number = 1\n{ANCHOR}"),
        },
    )
    fork.git("fetch", "--quiet", "--tags", "upstream")
    return fork


def take(fork: Fork, side: str) -> None:
    """Takes one side of the files with conflicts."""
    conflicts = fork.git("diff", "--name-only", "--diff-filter=U").split()
    assert conflicts == ["litellm/__init__.py", "litellm/utils.py", "pyproject.toml"]
    fork.git("checkout", "--quiet", side, *conflicts)
    fork.git("add", *conflicts)


def put_in_again(fork: Fork) -> None:
    """Applies and commits, and looks whether all is in place."""
    assert "has no insertion" in fork.refuses("verify", "--no-probes", status=3)
    fork.does("apply")
    # The version is told from the history until it is recorded, too.
    fork.git("commit", "--quiet", "--message", "Apply, but for fork.toml", "--", "litellm", "pyproject.toml")
    fork.git("stash", "--quiet")
    assert "was merged since, by git alone: run the command apply" in fork.refuses("verify", "--no-probes", status=3)
    fork.git("stash", "pop", "--quiet")
    commit(fork.folder, "Record the version")
    assert "    number = 1\n    # >>> acme:setup\n" in fork.text("litellm/utils.py")
    assert "done = 1\n# >>> acme:register\n" in fork.text("litellm/__init__.py")
    assert "LiteLLM v1.1.0" in fork.does("verify", "--no-probes")


def test_merge(behind: Fork) -> None:
    with pytest.raises(AssertionError, match="CONFLICT"):
        behind.git("merge", "--quiet", "--no-edit", "v1.1.0")
    take(behind, "--theirs")
    behind.git("commit", "--quiet", "--no-edit")
    put_in_again(behind)


def test_rebase(behind: Fork) -> None:
    with pytest.raises(AssertionError, match="CONFLICT"):
        behind.git("rebase", "--quiet", "v1.1.0")
    take(behind, "--ours")
    behind.git("-c", "core.editor=true", "rebase", "--continue")
    put_in_again(behind)


def test_a_merge_driver_of_an_earlier_version(behind: Fork) -> None:
    """A clone in which one is installed loses nothing when it is taken out, as the changelog has it."""
    attributes = behind.folder / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("/litellm/utils.py merge=provider-fork\n/litellm/__init__.py merge=provider-fork\n")
    behind.git("config", "merge.provider-fork.driver", "false %O %A %B %P")
    behind.git("config", "--remove-section", "merge.provider-fork")
    test_merge(behind)
