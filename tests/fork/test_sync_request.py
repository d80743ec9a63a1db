"""The weekly job of a fork, with the commands of its CI files, against repositories of this machine.

A bare repository stands in for the forge; `gh` is a command that records, GitLab a server on loopback that takes what
git and the script send. The tool, git and the script are the real ones.
"""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testing.answers import ROOT
from testing.forge import (
    GH,
    PRIVATE,
    PROJECT,
    WRITER,
    GitLab,
    Machine,
    assert_secret_is_nowhere,
    bare,
    change,
    refs,
    show,
)
from testing.forks import ANCHOR, FILES, Fork, Upstream, commit, write
from testing.linters import actionlint, zizmor
from testing.support import must

TEMPLATE = ROOT / "template" / "fork"
GITHUB = TEMPLATE / ".github" / "workflows"
GITLAB = TEMPLATE / "fork" / "ci" / "gitlab.yml"
SCRIPT = "fork/ci/sync_request.py"
SCRIPTS = ("sync_request.py", "forge.py")
PLAIN = f"python {SCRIPT}"
BRANCH = "sync/v1.1.0"
REF = f"refs/heads/{BRANCH}"
MAIN = "refs/heads/main"
TITLE = "chore: sync with LiteLLM v1.1.0"


def with_the_job(fork: Fork, url: str | None = None) -> Path:
    """Commits the tool and the job to a fork, as they are rendered; returns its folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "fork_tool", fork.folder / "fork" / "tool", ignore=ignored)
    (fork.folder / "fork" / "ci").mkdir()
    for name in SCRIPTS:
        shutil.copy(TEMPLATE / "fork" / "ci" / name, fork.folder / "fork" / "ci")
    if url:
        lines = fork.text("fork.toml").splitlines()
        text = "\n".join(f'url = "{url}"' if line.startswith("url = ") else line for line in lines)
        write(fork.folder, {"fork.toml": f"{text}\n"})
    commit(fork.folder, "Add the job")
    return fork.folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has done nothing."""
    return Machine(tmp_path / "machine")


@pytest.fixture
def origin(fork: Fork, tmp_path: Path) -> Path:
    """The fork at its forge."""
    return bare(with_the_job(fork), tmp_path / "origin.git")


def clone(machine: Machine, origin: Path) -> Path:
    """Returns a new clone of the default branch with its whole history and nothing of upstream's."""
    folder = machine.folder / f"clone-{len(list(machine.folder.glob('clone-*')))}"
    done = machine.run(f"git clone --quiet --no-tags --single-branch file://{origin} {folder}", machine.folder)
    assert done.returncode == 0, done.stdout
    return folder


def heads(origin: Path) -> list[str]:
    """Returns the branches of a repository."""
    return [name for name in refs(origin) if name.startswith("refs/heads/")]


def assert_synced(origin: Path, upstream: Upstream, version: str = "v1.1.0") -> str:
    """Looks whether the branch is the sync in one merge on the default branch; returns that commit."""
    found = refs(origin)
    branch = f"sync/{version}"
    theirs = must("git", "rev-parse", f"{version}^{{commit}}", cwd=upstream.folder).strip()
    assert show(origin, "log", "-1", "--format=%P", branch) == f"{found[MAIN]} {theirs}"
    assert show(origin, "log", "-1", "--format=%s%n%an%n%ce", branch) == (
        f"chore: sync with LiteLLM {version}\nFork sync\nfork-sync@localhost"
    )
    assert f'base = "{version}"' in show(origin, "show", f"{branch}:fork.toml")
    return found[f"refs/heads/{branch}"]


def test_no_newer_release_pushes_nothing(origin: Path, machine: Machine) -> None:
    before = refs(origin)
    done = machine.run(PLAIN, clone(machine, origin))
    assert (done.stdout, done.returncode) == ("The fork is at that version already.\n", 0)
    assert refs(origin) == before


def test_newer_release_is_pushed_once(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    before = refs(origin)
    done = machine.run(PLAIN, clone(machine, origin))
    assert done.returncode == 0, done.stdout
    pushed = assert_synced(origin, upstream)
    assert refs(origin) == {**before, REF: pushed}

    again = machine.run(PLAIN, clone(machine, origin))
    assert again.returncode == 0, again.stdout
    assert refs(origin)[REF] == pushed


def test_branch_is_renewed_when_the_default_branch_has_moved(
    upstream: Upstream, origin: Path, machine: Machine
) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    assert machine.run(PLAIN, clone(machine, origin)).returncode == 0
    change(origin, "main", "litellm/llms/acme/more.py", "more = 1\n")
    done = machine.run(PLAIN, clone(machine, origin))
    assert done.returncode == 0, done.stdout
    assert_synced(origin, upstream)
    assert show(origin, "show", f"{BRANCH}:litellm/llms/acme/more.py") == "more = 1"


def test_a_version_that_was_asked_for(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    upstream.release("v1.2.0", {"litellm/main.py": "three = 3\n"})
    done = machine.run(PLAIN, clone(machine, origin), FORK_SYNC_TO="1.1.0")
    assert done.returncode == 0, done.stdout
    assert_synced(origin, upstream)
    assert heads(origin) == [MAIN, REF]


def test_requests_for_older_versions_make_place(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    assert machine.run(PLAIN, clone(machine, origin)).returncode == 0
    upstream.release("v1.2.0", {"litellm/main.py": "three = 3\n"})
    must("git", "branch", "sync/mine", "main", cwd=origin)
    done = machine.run(PLAIN, clone(machine, origin))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("sync/v1.1.0 is deleted: sync/v1.2.0 has all that it has.\n")
    assert_synced(origin, upstream, "v1.2.0")
    assert heads(origin) == [MAIN, "refs/heads/sync/mine", "refs/heads/sync/v1.2.0"]

    # An older version that is asked for by hand leaves the newer one alone.
    asked = machine.run(PLAIN, clone(machine, origin), FORK_SYNC_TO="1.1.0")
    assert asked.returncode == 0, asked.stdout
    assert {REF, "refs/heads/sync/v1.2.0"} < refs(origin).keys()


def test_commits_of_others_on_the_branch_stay(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    assert machine.run(PLAIN, clone(machine, origin)).returncode == 0
    theirs = change(origin, BRANCH, "litellm/llms/acme/fixed.py", "by_hand = True\n")
    change(origin, "main", "litellm/llms/acme/more.py", "more = 1\n")
    done = machine.run(PLAIN, clone(machine, origin))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        f"The branch {BRANCH} has commits that are not this job's: merge the request, or delete the branch."
    )
    assert refs(origin)[REF] == theirs


def test_commit_that_somebody_pushes_at_the_same_moment_stays(
    upstream: Upstream, origin: Path, machine: Machine
) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    git = shlex.quote(shutil.which("git") or "git")
    theirs = f"{git} --git-dir={shlex.quote(str(origin))} update-ref {REF} {MAIN}"
    machine.command("git", f'if [ "$1" = push ]; then {theirs}; fi\nexec {git} "$@"')
    done = machine.run(PLAIN, clone(machine, origin))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("`git push ")
    assert refs(origin)[REF] == refs(origin)[MAIN]


@pytest.mark.parametrize("forge", ["", " github"])
def test_what_does_not_fit_is_for_a_person(upstream: Upstream, origin: Path, machine: Machine, forge: str) -> None:
    upstream.edit("v1.1.0", "litellm/utils.py", "custom_llm", "one")
    before = refs(origin)
    folder = clone(machine, origin)
    page = machine.folder / "page.md"
    done = machine.run(f"{PLAIN}{forge}", folder, GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == 1
    told = page.read_text(encoding="utf-8")
    assert told in done.stdout
    assert told.startswith("Not synced, and nothing was pushed:\n\n```text\nThe anchor of the insertion ")
    assert "litellm/utils.py" in told
    assert done.stdout.splitlines()[-1] == (
        "This sync needs a person: run `python fork/tool sync --dry-run` in a clone; DEV_FLOW.md says how to fix "
        "what it refuses."
    )
    assert refs(origin) == before
    assert show(folder, "status", "--porcelain", "--untracked-files=no") == ""


def test_unknown_argument_is_one_sentence(origin: Path, machine: Machine) -> None:
    done = machine.run(f"{PLAIN} bitbucket", clone(machine, origin))
    sentence = "bitbucket is no forge that this script knows: write github, gitlab or nothing.\n"
    assert (done.stdout, done.returncode) == (sentence, 1)


def workflow_commands() -> str:
    """Returns what the workflow runs last."""
    path = GITHUB / "fork-sync.yml"
    lines: str = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["sync"]["steps"][-1]["run"]
    return lines.replace("python3 ", "python ")


def test_github_gets_one_request_in_the_fork(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release(
        "v1.1.0",
        {
            "README.md": "# LiteLLM, new\n",
            "litellm/utils.py": FILES["litellm/utils.py"].replace(ANCHOR, f"    '''\n    ```\n    '''\n{ANCHOR}"),
        },
    )
    machine.python_command("gh", GH)
    opened, text = machine.folder / "opened.json", machine.folder / "text.md"
    other = {"url": "https://forge.example.com/pull/1", "isCrossRepository": True}
    own = {"url": "https://forge.example.com/pull/2", "isCrossRepository": False}
    there = ["--repo", "acme/litellm"]
    listing = ["pr", "list", *there, "--head", BRANCH, "--state", "open", "--json", "url,isCrossRepository"]
    content = ["--title", TITLE, "--body-file", "-"]
    variables = {"GITHUB_REPOSITORY": "acme/litellm", "GH_TOKEN": PRIVATE}

    opened.write_text(json.dumps([other]), encoding="utf-8")
    done = machine.run(workflow_commands(), clone(machine, origin), **variables)
    assert done.returncode == 0, done.stdout
    assert [words for words, _ in machine.calls("gh")] == [
        ["auth", "setup-git"],
        listing,
        ["pr", "create", "--head", BRANCH, "--base", "main", *there, *content],
    ]
    told = text.read_text(encoding="utf-8")
    assert told.startswith("Brings the fork from LiteLLM v1.0.0 to v1.1.0: 1 commits of upstream's, no conflicts.")
    assert "**Kept the fork's version, though upstream has changed them, too**\n\n- `README.md`\n" in told
    assert "- `acme:setup`\n" in told
    # The lines of upstream's cannot end the block that they are in.
    assert "\n\n````diff\n" in told
    assert "\n+     ```\n" in told
    assert told in done.stdout
    pushed = assert_synced(origin, upstream)

    text.unlink()
    opened.write_text(json.dumps([other, own]), encoding="utf-8")
    again = machine.run(workflow_commands(), clone(machine, origin), **variables)
    assert again.returncode == 0, again.stdout
    assert [words for words, _ in machine.calls("gh")][3:] == [
        ["auth", "setup-git"],
        listing,
        ["pr", "edit", own["url"], *there, *content],
    ]
    assert text.read_text(encoding="utf-8") == told
    assert refs(origin)[REF] == pushed
    assert PRIVATE not in done.stdout + again.stdout


def test_long_report_fits_into_a_request(upstream: Upstream, origin: Path, machine: Machine) -> None:
    long = FILES["litellm/utils.py"].replace(ANCHOR, f"    text = '{'x' * 70_000}'\n{ANCHOR}")
    upstream.release("v1.1.0", {"litellm/utils.py": long})
    machine.python_command("gh", GH)
    (machine.folder / "opened.json").write_text("[]", encoding="utf-8")
    done = machine.run(f"{PLAIN} github", clone(machine, origin), GITHUB_REPOSITORY="acme/litellm")
    assert done.returncode == 0, done.stdout
    told = (machine.folder / "text.md").read_text(encoding="utf-8")
    assert len(told) < 65_536
    assert told.endswith("\n\n(cut here: `python fork/tool sync` says all)\n")


def test_push_that_github_refuses_says_which_token_it_takes(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho refusing to allow an app to update a workflow >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    done = machine.run(f"{PLAIN} github", clone(machine, origin), GH_TOKEN=PRIVATE)
    assert done.returncode == 1
    assert "refusing to allow an app" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(
        "If GitHub refused a workflow file: FORK_SYNC_TOKEN has to be a token that may write workflows."
    )


@pytest.fixture
def gitlab(upstream: Upstream, fork: Fork, tmp_path: Path) -> Iterator[GitLab]:
    """A GitLab with the fork and a private mirror of upstream."""
    with GitLab(tmp_path / "gitlab") as server:
        (server.folder / "group").mkdir(parents=True)
        upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
        mirror = server.folder / "group" / "template.git"
        must("git", "clone", "--quiet", "--bare", upstream.folder, mirror, cwd=tmp_path)
        bare(with_the_job(fork, f"{server.url}/group/template.git"), server.project)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def pipeline_commands() -> str:
    """Returns what the job in GitLab's pipeline runs."""
    lines: list[str] = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))["fork-sync"]["script"]
    return "\n".join(lines)


def variables(gitlab: GitLab) -> dict[str, str]:
    """Returns what GitLab's CI sets for the job."""
    known = {name: value for name, value in gitlab.variables().items() if name.startswith("CI_")}
    return {**known, "FORK_SYNC_TOKEN": PRIVATE}


def test_gitlab_gets_one_request_in_the_fork(gitlab: GitLab, upstream: Upstream, machine: Machine) -> None:
    other = {"iid": 1, "source_project_id": PROJECT + 1, "source_branch": BRANCH, "title": "Of another fork"}
    gitlab.opened.append(dict(other))
    trace = machine.folder / "trace.log"
    folder = gitlab.check_out(machine)
    gitlab.seen.clear()
    done = machine.run(pipeline_commands(), folder, **variables(gitlab), GIT_TRACE=str(trace))
    assert done.returncode == 0, done.stdout
    requests = f"/api/v4/projects/{PROJECT}/merge_requests"
    assert gitlab.asked == [("GET", requests), ("POST", requests)]
    told = gitlab.opened[1].pop("description")
    assert told.startswith("Brings the fork from LiteLLM v1.0.0 to v1.1.0: 1 commits of upstream's")
    assert told in done.stdout
    assert gitlab.opened == [
        other,
        {
            "iid": 2,
            "source_project_id": PROJECT,
            "web_url": f"{gitlab.url}/2",
            "title": TITLE,
            "remove_source_branch": True,
            "squash": False,
            "source_branch": BRANCH,
            "target_branch": "main",
            "target_project_id": PROJECT,
        },
    ]
    pushed = assert_synced(gitlab.project, upstream)

    folder = gitlab.check_out(machine)
    again = machine.run(pipeline_commands(), folder, **variables(gitlab))
    assert again.returncode == 0, again.stdout
    assert gitlab.asked[2:] == [("GET", requests), ("PUT", f"{requests}/2")]
    assert gitlab.opened[1]["description"] == told
    assert refs(gitlab.project)[REF] == pushed
    api = [seen for seen in gitlab.seen if seen.path.startswith("/api/")]
    assert {seen.headers["Private-Token"] for seen in api} == {PRIVATE}
    assert {seen.user for seen in gitlab.seen if seen.path.endswith("/git-receive-pack")} == {WRITER}
    assert_secret_is_nowhere(machine, done.stdout + again.stdout)


@pytest.mark.parametrize("where", ["push", "request"])
def test_refusal_of_gitlab_ends_the_job(gitlab: GitLab, machine: Machine, where: str) -> None:
    folder = gitlab.check_out(machine)
    gitlab.refuses_pushes = where == "push"
    gitlab.api_status = 401
    done = machine.run(pipeline_commands(), folder, **variables(gitlab))
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    if where == "push":
        assert last.startswith("`git push ")
        assert last.endswith("ended with 128.")
        assert REF not in refs(gitlab.project)
    else:
        assert last.endswith("with status 401: has FORK_SYNC_TOKEN expired, or not the scope api?")
    assert "Traceback" not in done.stdout
    assert_secret_is_nowhere(machine, done.stdout)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "FORK_SYNC_TOKEN is not set: make it a masked CI variable, with a project access token.\n"),
        (
            f"{PRIVATE}\nmore\n",
            "FORK_SYNC_TOKEN has a character that is in no token, such as a blank: set it anew.\n",
        ),
        (
            PRIVATE,
            "CI_SERVER_URL is not set: with github or gitlab, this script runs in that forge's CI, which sets it.\n",
        ),
    ],
)
def test_missing_or_broken_token_is_one_sentence(origin: Path, machine: Machine, token: str, sentence: str) -> None:
    done = machine.run(f"{PLAIN} gitlab", clone(machine, origin), FORK_SYNC_TOKEN=token)
    assert (done.stdout, done.returncode) == (sentence, 1)


def test_token_is_in_no_environment_of_the_tool(gitlab: GitLab, machine: Machine) -> None:
    folder = gitlab.check_out(machine)
    # The tool tells its environment, and then that there is nothing to do.
    code = 'import os, pathlib; pathlib.Path("../seen").write_text(str(dict(os.environ))); print(\'{"current": true}\')'
    shutil.rmtree(folder / "fork" / "tool")
    (folder / "fork" / "tool").write_text(code, encoding="utf-8")
    assert machine.run(pipeline_commands(), folder, **variables(gitlab)).returncode == 0
    seen = (folder.parent / "seen").read_text(encoding="utf-8")
    assert "FORK_SYNC_TOKEN" not in seen
    assert PRIVATE not in seen
    assert base64.b64encode(WRITER.encode()).decode() in seen  # git's own, for a private mirror of upstream


def test_verify_needs_no_history(upstream: Upstream, origin: Path, machine: Machine) -> None:
    upstream.release("v1.1.0", {"litellm/main.py": "two = 2\n"})
    path = GITHUB / "fork-verify.yml"
    steps = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["verify"]["steps"]
    shallow = machine.clone(origin)
    done = machine.run(steps[-1]["run"].replace("python3 ", "python "), shallow)
    assert (done.stdout, done.returncode) == ("All as fork.toml says: LiteLLM v1.0.0, 3 insertions.\n", 0)
    assert show(shallow, "tag") == ""

    write(shallow, {"litellm/main.py": "edited = True\n"})
    commit(shallow, "Edit")
    done = machine.run(steps[-1]["run"].replace("python3 ", "python "), shallow)
    assert done.returncode == 3
    assert done.stdout.startswith("litellm/main.py is changed in the fork: ")


def test_workflows_pass_zizmor_and_actionlint(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    paths = sorted(Path(shutil.copytree(GITHUB, folder)).iterdir())
    assert [path.name for path in paths] == ["fork-sync.yml", "fork-verify.yml"]
    status, printed = zizmor(*paths)
    assert status == 0, printed
    assert not actionlint(*paths)


def test_gitlab_includes_the_jobs_of_the_fork() -> None:
    page = yaml.safe_load((TEMPLATE / ".gitlab-ci.yml").read_text())
    assert page == {"include": [{"local": "fork/ci/gitlab.yml"}]}
    jobs = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    assert [name for name in jobs if name.startswith("fork-")] == ["fork-verify", "fork-probes", "fork-sync"]
    for name in ("fork-verify", "fork-probes", "fork-sync"):
        assert jobs[name]["stage"] in jobs["stages"]


def test_scripts_are_linted_and_typed(tmp_path: Path) -> None:
    folder = tmp_path / "lint"
    folder.mkdir()
    for name in SCRIPTS:
        shutil.copy(TEMPLATE / "fork" / "ci" / name, folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for words in (
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache", "--line-length=120"],
        ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache")],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words, *SCRIPTS],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
