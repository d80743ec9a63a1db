"""`provider-template preview`: it tells what an update would do, and does nothing."""

from __future__ import annotations

from pathlib import Path

from testing.support import must
from testing.tool import edit, plan_of, state, tool
from testing.upgrades import NEXT, commit, render


def test_nothing_is_changed(package: Path) -> None:
    before = state(package)
    done = tool(package, "preview", "--diff")
    assert done.returncode == 0, done.stdout
    assert f"from v0.2.0 to {NEXT}" in done.stdout
    assert "```diff" in done.stdout
    assert state(package) == before


def test_what_it_says(package: Path) -> None:
    plan = plan_of(package)
    assert (plan["from"], plan["to"], plan["current"]) == ("v0.2.0", NEXT, False)
    changes = {change["path"]: change for change in plan["changes"]}
    assert changes["tests/conformance/auth/test_concurrency.py"]["from"] == "tests/conformance/auth/test_rush.py"
    assert changes["tests/conformance/auth/test_concurrency.py"]["kind"] == "moved"
    assert changes[".template-files.yml"]["kind"] == "new"
    assert {change["owner"] for change in plan["changes"]} <= {"template", "shared", "yours"}
    assert changes["Makefile"]["owner"] == "template"
    assert changes["Makefile"]["added"] > 0
    assert plan["conflicts"] == plan["kept"] == plan["migrations"] == []
    assert plan["new_answers"] == {"capabilities": ["chat"], "updates": "job"}
    assert not plan["needs_trust"]
    # Its migration for files that have moved.
    assert plan["copier_update"] == {"drops": [], "misplaces": [], "needs_trust": True}


def test_security_fixes_come_first(package: Path, versions: Path) -> None:
    fork = versions.parent / "secure"
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    (fork / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n### Security\n\n- Not yet.\n\n"
        "## [1000.0.0] - 2026-01-01\n\n### Security\n\n- A key\n  leaks.\n- Another.\n\n### Added\n\n- More.\n\n"
        "## [0.2.0] - 2025-01-01\n\n### Security\n\n- Long known.\n",
        encoding="utf-8",
    )
    commit(fork, "Notes")
    must("git", "tag", "v1000.0.0", cwd=fork)
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    first, *others = tool(package, "preview").stdout.splitlines()
    assert first == "**Security fixes (1000.0.0):** A key leaks."
    assert {"- 1000.0.0: A key leaks.", "- 1000.0.0: Another."} <= set(others)
    assert not [line for line in others if "Not yet" in line or "Long known" in line]
    assert plan_of(package)["security"] == [{"version": "1000.0.0", "fixes": ["A key leaks.", "Another."]}]
    assert plan_of(package, "--to", "v0.3.0")["security"] == []


def test_conflict(package: Path) -> None:
    edit(package, "Makefile", "$(RUN) python -m tests.demo", "$(RUN) python -m tests.demo --mine")
    done = tool(package, "preview")
    assert done.returncode == 3
    assert "**Conflicts to resolve by hand**\n\n- `Makefile`" in done.stdout
    assert plan_of(package)["conflicts"] == ["Makefile"]


def test_current(package: Path) -> None:
    done = tool(package, "preview", "--to", "v0.2.0")
    assert (done.returncode, done.stdout) == (0, "v0.2.0: nothing to update.\n")
    assert plan_of(package, "--to", "v0.2.0")["current"]


def test_edits_that_copier_would_drop(package: Path, versions: Path) -> None:
    """A file that the template drops without a word, as templates do."""
    fork = versions.parent / "dropping"
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    (fork / "template" / "package" / "tests" / "conformance" / "test_sse.py").unlink()
    commit(fork, "Drop a file")
    must("git", "tag", "v1000.0.0", cwd=fork)
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    edit(package, "tests/conformance/test_sse.py", "from __future__", "# mine\nfrom __future__")
    plan = plan_of(package)
    assert plan["copier_update"]["drops"] == plan["conflicts"] == ["tests/conformance/test_sse.py"]


def test_edits_that_copier_would_misplace(package: Path, versions: Path) -> None:
    """The template moves a block below a twin of it: a patch finds the twin at the old place."""
    block = "".join(f"    line {number}\n" for number in range(12))
    fork = versions.parent / "repeating"
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    source = fork / "template" / "package" / "tests" / "conformance" / "test_sse.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(f'{text}\n\nONE = """\n{block}"""\n', encoding="utf-8")
    commit(fork, "One block")
    must("git", "tag", "v1000.0.0", cwd=fork)
    first = source.read_text(encoding="utf-8")
    source.write_text(first.replace("\n\nONE = ", f'\n\nZERO = """\n{block}"""\n\n\nONE = '), encoding="utf-8")
    commit(fork, "Two blocks")
    must("git", "tag", "v1001.0.0", cwd=fork)

    edit(package, ".copier-answers.yml", str(versions), str(fork))
    assert tool(package, "update", "--to", "v1000.0.0").returncode == 0
    commit(package, "Update")
    edit(package, "tests/conformance/test_sse.py", "    line 6\n", "    line 6, mine\n")
    plan = plan_of(package)
    assert plan["conflicts"] == []
    assert plan["copier_update"]["misplaces"] == ["tests/conformance/test_sse.py"]
    assert tool(package, "update").returncode == 0
    merged = (package / "tests/conformance/test_sse.py").read_text(encoding="utf-8")
    assert "mine" in merged.partition("ONE = ")[2]
    assert "mine" not in merged.partition("ONE = ")[0]


def test_package_of_a_version_that_is_not_released(versions: Path, tmp_path: Path) -> None:
    """Nothing is newer than what it has, and answers can still be changed."""
    fork = tmp_path / "fork"
    must("git", "clone", "--quiet", versions, fork, cwd=tmp_path)
    (fork / "notes.txt").write_text("more\n", encoding="utf-8")
    commit(fork, "After the release")
    package = render(fork, "HEAD", {}, tmp_path / "package")
    plan = plan_of(package)
    assert plan["from"].startswith(f"{NEXT}-1-g")
    assert (plan["to"], plan["current"]) == (plan["from"], True)
    assert [change["path"] for change in plan_of(package, "-d", "updates=none")["changes"]]
