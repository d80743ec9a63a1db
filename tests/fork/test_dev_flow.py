"""DEV_FLOW.md of a rendered fork does what it says: all of its commands, from top to bottom, on LiteLLM's releases."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from fork_tool import cli
from fork_tool.declaration import in_folder
from testing.answers import ROOT, Answers
from testing.forks import write
from testing.litellm_upstream import SAMPLE, copied, upstream
from testing.support import copy_template, environment, must, render

FORK: Answers = {"layout": "fork", "provider_name": "Acme AI"}
OLDEST, NEWEST = f"v{SAMPLE[0]}", f"v{SAMPLE[-1]}"
IDENTITY = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
# As LiteLLM's own .gitignore, which its sdists leave out.
IGNORED = ".venv\n__pycache__/\n*.pyc\nconfig.yaml\n"


def blocks(text: str, kind: str) -> list[str]:
    """Returns the blocks of code of a kind."""
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the template."""
    return copy_template(tmp_path_factory.mktemp("template") / "template")


@pytest.fixture(scope="module", params=["github", "gitlab", "none"])
def page(request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns DEV_FLOW.md in a folder with nothing but what is rendered."""
    answers: Answers = {**FORK, "ci": request.param}
    return render(template, tmp_path_factory.mktemp("page") / "fork", answers) / "DEV_FLOW.md"


def test_it_can_be_read_in_one_go(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 350
    assert not re.search(r"{{|{%|\btodo\b", text, re.IGNORECASE)
    assert text.count("```") % 2 == 0
    # What is to be run names neither a provider nor a version.
    for block in blocks(text, "bash"):
        assert not re.search(r"\d+\.\d+\.\d|acme_ai", block), block


def test_its_commands_and_options_are_the_tools(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = cli._parser("python fork/tool").format_help()
    for command, rest in re.findall(r"python fork/tool ([a-z-]+)([^`#\n]*)", text):
        assert re.search(rf"^    {command}\b", known, re.MULTILINE), command
        options = _help(command)
        for option in re.findall(r"--[a-z-]+", rest.partition("  ")[0]):
            assert option in options, f"{command} {option}"


def _help(command: str) -> str:
    words = (sys.executable, "-m", "fork_tool", command, "--help")
    return must(*words, cwd=ROOT, PYTHONPATH=str(ROOT))


def test_the_refusals_that_it_quotes_are_the_tools(page: Path) -> None:
    said = "\n".join(path.read_text() for path in (ROOT / "fork_tool").glob("*.py"))
    said = re.sub(r'"\n\s*f?"', "", said)  # strings that stand on several lines
    _, _, rest = page.read_text(encoding="utf-8").partition("| It says | Do |\n| --- | --- |\n")
    rows = rest.partition("\n\n")[0].splitlines()
    assert len(rows) > 5
    for row in rows:
        for quoted in re.findall("`([^`]+)`", row.split(" | ")[0]):
            for part in quoted.split("…"):
                assert part.strip() in said, quoted


def test_its_toml_is_what_the_tool_reads(page: Path) -> None:
    snippets = blocks(page.read_text(encoding="utf-8"), "toml")
    assert len(snippets) == 3
    rendered = (page.parent / "fork.toml").read_text(encoding="utf-8")
    for number, snippet in enumerate(snippets):
        assert tomllib.loads(snippet)
        text = rendered
        if snippet.startswith("[fork]"):
            settings, _, snippet = snippet.removeprefix("[fork]\n").partition("\n\n")
            table = f'[fork]\nname = "acme-ai"\n{settings}\n\n'
            text = rendered[: rendered.index("[fork]")] + table + rendered[rendered.index("[upstream]") :]
        folder = Path(shutil.copytree(page.parent, page.parent.with_name(f"snippet-{number}")))
        write(folder, {"fork.toml": f"{text}\n{snippet}"})
        in_folder(folder)


@dataclass(frozen=True)
class Walk:
    """A fork of the oldest release, to which the commands of its page happen."""

    fork: Path
    origin: Path

    @classmethod
    def prepared(cls, folder: Path, template: Path) -> Walk:
        """Returns one as it is when the template was just rendered into it."""
        litellm = copied(upstream(SAMPLE), folder / "litellm.git")
        fork, origin = folder / "fork", folder / "origin.git"
        must("git", "init", "--quiet", "--bare", "--initial-branch=main", origin, cwd=folder)
        must("git", "clone", "--quiet", "--no-tags", "--origin=upstream", f"file://{litellm}", fork, cwd=folder)
        must("git", "fetch", "--quiet", "--no-tags", "upstream", f"refs/tags/{OLDEST}", cwd=fork)
        must("git", "checkout", "--quiet", "-B", "main", "FETCH_HEAD", cwd=fork)
        must("git", "remote", "add", "origin", f"file://{origin}", cwd=fork)
        (fork / ".git" / "info" / "exclude").write_text(IGNORED, encoding="utf-8")
        render(template, fork, {**FORK, "upstream_url": f"file://{litellm}"})
        return cls(fork, origin)

    def git(self, *arguments: str) -> str:
        """Returns what git prints in the fork."""
        return must("git", *arguments, cwd=self.fork).strip()

    def files(self, *arguments: str) -> list[str]:
        """Returns the paths that git prints."""
        return self.git(*arguments).splitlines()


def in_one_shell(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs all commands of the page that is in a folder."""
    lines = blocks((folder / "DEV_FLOW.md").read_text(encoding="utf-8"), "bash")
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment(PATH=f"{Path(sys.executable).parent}:{environment()['PATH']}", **IDENTITY),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.slow
def test_all_of_it_from_top_to_bottom(template: Path, tmp_path: Path) -> None:
    walk = Walk.prepared(tmp_path, template)
    done = in_one_shell(walk.fork)
    assert done.returncode == 0, done.stdout
    assert_synced(walk, done.stdout)
    assert_published(walk)
    assert_went_back_and_forward(walk, done.stdout)
    assert_the_rest_is_litellms(walk)
    assert_other_commands_ran(walk, done.stdout)
    assert_a_second_provider_goes_in(walk, template)


def assert_synced(walk: Walk, said: str) -> None:
    """Looks whether the fork is made of the newest release, and its providers were called before and after."""
    assert f"Synced main from LiteLLM {OLDEST} to {NEWEST} ({len(SAMPLE) - 1} commits of upstream's)" in said
    made_of = tomllib.loads((walk.fork / "fork.toml").read_text())["upstream"]
    assert made_of["base"] == NEWEST
    assert made_of["commit"] == walk.git("rev-parse", f"{NEWEST}^{{commit}}")
    assert walk.git("merge-base", "HEAD", NEWEST) == made_of["commit"]
    assert walk.git("status", "--porcelain") == ""
    assert walk.git("branch", "--show-current") == "main"
    assert len(re.findall(r"(?m)^Probes of acme-ai: \d+ passed\.$", said)) == 2


def assert_published(walk: Walk) -> None:
    """Looks whether the fork's own repository has the branch and the release, and nothing else."""
    names = must("git", "for-each-ref", "--format=%(refname)", cwd=walk.origin).splitlines()
    assert names == ["refs/heads/main", f"refs/tags/{NEWEST}-acme-ai.1"]
    assert must("git", "rev-parse", "main", cwd=walk.origin).strip() == walk.git("rev-parse", "HEAD")
    assert walk.git("merge-base", "--is-ancestor", f"{NEWEST}-acme-ai.1", "HEAD") == ""
    # LiteLLM's .gitignore does not hide what was rendered.
    assert "fork/acme_ai/proxy/config.yaml" in walk.files("ls-files", "fork")
    assert not [path for path in walk.files("ls-files") if path.startswith((".venv", "dist"))]


def assert_went_back_and_forward(walk: Walk, said: str) -> None:
    """Looks whether a rollback has happened, and what it undid is there again."""
    before = f"backup/main-before-{NEWEST}"
    assert f"The branch is where {before} is (" in said
    names = walk.files("branch", "--format=%(refname:short)")
    (after,) = [name for name in names if name.startswith("backup/main-rolled-back-")]
    for name in (before, after):
        assert walk.git("merge-base", "--is-ancestor", name, "HEAD") == ""


def assert_the_rest_is_litellms(walk: Walk) -> None:
    """Looks whether the fork differs from LiteLLM where it says so, and nowhere else."""
    declared = in_folder(walk.fork)
    changed = walk.files("diff", "--name-only", NEWEST, "HEAD")
    assert {path for path in changed if not declared.owns(path)} == set(declared.managed)
    assert 'description = "LiteLLM, with providers of our own"' in walk.git("show", "HEAD:pyproject.toml")
    assert "fork/NOTES.md" in changed


def assert_other_commands_ran(walk: Walk, said: str) -> None:
    """Looks whether there are wheels, and upstream's remote again after it was removed."""
    wheels = sorted(path.name.split("-")[1] for path in (walk.fork / "dist").iterdir())
    assert wheels == [f"{SAMPLE[0]}+acme.ai.1", f"{SAMPLE[-1]}+acme.ai.1"]
    assert "Removed the remote upstream." in said
    assert walk.files("remote") == ["origin", "upstream"]


def assert_a_second_provider_goes_in(walk: Walk, template: Path) -> None:
    """Renders another provider into the fork, as the page says."""
    before = (walk.fork / "fork.toml").read_bytes()
    page = (walk.fork / "DEV_FLOW.md").read_bytes()
    url = tomllib.loads(before.decode())["upstream"]["url"]
    render(template, walk.fork, {**FORK, "provider_name": "Bravo", "fork_name": "acme-ai", "upstream_url": url})
    assert (walk.fork / "fork.toml").read_bytes() == before
    assert (walk.fork / "DEV_FLOW.md").read_bytes() == page
    must(sys.executable, "fork/tool", "apply", cwd=walk.fork)
    must("git", "add", "--all", cwd=walk.fork)
    must("git", "commit", "--quiet", "--message", "A second provider", cwd=walk.fork, **IDENTITY)
    must(sys.executable, "fork/tool", "verify", "--no-probes", cwd=walk.fork)
    assert [provider.name for provider in in_folder(walk.fork).providers] == ["acme-ai", "bravo"]
