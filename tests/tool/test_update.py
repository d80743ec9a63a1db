"""`provider-template update`: all of it or nothing, and nothing of the author's lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from provider_template.errors import Refusal
from provider_template.plan import Wish, make_plan
from provider_template.project import open_project
from provider_template.update import apply
from testing.answers import ROOT, questions
from testing.support import copier_in, must
from testing.tool import edit, state, tool, updated
from testing.upgrades import NEXT, commit, contents, files, render
from testing.wizard import DOWN, ENTER, dialog_with

DEMO = "tests/conformance/demo.py"


def test_update(package: Path, versions: Path, tmp_path: Path) -> None:
    said = updated(package)
    assert f"from v0.2.0 to {NEXT}" in said
    assert "git commit" in said
    fresh = contents(render(versions, NEXT, {}, tmp_path / "fresh"))
    here = contents(package)
    yours = yaml.safe_load(here[".template-files.yml"])["yours"]
    assert {path for path in fresh if fresh[path] != here.get(path)} <= set(yours)
    assert set(fresh) == set(here)
    assert must("git", "status", "--porcelain", cwd=package) == ""
    again = tool(package, "update")
    assert (again.returncode, again.stdout) == (0, f"{NEXT}: nothing to update.\n")


def test_answers_file_is_as_copier_writes_it(package: Path, versions: Path) -> None:
    updated(package)
    text = (package / ".copier-answers.yml").read_text(encoding="utf-8")
    assert f"_src_path: {versions}\n" in text
    assert f"_commit: {NEXT}\n" in text
    done = copier_in(package, "update", "--defaults")
    assert done.returncode == 0, done.stdout
    assert must("git", "status", "--porcelain", cwd=package) == ""


def test_edits_move_with_their_file(package: Path) -> None:
    edit(package, "tests/demo.py", "def say(", "# mine\ndef say(")
    updated(package)
    assert "# mine\ndef say(" in (package / DEMO).read_text(encoding="utf-8")
    assert not (package / "tests" / "demo.py").exists()


def test_changes_reach_a_file_that_the_author_renamed(package: Path) -> None:
    must("git", "mv", "AGENTS.md", "CLAUDE.md", cwd=package)
    commit(package, "Rename")
    updated(package)
    assert "make preview" in (package / "CLAUDE.md").read_text(encoding="utf-8")
    assert not (package / "AGENTS.md").exists()


def test_deleted_files_stay_deleted(package: Path) -> None:
    gone = [
        "Dockerfile",
        "AGENTS.md",
        "docs/tutorial.md",
        "examples/tools.py",
        "tests/conformance/test_sse.py",
    ]
    for path in gone:
        (package / path).unlink()
    commit(package, "Delete")
    updated(package)
    assert not [path for path in gone if (package / path).exists()]


@pytest.mark.slow
def test_deleted_file_that_has_moved_is_a_new_one(package: Path) -> None:
    """As with Copier: what is at a new path was not deleted."""
    (package / "tests" / "demo.py").unlink()
    commit(package, "Delete")
    updated(package)
    assert (package / DEMO).is_file()
    assert not (package / "tests" / "demo.py").exists()


def test_conflict(package: Path) -> None:
    edit(package, "Makefile", "$(RUN) python -m tests.demo", "$(RUN) python -m tests.demo --mine")
    edit(package, "src/litellm_acme_ai/transformation.py", '"""', '"""Mine. ')
    done = tool(package, "update")
    assert done.returncode == 3, done.stdout
    assert "Resolve the conflicts" in done.stdout
    assert must("git", "diff", "--name-only", "--diff-filter=U", cwd=package) == "Makefile\n"
    text = (package / "Makefile").read_text(encoding="utf-8")
    ours, theirs = text.partition("<<<<<<< yours\n")[2].partition("=======\n")[::2]
    assert "--mine" in ours
    assert "tests.conformance.demo" in theirs.partition(f">>>>>>> template-{NEXT}\n")[0]
    assert (package / DEMO).is_file()
    (package / "Makefile").write_text(text.replace("<<<<<<< yours\n", ""), encoding="utf-8")
    must("git", "checkout", "--quiet", "--ours", "Makefile", cwd=package)
    must("git", "add", "Makefile", cwd=package)
    commit(package, "Update")
    assert tool(package, "check", "--offline").returncode == 3  # Makefile is edited
    must("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=package)
    assert not (package / DEMO).exists()


def test_another_layout_is_no_update(package: Path) -> None:
    done = tool(package, "update", "--data", "layout=fork")
    assert done.returncode == 1
    assert '"fork" is another layout than this one has (package)' in done.stdout
    assert "to-fork" in done.stdout
    assert must("git", "status", "--porcelain", cwd=package) == ""


def test_turning_things_off_and_on(package: Path) -> None:
    updated(package)
    edit(package, "docs/index.md", "\n", "\nmine\n")
    workflow = package / ".github" / "workflows" / "own.yml"
    workflow.write_text("on: push\n", encoding="utf-8")
    commit(package, "Own workflow")

    said = updated(package, "-d", "include=[cli]", "-d", "ci=gitlab", "--data", "auth=signed_jwt")
    assert "no longer rendered: they stay" in said
    for path in ("docs/index.md", "docs/auth-api-key.md", "mkdocs.yml"):
        assert f"- `{path}`" in said
        assert (package / path).is_file()
    assert workflow.is_file()
    assert (package / ".gitlab-ci.yml").is_file()
    assert (package / "src" / "litellm_acme_ai" / "auth" / "signed_jwt.py").is_file()
    for path in ("Dockerfile", ".github/workflows/ci.yml", "src/litellm_acme_ai/auth/api_key.py"):
        assert not (package / path).exists()

    said = updated(package, "-d", "include=[cli, docs, docker]", "-d", "api_format=responses")
    _, _, behind = said.partition("of the answers before")
    assert (
        "- `src/litellm_acme_ai/transformation.py`\n- `tests/test_transformation.py`\n- `tests/upstream.py`" in behind
    )
    assert "models.yaml" not in behind
    assert (package / "src" / "litellm_acme_ai" / "responses_format.py").is_file()
    assert "mine" in (package / "docs" / "index.md").read_text(encoding="utf-8")
    assert (package / "docs" / "auth-signed-jwt.md").is_file()
    assert (package / "Dockerfile").is_file()


def test_turning_on_a_capability(package: Path) -> None:
    """It adds files, and touches none of the author's, which know nothing of it yet."""
    updated(package)
    yours = yaml.safe_load((package / ".template-files.yml").read_text(encoding="utf-8"))["yours"]
    before = {path: (package / path).read_bytes() for path in yours}
    updated(package, "-d", "capabilities=[chat, embeddings]")
    assert before == {path: (package / path).read_bytes() for path in yours}
    now = yaml.safe_load((package / ".template-files.yml").read_text(encoding="utf-8"))
    assert set(now["yours"]) - set(yours) == {
        "docs/embeddings.md",
        "examples/embeddings.py",
        "src/litellm_acme_ai/embedding_transformation.py",
        "tests/test_embedding_transformation.py",
        "tests/upstream_embeddings.py",
    }
    assert "src/litellm_acme_ai/embeddings.py" in now["template"]
    assert all((package / path).is_file() for path in (*now["yours"], *now["template"]))


@pytest.mark.slow
def test_turning_off_with_copier(package: Path) -> None:
    """Plain Copier does not delete the author's files either, once the package has its list of files."""
    updated(package)
    edit(package, "docs/index.md", "\n", "\nmine\n")
    (package / "docs" / "tutorial.md").unlink()
    commit(package, "Delete")
    done = copier_in(package, "update", "--defaults", "-d", "include=[cli, docker]", "--quiet")
    assert done.returncode == 0, done.stdout
    assert "mine" in (package / "docs" / "index.md").read_text(encoding="utf-8")
    commit(package, "Off")
    done = copier_in(package, "update", "--defaults", "-d", "include=[cli, docs]", "--quiet")
    assert done.returncode == 0, done.stdout
    assert "mine" in (package / "docs" / "index.md").read_text(encoding="utf-8")
    assert not (package / "Dockerfile").exists()
    commit(package, "On")
    (package / "docs" / "tutorial.md").unlink(missing_ok=True)
    commit(package, "Delete again") if must("git", "status", "--porcelain", cwd=package) else None
    done = copier_in(package, "update", "--defaults", "-d", "ci=gitlab", "--quiet")
    assert done.returncode == 0, done.stdout
    assert not (package / "docs" / "tutorial.md").exists()


def test_package_in_a_folder_of_a_repository(package: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    (whole / "libs").mkdir(parents=True)
    must("git", "init", "--quiet", cwd=whole)
    (whole / "readme").write_text("one\n", encoding="utf-8")
    package.rename(whole / "libs" / "acme")
    must("rm", "-rf", "libs/acme/.git", cwd=whole)
    commit(whole, "All")
    (whole / "readme").write_text("two, not committed\n", encoding="utf-8")
    here = whole / "libs" / "acme"
    done = tool(here, "update")
    assert done.returncode == 0, done.stdout
    assert (here / DEMO).is_file()
    assert (whole / "readme").read_text(encoding="utf-8") == "two, not committed\n"
    changed = must("git", "diff", "--cached", "--name-only", cwd=whole).splitlines()
    assert all(path.startswith("libs/acme/") for path in changed)
    assert "libs/acme/Makefile" in changed


@pytest.mark.slow
def test_worktree(package: Path, tmp_path: Path) -> None:
    must("git", "worktree", "add", "--quiet", "-b", "other", tmp_path / "tree", cwd=package)
    before = state(package)[:2]
    assert tool(tmp_path / "tree", "update").returncode == 0
    assert (tmp_path / "tree" / DEMO).is_file()
    assert state(package)[:2] == before


def test_remote_template(versions: Path, tmp_path: Path) -> None:
    url = f"git+{versions.as_uri()}"
    package = tmp_path / "remote"
    done = copier_in(tmp_path, "copy", "--defaults", "--quiet", "--vcs-ref", "v0.2.0", url, package)
    assert done.returncode == 0, done.stdout
    must("git", "init", "--quiet", cwd=package)
    commit(package, "Render")
    assert json.loads(tool(package, "check", "--json").stdout)["newest"] == NEXT
    updated(package)
    assert f"_src_path: {url}\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "v9.9.9"), "no version v9.9.9"),
        (("--to", "v0.1.0"), "v0.1.0 is older than v0.2.0"),
        (("--data", "ci"), "--data ci is not an answer: write it as NAME=VALUE"),
        (("--data", "ci=jenkins"), "jenkins"),
        (("--data", "provider=Not A Name"), "Not A Name"),
        (("--data", "token_store=[keyring"), "token_store"),
        (
            ("--data", "autth=none"),
            "--data autth: with these answers there is no such question, but api_base",
        ),
        (("--data", "token_url=https://x.example"), "--data token_url: with these answers"),
    ],
)
def test_wishes_that_cannot_be(package: Path, arguments: tuple[str, ...], words: str) -> None:
    before = state(package)
    done = tool(package, "update", *arguments)
    assert done.returncode == 1, done.stdout
    assert words in done.stdout
    assert len(done.stdout.splitlines()) == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert state(package)[:4] == before[:4]


def test_changes_that_are_not_committed(package: Path) -> None:
    (package / "new.txt").write_text("x", encoding="utf-8")
    (package / "Makefile").write_text("x", encoding="utf-8")
    before = state(package)
    done = tool(package, "update")
    assert done.returncode == 1
    assert "has changes that are not committed (" in done.stdout
    assert "and 1 more): commit or stash them first." in done.stdout
    assert state(package) == before


def test_folder_without_git(package: Path) -> None:
    must("rm", "-rf", ".git", cwd=package)
    done = tool(package, "update", GIT_CEILING_DIRECTORIES=str(package.parent))
    assert done.returncode == 1
    assert "is not in a git repository with a commit" in done.stdout
    assert not (package / DEMO).exists()


def test_file_in_the_way(package: Path) -> None:
    """Git does not know it, so it cannot be merged, and it must not be lost."""
    with (package / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("/.ci/\n")
    commit(package, "Ignore")
    (package / ".ci").mkdir()
    (package / ".ci" / "template_update.py").write_text("mine\n", encoding="utf-8")
    before = state(package)
    done = tool(package, "update")
    assert done.returncode == 1
    assert ".ci/template_update.py" in done.stdout
    assert "Move what is in the way" in done.stdout
    assert "nothing was changed" in done.stdout
    assert state(package)[:4] == before[:4]
    assert (package / ".ci" / "template_update.py").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.slow
def test_answer_that_the_template_takes_no_longer(package: Path, versions: Path) -> None:
    """Copier would put the default in its place without a word."""
    fork = versions.parent / "choosy"
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    edit(fork, "questions/package.yml", '    "GitLab CI": gitlab\n', "")
    must("git", "tag", "v1000.0.0", cwd=fork)
    updated(package, "-d", "ci=gitlab")
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    before = state(package)
    done = tool(package, "update")
    assert done.returncode == 1
    assert "ci is answered with 'gitlab', which the new version refuses" in done.stdout
    assert state(package)[:4] == before[:4]
    assert tool(package, "update", "-d", "ci=none").returncode == 0


def with_migrations(versions: Path, name: str, migrations: str) -> Path:
    """Makes a template with a newer version that has migrations."""
    fork = versions.parent / name
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    text = (fork / "copier.yml").read_text(encoding="utf-8")
    (fork / "copier.yml").write_text(text.replace("_migrations:\n", f"_migrations:\n{migrations}"), encoding="utf-8")
    (fork / "hooks" / "own.py").write_text(
        "import os, pathlib, sys\n"
        "path = pathlib.Path('README.md')\n"
        "path.write_text(path.read_text() + f\"{sys.argv[1]} {os.environ['STAGE']} {os.environ['VERSION_FROM']}\\n\")\n"
        "sys.exit(7 if sys.argv[1] == 'fail' else 0)\n",
        encoding="utf-8",
    )
    commit(fork, "Migrate")
    must("git", "tag", "v1000.0.0", cwd=fork)
    return fork


def migration(word: str, more: str = "") -> str:
    """Returns an entry of `_migrations` that runs own.py."""
    command = f'["{{{{ _copier_python }}}}", "{{{{ _copier_conf.src_path }}}}/hooks/own.py", "{word}"]'
    return f"  - version: v1000.0.0\n    command: {command}\n{more}"


def test_migrations(package: Path, versions: Path) -> None:
    both = migration("first", "    when: \"{{ _stage == 'before' }}\"\n") + migration("second")
    fork = with_migrations(versions, "migrating", both)
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    before = state(package)
    refused = tool(package, "update")
    assert refused.returncode == 1
    assert "add --trust" in refused.stdout
    assert state(package)[:4] == before[:4]
    plan = json.loads(tool(package, "preview", "--json").stdout)
    assert plan["needs_trust"]
    assert len(plan["migrations"]) == 2
    done = tool(package, "update", "--trust")
    assert done.returncode == 0, done.stdout
    text = (package / "README.md").read_text(encoding="utf-8")
    assert text.endswith("first before v0.2.0\nsecond after v0.2.0\n")
    assert sorted(set(files(package))) == files(package)


@pytest.mark.slow
def test_migration_that_fails(package: Path, versions: Path) -> None:
    fork = with_migrations(versions, "failing", migration("fail"))
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    before = state(package)
    done = tool(package, "update", "--trust")
    assert done.returncode == 1
    assert "The migration to v1000.0.0 failed" in done.stdout
    assert "nothing was changed" in done.stdout
    assert state(package)[:4] == before[:4]


@pytest.mark.slow
def test_template_that_runs_code_when_it_renders(package: Path, versions: Path) -> None:
    fork = versions.parent / "tasks"
    must("git", "clone", "--quiet", versions, fork, cwd=versions.parent)
    edit(fork, "copier.yml", "_migrations:\n", '_tasks: ["touch ran"]\n_migrations:\n')
    must("git", "tag", "v1000.0.0", cwd=fork)
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    done = tool(package, "update")
    assert (done.returncode, (package / "ran").exists()) == (0, False), done.stdout


def test_terminal_is_asked_what_is_new(package: Path) -> None:
    """Only the questions that the version brings; the answers that are there are not asked again."""
    arguments = ("-m", "provider_template", "update")
    with dialog_with(Path(sys.executable), *arguments, cwd=package, PYTHONPATH=str(ROOT)) as dialog:
        dialog.asks("capabilities")
        dialog.send(ENTER)
        dialog.asks("updates")
        dialog.send(DOWN + ENTER)
        assert dialog.end() == 0, dialog.screen
        assert str(questions()["ci"]["help"]) not in dialog.screen
    assert "updates: renovate\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")
    assert not (package / ".ci").exists()


@pytest.mark.slow
def test_terminal_is_left_while_it_asks(package: Path) -> None:
    before = state(package)
    arguments = ("-m", "provider_template", "update")
    with dialog_with(Path(sys.executable), *arguments, cwd=package, PYTHONPATH=str(ROOT)) as dialog:
        dialog.asks("capabilities")
        dialog.interrupt()
        assert dialog.end() != 0
        assert "Traceback" not in dialog.screen
    assert state(package)[:4] == before[:4]


def test_work_of_the_moment_is_kept(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is edited while the update is computed: git refuses, and the edit stays."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with make_plan(open_project(package), Wish(), keep=True) as plan:
        (package / "Makefile").write_text("mine\n", encoding="utf-8")
        with pytest.raises(Refusal, match="could not be replaced"):
            apply(plan)
    assert (package / "Makefile").read_text(encoding="utf-8") == "mine\n"
    assert must("git", "status", "--porcelain", cwd=package) == " M Makefile\n"
