"""With the merge driver, plain git keeps the hooks and what upstream has around them."""

from __future__ import annotations

import pytest

from testing.forks import ANCHOR, FILES, Fork, Upstream, commit


@pytest.fixture
def moved(upstream: Upstream, fork: Fork) -> Fork:
    """Returns a fork with the driver, and an upstream whose next versions change what stands beside the hooks."""
    fork.edit("README.md", "Acme", "Acme, branded")
    assert "litellm/utils.py" in fork.does("install-driver")
    for number in (1, 2):
        upstream.release(
            f"v1.{number}.0",
            {
                "README.md": f"# LiteLLM {number}\n",
                "litellm/__init__.py": FILES["litellm/__init__.py"] + f"done = {number}\n",
                "litellm/utils.py": FILES["litellm/utils.py"].replace(ANCHOR, f"    number = {number}\n{ANCHOR}"),
                "pyproject.toml": FILES["pyproject.toml"].replace("[\n", f'[\n    "openai=={number}",\n'),
            },
        )
    fork.git("fetch", "--quiet", "--tags", "upstream")
    return fork


def in_place(fork: Fork, number: int) -> None:
    """Looks at the files with hooks, and lets the tool look at all."""
    assert f"    number = {number}\n    # >>> acme:setup\n" in fork.text("litellm/utils.py")
    assert f"done = {number}\n# >>> acme:register\n" in fork.text("litellm/__init__.py")
    assert fork.text("pyproject.toml").startswith('[project]\nname = "acme-llm"\n')
    assert f'"openai=={number}",' in fork.text("pyproject.toml")
    assert fork.text("README.md") == "# Acme, branded\n"
    # The base is told from the history.
    assert "was merged since, by git alone: run the command apply" in fork.refuses("verify", "--no-probes", status=3)
    fork.does("apply")
    commit(fork.folder, "Changes")
    assert f"LiteLLM v1.{number}.0" in fork.does("verify", "--no-probes")


@pytest.mark.parametrize("steps", [(2,), (1, 2)])
def test_plain_merge(moved: Fork, steps: tuple[int, ...]) -> None:
    for number in steps:
        moved.git("merge", "--quiet", "--no-edit", f"v1.{number}.0")
        in_place(moved, number)


@pytest.mark.parametrize("steps", [(2,), (1, 2)])
def test_plain_rebase(moved: Fork, steps: tuple[int, ...]) -> None:
    for number in steps:
        moved.git("rebase", "--quiet", f"v1.{number}.0")
        in_place(moved, number)


def test_without_the_driver_it_conflicts(moved: Fork) -> None:
    moved.git("config", "--remove-section", "merge.provider-fork")
    done = moved.run("status", "--no-fetch")
    assert done.returncode == 0
    with pytest.raises(AssertionError, match="CONFLICT"):
        moved.git("merge", "--quiet", "--no-edit", "v1.2.0")


def test_an_edit_outside_the_markers_still_merges(moved: Fork) -> None:
    moved.edit("litellm/utils.py", "return 1", "return 7")
    moved.git("merge", "--quiet", "--no-edit", "v1.2.0")
    assert "return 7" in moved.text("litellm/utils.py")
    assert "    number = 2\n    # >>> acme:setup\n" in moved.text("litellm/utils.py")


def test_installing_twice_and_after_a_change(moved: Fork) -> None:
    before = (moved.folder / ".git/info/attributes").read_text()
    moved.does("install-driver")
    assert (moved.folder / ".git/info/attributes").read_text() == before
    assert "Merge driver: current" in moved.does("status")
    moved.edit("fork.toml", 'keep = ["README.md"]', 'keep = ["README.md", "LICENSE"]')
    assert "Merge driver: older than fork.toml" in moved.does("status")
    moved.does("install-driver")
    assert "LICENSE merge=provider-fork" in (moved.folder / ".git/info/attributes").read_text()


def test_branches_of_the_forks_own_merge_as_ever(moved: Fork) -> None:
    moved.edit("README.md", "branded\n", "branded\n\n\n\nEnd.\n")
    moved.git("checkout", "--quiet", "-b", "feature")
    moved.edit("README.md", "End.\n", "End.\n\nMore.\n")
    moved.edit("fork.toml", 'take = ["uv.lock"]', 'take = ["uv.lock", "poetry.lock"]')
    moved.git("checkout", "--quiet", "main")
    moved.edit("README.md", "# Acme", "# Our Acme")
    moved.git("merge", "--quiet", "--no-edit", "feature")
    assert moved.text("README.md") == "# Our Acme, branded\n\n\n\nEnd.\n\nMore.\n"
    assert "poetry.lock" in moved.text("fork.toml")
    moved.git("revert", "--no-edit", "HEAD^1")
    assert moved.text("README.md") == "# Acme, branded\n\n\n\nEnd.\n\nMore.\n"


def test_what_does_not_fit_is_a_conflict_with_marks(upstream: Upstream, moved: Fork) -> None:
    upstream.edit("v1.3.0", "litellm/utils.py", "for custom_llm in", "for handler in")
    moved.git("fetch", "--quiet", "--tags", "upstream")
    with pytest.raises(AssertionError, match="CONFLICT"):
        moved.git("merge", "--quiet", "--no-edit", "v1.3.0")
    assert "<<<<<<< " in moved.text("litellm/utils.py")


def test_in_another_work_tree(moved: Fork) -> None:
    other = moved.folder.parent / "other"
    moved.git("worktree", "add", "--quiet", "-b", "other", str(other))
    beside = Fork(other)
    beside.git("merge", "--quiet", "--no-edit", "v1.2.0")
    in_place(beside, 2)
