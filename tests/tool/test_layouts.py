"""A provider moves from a package into a fork and back, and its author's files are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_template import layouts
from provider_template.errors import Refusal
from testing.support import must, no_file_above
from testing.tool import tool
from testing.upgrades import NEXT, commit, render

# Files of the author's: some that the template renders once, some that it does not know.
EDITS = {
    "src/{module}/transformation.py": "\n# mine\n",
    "src/{module}/models.yaml": "\n# mine\n",
    "src/{module}/more.py": '"""Mine."""\n',
    "tests/upstream.py": "\n# mine\n",
    "tests/test_more.py": '"""Mine."""\n',
    "README.md": "\nMine.\n",
    "CHANGELOG.md": "\nMine.\n",
    "pyproject.toml": "\n[tool.mine]\nkept = true\n",
    "proxy/config.yaml": "\n# mine\n",
    "examples/mine.py": '"""Mine."""\n',
    "docs/mine.md": "Mine.\n",
    "local.mk": "mine:\n",
}


def files(folder: Path) -> dict[str, bytes]:
    """Returns the committed files of a folder."""
    listed = must("git", "ls-files", cwd=folder).splitlines()
    return {path: (folder / path).read_bytes() for path in listed}


@pytest.fixture
def developed(versions: Path, tmp_path: Path) -> Path:
    """Returns a package of the working tree in which its author has worked."""
    package = render(versions, NEXT, {}, tmp_path / "package")
    [module] = [path.name for path in (package / "src").iterdir()]
    for path, text in EDITS.items():
        file = package / path.format(module=module)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(text)
    commit(package, "Develop")
    return package


def test_there_and_back(developed: Path, tmp_path: Path) -> None:
    fork, back = tmp_path / "fork", tmp_path / "back"
    before = files(developed)
    done = tool(tmp_path, "to-fork", developed, fork)
    assert done.returncode == 0, done.stdout
    [folder] = [path.name for path in (fork / "litellm" / "llms").iterdir()]
    [module] = [path.name for path in (developed / "src").iterdir()]
    for path in EDITS:
        there = path.format(module=module)
        if there.startswith("src/"):
            place = there.replace(f"src/{module}", f"litellm/llms/{folder}")
        elif there.startswith("tests/"):
            place = there.replace("tests", f"tests/test_litellm/llms/{folder}", 1)
        else:
            place = f"fork/{folder}/package/{there}"
        assert (fork / place).read_bytes() == before[there], place
    assert (fork / "fork.toml").is_file()
    assert not (fork / "src").exists()

    answers = (fork / "fork" / folder / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "layout: fork" in answers
    [provider] = [line.partition(": ")[2] for line in answers.splitlines() if line.startswith("provider: ")]
    done = tool(tmp_path, "to-package", fork, provider, back)
    assert done.returncode == 0, done.stdout
    must("git", "init", "--quiet", cwd=back)
    must("git", "add", "--all", cwd=back)
    assert files(back) == before


@pytest.mark.parametrize("command", ["preview", "update", "check"])
def test_what_is_for_packages_says_so_in_a_fork(command: str, developed: Path, tmp_path: Path) -> None:
    tool(tmp_path, "to-fork", developed, tmp_path / "fork")
    [here] = [path.parent for path in (tmp_path / "fork").glob("fork/*/.copier-answers.yml")]
    done = tool(tmp_path, command, here)
    assert done.returncode == 1
    assert f"copier update --answers-file fork/{here.name}/.copier-answers.yml" in done.stdout


def test_a_fork_has_the_provider_already(developed: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    tool(tmp_path, "to-fork", developed, fork)
    done = tool(tmp_path, "to-fork", developed, fork)
    assert done.returncode == 1
    assert "is there already: a provider of that name is in the fork" in done.stdout


def test_work_in_the_fork_comes_back(developed: Path, tmp_path: Path) -> None:
    fork, back = tmp_path / "fork", tmp_path / "back"
    tool(tmp_path, "to-fork", developed, fork)
    [transformation] = fork.glob("litellm/llms/*/transformation.py")
    transformation.write_text(transformation.read_text() + "# more\n")
    (transformation.parent / "new.py").write_text('"""New."""\n')
    done = tool(tmp_path, "to-package", fork, "nobody", back)
    assert done.returncode == 1
    assert 'has no provider "nobody" in fork/' in done.stdout
    provider = transformation.parent.name.replace("_", "-")
    done = tool(tmp_path, "to-package", fork, provider, back)
    assert done.returncode == 0, done.stdout
    [source] = (back / "src").iterdir()
    assert (source / "transformation.py").read_text().endswith("# mine\n# more\n")
    assert (source / "new.py").is_file()
    done = tool(tmp_path, "to-package", fork, provider, back)
    assert done.returncode == 1
    assert "has files in it: name a folder that is not there yet" in done.stdout


def test_changes_that_are_not_committed(developed: Path, tmp_path: Path) -> None:
    (developed / "README.md").write_text("changed\n")
    done = tool(tmp_path, "to-fork", developed, tmp_path / "fork")
    assert done.returncode == 1
    assert "has changes that are not committed" in done.stdout
    assert not (tmp_path / "fork").exists()


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    """The third is larger than may be written: what was there is as it was, and nothing else is there."""
    made, fork = tmp_path / "made", tmp_path / "a fork"
    for path, size in (("fork/new/a.py", 10), ("fork/tool/cli.py", 20), ("litellm/more.py", 9999)):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text("#" * size, encoding="utf-8")
    shared = fork / "fork" / "tool" / "cli.py"
    shared.parent.mkdir(parents=True)
    shared.write_text("before\n", encoding="utf-8")
    words = r"more[.]py cannot be written: File too large[.] Nothing was changed"
    with no_file_above(5000), pytest.raises(Refusal, match=words):
        layouts._put(made, fork, layouts._all(made))
    assert {path for path in fork.rglob("*") if path.is_file()} == {shared}
    assert shared.read_text(encoding="utf-8") == "before\n"
    assert not (fork / "fork" / "new").exists()

    shared.write_text("#" * 6000, encoding="utf-8")
    with no_file_above(5000), pytest.raises(Refusal) as refusal:
        layouts._put(made, fork, layouts._all(made))
    quoted = f"cd '{fork}' && git checkout -q -- fork/tool/cli.py"
    assert str(refusal.value).endswith(f"Not as before: fork/tool/cli.py. This puts it back: {quoted}")
