"""The weekly job of a rendered package, with the commands of its CI files, against repositories of this machine.

A bare repository stands in for the forge; `gh` is a command that records, GitLab a server on loopback that takes what
git and the script send. The tool, git and the script are the real ones.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testing.answers import ROOT, Answers
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
from testing.support import must
from testing.support import render as render_working_tree
from testing.tool import COMMAND
from testing.upgrades import NEXT, commit, render, template_with_versions

NEWER = "v999.1.0"
"""The version that the job finds."""
LATER = "v999.2.0"
BRANCH = "template-update"
REF = f"refs/heads/{BRANCH}"
TITLE = f"chore: update the template to {NEWER}"
SCRIPT = ".ci/template_update.py"
FORGE = ".ci/forge.py"
PLAIN = f"python {SCRIPT}"

FORK = 8


def release(template: Path, version: str, old: str, new: str, path: str = "template/package/.editorconfig") -> None:
    """Changes a text in a file of the template and tags that as a version."""
    text = (template / path).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    (template / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    must(sys.executable, "-m", "scripts.template_files", cwd=template)
    commit(template, version)
    must("git", "tag", version, cwd=template)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the working tree as one version and a small change as a newer one."""
    folder = template_with_versions(tmp_path_factory.mktemp("versions") / "template")
    shutil.rmtree(folder / "scripts")
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    release(folder, NEWER, "indent_size = 4", "indent_size = 8")
    return folder


@pytest.fixture(scope="module")
def package(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package for GitHub that was rendered from the working tree."""
    return render(template, NEXT, {"include": []}, tmp_path_factory.mktemp("package") / "package")


@pytest.fixture(scope="module")
def current(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package as the newer version renders it."""
    return render(template, NEWER, {"include": []}, tmp_path_factory.mktemp("current") / "package")


@pytest.fixture(scope="module")
def for_gitlab(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package for GitLab that was rendered from the working tree."""
    answers: Answers = {"include": [], "ci": "gitlab"}
    return render(template, NEXT, answers, tmp_path_factory.mktemp("for-gitlab") / "package")


def from_source(package: Path, source: str, folder: Path, version: str = NEXT) -> Path:
    """Returns a copy of a package whose template is somewhere else, in a version of another name."""
    shutil.copytree(package, folder)
    path = folder / ".copier-answers.yml"
    text = path.read_text(encoding="utf-8")
    for name, value in (("_commit", version), ("_src_path", source)):
        text, count = re.subn(f"(?m)^{name}: .*$", f"{name}: {value}", text)
        assert count == 1, name
    path.write_text(text, encoding="utf-8")
    commit(folder, "Move the template")
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has done nothing."""
    return Machine(tmp_path / "machine")


@pytest.fixture
def origin(package: Path, tmp_path: Path) -> Path:
    """The package at its forge."""
    return bare(package, tmp_path / "origin.git")


def assert_updated(origin: Path, current: Path) -> str:
    """Looks whether the branch is the update in one commit on the default branch; returns that commit."""
    found = refs(origin)
    assert show(origin, "rev-parse", f"{BRANCH}^") == found["refs/heads/main"]
    assert show(origin, "log", "-1", "--format=%s", BRANCH) == TITLE
    # The package was never edited, so this is all that an update may come to.
    assert show(origin, "ls-tree", "-r", BRANCH) == show(current, "ls-tree", "-r", "HEAD")
    return found[REF]


def test_no_newer_version_pushes_nothing(current: Path, machine: Machine, tmp_path: Path) -> None:
    origin = bare(current, tmp_path / "origin.git")
    before = refs(origin)
    done = machine.run(PLAIN, machine.clone(origin))
    assert (done.stdout, done.returncode) == (f"{NEWER}: nothing to update.\n", 0)
    assert refs(origin) == before


def test_newer_version_is_pushed_once(origin: Path, current: Path, machine: Machine) -> None:
    before = refs(origin)
    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 0, done.stdout
    assert f"from {NEXT} to {NEWER}" in done.stdout
    pushed = assert_updated(origin, current)
    assert refs(origin) == {**before, REF: pushed}

    again = machine.run(PLAIN, machine.clone(origin))
    assert again.returncode == 0, again.stdout
    assert refs(origin)[REF] == pushed


@pytest.mark.slow
def test_branch_of_an_earlier_run_makes_place(origin: Path, machine: Machine) -> None:
    clone = machine.clone(origin)
    identity = "git -c user.name=Job -c user.email=template-update@localhost"
    lines = f"git checkout --quiet -b {BRANCH}\n{identity} commit --quiet --allow-empty --message Old\n"
    assert machine.run(f"{lines}git push --quiet origin {BRANCH}", clone).returncode == 0
    old = refs(origin)[REF]
    moved = change(origin, "main", "notes.txt", "New on the default branch.\n")

    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 0, done.stdout
    assert refs(origin)[REF] != old
    assert show(origin, "rev-parse", f"{BRANCH}^") == moved
    assert "notes.txt" in show(origin, "ls-tree", "--name-only", BRANCH).splitlines()


@pytest.mark.slow
def test_runner_that_keeps_its_clone_pushes_again(origin: Path, current: Path, machine: Machine) -> None:
    # What an earlier run leaves when its branch was merged and deleted, and a branch whose name ends in the same way.
    must("git", "branch", f"somebody/{BRANCH}", "main", cwd=origin)
    clone = machine.clone(origin)
    left = (
        "git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'\n"
        f"git update-ref refs/remotes/origin/{BRANCH} HEAD\ngit branch {BRANCH}\ngit checkout --quiet --detach"
    )
    assert machine.run(left, clone).returncode == 0
    done = machine.run(PLAIN, clone)
    assert done.returncode == 0, done.stdout
    assert_updated(origin, current)


def test_commits_of_others_on_the_branch_stay(origin: Path, machine: Machine) -> None:
    must("git", "branch", BRANCH, "main", cwd=origin)
    theirs = change(origin, BRANCH, "mended.txt", "By hand.\n")
    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        f"The branch {BRANCH} has commits that are not this job's: merge the request, or delete the branch."
    )
    assert refs(origin)[REF] == theirs


@pytest.mark.slow
def test_commit_that_somebody_pushes_at_the_same_moment_stays(origin: Path, machine: Machine) -> None:
    git = shlex.quote(shutil.which("git") or "git")
    theirs = f"{git} --git-dir={shlex.quote(str(origin))} update-ref {REF} refs/heads/main"
    machine.command("git", f'if [ "$1" = push ]; then {theirs}; fi\nexec {git} "$@"')
    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("`git push ")
    assert refs(origin)[REF] == refs(origin)["refs/heads/main"]


def test_update_is_the_one_that_the_text_tells(template: Path, package: Path, machine: Machine, tmp_path: Path) -> None:
    source = Path(shutil.copytree(template, tmp_path / "template"))
    origin = bare(from_source(package, str(source), tmp_path / "package"), tmp_path / "origin.git")
    release(source, LATER, "indent_size = 8", "indent_size = 6")
    must("git", "tag", "--delete", LATER, cwd=source)
    # The real tool, and a release right after its first look.
    tag = f"git -C {shlex.quote(str(source))} tag --force {LATER} HEAD"
    machine.command("tool", f'{shlex.join(COMMAND)} "$@"\nstatus=$?\n{tag}\nexit $status')
    done = machine.run(PLAIN, machine.clone(origin), PROVIDER_TEMPLATE="tool")
    assert done.returncode == 0, done.stdout
    assert LATER in must("git", "tag", cwd=source)
    assert show(origin, "log", "-1", "--format=%s", BRANCH) == TITLE
    assert f"_commit: {NEWER}" in show(origin, "show", f"{BRANCH}:.copier-answers.yml").splitlines()


def test_conflicts_are_for_a_person(origin: Path, package: Path, machine: Machine) -> None:
    text = (package / ".editorconfig").read_text(encoding="utf-8")
    change(origin, "main", ".editorconfig", text.replace("indent_size = 4", "indent_size = 3", 1))
    before = refs(origin)
    clone = machine.clone(origin)
    done = machine.run(PLAIN, clone)
    assert done.returncode == 1
    assert "**Conflicts to resolve by hand**\n\n- `.editorconfig`\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "This update needs a person: run `make update` in a checkout."
    assert refs(origin) == before
    assert show(clone, "branch", "--show-current") == "main"
    assert show(clone, "rev-parse", "HEAD") == before["refs/heads/main"]
    assert show(clone, "status", "--porcelain", "--ignored") == "!! .ci/__pycache__/"


@pytest.mark.slow
def test_code_of_the_template_is_for_a_person(template: Path, package: Path, machine: Machine, tmp_path: Path) -> None:
    source, trace = Path(shutil.copytree(template, tmp_path / "template")), tmp_path / "trace"
    migration = f"_migrations:\n  - version: {LATER}\n    command: [touch, {json.dumps(str(trace))}]\n"
    release(source, LATER, "_migrations:\n", migration, "copier.yml")
    origin = bare(from_source(package, str(source), tmp_path / "package"), tmp_path / "origin.git")
    before = refs(origin)
    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 1
    assert f"- `touch {trace}`" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == ("This update needs a person: run `make update ARGS=--trust` in a checkout.")
    assert refs(origin) == before
    assert not trace.exists()


# Notes what it would make a lock of, and runs scripts as `uv run` does.
UV = """\
if words[0] == "lock":
    answers = pathlib.Path(".copier-answers.yml").read_text()
    with pathlib.Path("uv.lock").open("a") as lock:
        lock.writelines(line for line in answers.splitlines(True) if line.startswith("_commit: "))
else:
    assert words[:4] == ["run", "--no-project", "--python", "3.13"], words
    os.execvp("python", ["python", *words[4:]])
"""


def test_lock_belongs_to_the_update(origin: Path, machine: Machine) -> None:
    change(origin, "main", "uv.lock", "locked\n")
    machine.python_command("uv", UV)
    done = machine.run(PLAIN, machine.clone(origin))
    assert done.returncode == 0, done.stdout
    assert [words for words, _ in machine.calls("uv")] == [["lock", "--quiet"]]
    assert show(origin, "show", f"{BRANCH}:uv.lock") == f"locked\n_commit: {NEWER}"
    assert show(origin, "rev-list", "--count", f"main..{BRANCH}") == "1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "named"),
    [("v1.2.0", "v1.2.0"), ("v1.2.0-3-g1a2b3c4", "1a2b3c4"), ("'1234567'", "1234567")],
)
def test_tool_is_that_of_a_commit_that_has_no_tag(
    package: Path, machine: Machine, tmp_path: Path, version: str, named: str
) -> None:
    machine.python_command("uvx", "sys.exit(1)\n")
    folder = from_source(package, "gh:acme/template", tmp_path / "package", version)
    done = machine.run(f"unset PROVIDER_TEMPLATE\n{PLAIN}", folder)
    assert done.returncode == 1
    ((words, _),) = machine.calls("uvx")
    assert words[2] == f"git+https://github.com/acme/template@{named}"


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:acme/template", "git+https://github.com/acme/template"),
        ("gl:acme/template.git", "git+https://gitlab.com/acme/template.git"),
        ("git+https://git.example.com/template", "git+https://git.example.com/template"),
        ("git@git.example.com:acme/template.git", "git+ssh://git@git.example.com/acme/template.git"),
        ("git@git.example.com:/srv/template.git", "git+ssh://git@git.example.com/srv/template.git"),
        ("'/srv/my template'", "git+file:///srv/my%20template"),
    ],
)
def test_tool_is_that_of_the_packages_version(
    package: Path, machine: Machine, tmp_path: Path, source: str, address: str
) -> None:
    machine.python_command("uvx", "sys.exit(1)\n")
    folder = from_source(package, source, tmp_path / "package")
    done = machine.run(f"unset PROVIDER_TEMPLATE\n{PLAIN}", folder)
    assert (done.stdout, done.returncode) == ("The preview of the update ended with 1.\n", 1)
    ((words, _),) = machine.calls("uvx")
    assert words == ["--quiet", "--from", f"{address}@{NEXT}", "provider-template", "preview", "--json"]


def test_missing_command_is_one_sentence(package: Path, machine: Machine) -> None:
    done = machine.run(PLAIN, package, PROVIDER_TEMPLATE="no-such-tool --here")
    assert (done.stdout, done.returncode) == ("There is no no-such-tool on this machine.\n", 1)


@pytest.mark.parametrize("words", ["bitbucket", "github gitlab", "--help"])
def test_unknown_argument_is_one_sentence(package: Path, machine: Machine, words: str) -> None:
    done = machine.run(f"{PLAIN} {words}", package)
    sentence = f"{words} is no forge that this script knows: write github, gitlab or nothing.\n"
    assert (done.stdout, done.returncode) == (sentence, 1)


def workflow_commands(package: Path) -> str:
    """Returns what the workflow runs last."""
    path = package / ".github" / "workflows" / "template-update.yml"
    lines: str = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["update"]["steps"][-1]["run"]
    return lines


def test_github_gets_one_request(origin: Path, package: Path, current: Path, machine: Machine) -> None:
    machine.python_command("gh", GH)
    machine.python_command("uv", UV)
    opened, text = machine.folder / "opened.json", machine.folder / "text.md"
    fork = {"url": "https://forge.example.com/pull/1", "isCrossRepository": True}
    own = {"url": "https://forge.example.com/pull/2", "isCrossRepository": False}
    there = ["--repo", "acme/provider"]
    listing = ["pr", "list", *there, "--head", BRANCH, "--state", "open", "--json", "url,isCrossRepository"]
    content = ["--title", TITLE, "--body-file", "-"]
    machine.python_command("tool", f"os.execv(sys.executable, [*{COMMAND!r}, *words])")
    variables = {"GITHUB_REPOSITORY": "acme/provider", "GH_TOKEN": PRIVATE, "PROVIDER_TEMPLATE": "tool"}

    opened.write_text(json.dumps([fork]), encoding="utf-8")
    done = machine.run(workflow_commands(package), machine.clone(origin), **variables)
    assert done.returncode == 0, done.stdout
    assert [words for words, _ in machine.calls("gh")] == [
        ["auth", "setup-git"],
        listing,
        ["pr", "create", "--head", BRANCH, "--base", "main", *there, *content],
    ]
    # What comes from the template runs without the token.
    assert [words[0] for words, env in machine.calls("tool") if PRIVATE not in str(env)] == [
        "preview",
        "update",
    ]
    assert {env["GH_TOKEN"] for _, env in machine.calls("gh")} == {PRIVATE}
    told = text.read_text(encoding="utf-8")
    assert told.startswith(f"Update of the template from {NEXT} to {NEWER}\n")
    assert "- `.editorconfig` changed, +1 -1\n" in told
    assert told in done.stdout
    pushed = assert_updated(origin, current)

    text.unlink()
    opened.write_text(json.dumps([fork, own]), encoding="utf-8")
    again = machine.run(workflow_commands(package), machine.clone(origin), **variables)
    assert again.returncode == 0, again.stdout
    assert [words for words, _ in machine.calls("gh")][3:] == [
        ["auth", "setup-git"],
        listing,
        ["pr", "edit", own["url"], *there, *content],
    ]
    assert text.read_text(encoding="utf-8") == told
    assert refs(origin)[REF] == pushed


@pytest.fixture
def gitlab(template: Path, for_gitlab: Path, tmp_path: Path) -> Iterator[GitLab]:
    """A GitLab with the package, which has a lock, and its private template."""
    with GitLab(tmp_path / "gitlab") as server:
        (server.folder / "group").mkdir(parents=True)
        must(
            "git",
            "clone",
            "--quiet",
            "--bare",
            template,
            server.folder / "group" / "template.git",
            cwd=tmp_path,
        )
        folder = from_source(for_gitlab, f"{server.url}/group/template.git", tmp_path / "package")
        (folder / "uv.lock").write_text("locked\n", encoding="utf-8")
        commit(folder, "Lock")
        bare(folder, server.project)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def pipeline_commands(folder: Path) -> str:
    """Returns what the job in GitLab's pipeline runs."""
    path = folder / ".gitlab-ci.yml"
    lines: list[str] = yaml.safe_load(path.read_text(encoding="utf-8"))["template-update"]["script"]
    return "\n".join(lines)


def test_gitlab_gets_one_request(gitlab: GitLab, machine: Machine) -> None:
    machine.python_command("uv", UV)
    fork = {"iid": 1, "source_project_id": FORK, "source_branch": BRANCH, "title": "Of a fork"}
    gitlab.opened.append(dict(fork))
    # The runner may configure git in the same way, and what git runs is written down.
    trace = machine.folder / "trace.log"
    runner = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.userAgent", "GIT_CONFIG_VALUE_0": "runner"}
    variables = {**gitlab.variables(), **runner, "GIT_TRACE": str(trace)}

    folder = gitlab.check_out(machine)
    gitlab.seen.clear()
    done = machine.run(pipeline_commands(folder), folder, **variables)
    assert done.returncode == 0, done.stdout
    requests = f"/api/v4/projects/{PROJECT}/merge_requests"
    assert gitlab.asked == [("GET", requests), ("POST", requests)]
    told = gitlab.opened[1].pop("description")
    assert told.startswith(f"Update of the template from {NEXT} to {NEWER}\n")
    assert told in done.stdout
    assert gitlab.opened == [
        fork,
        {
            "iid": 2,
            "source_project_id": PROJECT,
            "web_url": f"{gitlab.url}/2",
            "title": TITLE,
            "remove_source_branch": True,
            "source_branch": BRANCH,
            "target_branch": "main",
            "target_project_id": PROJECT,
        },
    ]
    pushed = refs(gitlab.project)[REF]
    assert show(gitlab.project, "rev-parse", f"{BRANCH}^") == refs(gitlab.project)["refs/heads/main"]
    changed = show(gitlab.project, "diff", "--name-only", "main", BRANCH).splitlines()
    assert changed == [".copier-answers.yml", ".editorconfig", ".template-files.yml", "uv.lock"]

    folder = gitlab.check_out(machine)
    again = machine.run(pipeline_commands(folder), folder, **variables)
    assert again.returncode == 0, again.stdout
    assert gitlab.asked[2:] == [("GET", requests), ("PUT", f"{requests}/2")]
    assert gitlab.opened[0] == fork
    assert gitlab.opened[1]["description"] == told
    assert refs(gitlab.project)[REF] == pushed

    api = [seen for seen in gitlab.seen if seen.path.startswith("/api/")]
    assert {seen.headers["Private-Token"] for seen in api} == {PRIVATE}
    assert {seen.user for seen in gitlab.seen if seen.path.endswith("/git-receive-pack")} == {WRITER}
    assert {seen.headers["User-Agent"] for seen in gitlab.seen if "/package.git/" in seen.path} >= {"runner"}
    assert "push --quiet --force-with-lease" in (machine.folder / "git.log").read_text(encoding="utf-8")
    assert "git remote-http origin" in trace.read_text(encoding="utf-8")
    assert [words for words, _ in machine.calls("uv")] == [["lock", "--quiet"]] * 2
    assert_secret_is_nowhere(machine, done.stdout + again.stdout)


@pytest.mark.parametrize("where", ["push", "request"])
def test_refusal_of_gitlab_ends_the_job(gitlab: GitLab, machine: Machine, where: str) -> None:
    machine.python_command("uv", UV)
    folder = gitlab.check_out(machine)
    gitlab.refuses_pushes = where == "push"
    gitlab.api_status = 401
    done = machine.run(pipeline_commands(folder), folder, **gitlab.variables())
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    if where == "push":
        assert last.startswith("`git push ")
        assert last.endswith("ended with 128.")
        assert gitlab.asked == []
        assert REF not in refs(gitlab.project)
    else:
        assert last == _sentence("GET", gitlab, "401: has TEMPLATE_UPDATE_TOKEN expired, or not the scope api?")
    assert "Traceback" not in done.stdout
    assert_secret_is_nowhere(machine, done.stdout)


def _sentence(method: str, gitlab: GitLab, rest: str) -> str:
    address = f"{gitlab.url}/api/v4/projects/{PROJECT}/merge_requests"
    query = f"?source_branch={BRANCH}&state=opened" if method == "GET" else ""
    return f"GitLab refused {method} {address}{query} with status {rest}"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [302, 403, 500])
def test_status_of_gitlab_is_one_sentence(
    gitlab: GitLab, package: Path, machine: Machine, method: str, status: int
) -> None:
    gitlab.api_status = status
    done = ask(machine, package, f"{gitlab.url}/api/v4/projects", method)
    assert done.returncode == 1
    assert done.stdout.startswith(f"GitLab refused {method} {gitlab.url}/api/v4/projects with status {status}")
    assert len(done.stdout.splitlines()) == 1
    assert gitlab.asked == [(method, "/api/v4/projects")]
    assert [seen.path for seen in gitlab.seen] == ["/api/v4/projects"]


def ask(machine: Machine, package: Path, address: str, method: str) -> subprocess.CompletedProcess[str]:
    """Sends a request as the script does."""
    content = {"title": "A"} if method == "POST" else None
    code = (
        'import sys; sys.path.insert(0, ".ci"); import forge; '
        f'forge.GitLab("TEMPLATE_UPDATE_TOKEN", {PRIVATE!r}).ask({method!r}, {address!r}, {content!r})'
    )
    return machine.run(f"python -c {shlex.quote(code)}", package, PYTHONDONTWRITEBYTECODE="1")


@pytest.mark.slow
def test_gitlab_that_does_not_answer_is_one_sentence(package: Path, machine: Machine, tmp_path: Path) -> None:
    with GitLab(tmp_path) as closed:
        address = f"{closed.url}/api/v4/projects"
    done = ask(machine, package, address, "GET")
    assert done.returncode == 1
    assert done.stdout.startswith(f"GitLab did not answer GET {address}: ")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_answer_that_is_no_json_is_one_sentence(gitlab: GitLab, package: Path, machine: Machine) -> None:
    gitlab.page = b"<html>Maintenance</html>"
    address = f"{gitlab.url}/api/v4/projects"
    done = ask(machine, package, address, "GET")
    assert (done.stdout, done.returncode) == (f"GitLab's answer to GET {address} is no JSON.\n", 1)


def test_missing_token_is_one_sentence(origin: Path, machine: Machine) -> None:
    before = refs(origin)
    done = machine.run(f"{PLAIN} gitlab", machine.clone(origin), TEMPLATE_UPDATE_TOKEN="")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "TEMPLATE_UPDATE_TOKEN is not set: make it a masked CI variable, with a project access token."
    )
    assert refs(origin) == before


def test_token_of_two_lines_is_one_sentence(package: Path, machine: Machine) -> None:
    done = machine.run(f"{PLAIN} gitlab", package, TEMPLATE_UPDATE_TOKEN=f"{PRIVATE}\nmore\n")
    sentence = "TEMPLATE_UPDATE_TOKEN has a character that is in no token, such as a blank: set it anew.\n"
    assert (done.stdout, done.returncode) == (sentence, 1)


@pytest.mark.slow
def test_another_machine_than_gitlabs_is_one_sentence(package: Path, machine: Machine) -> None:
    done = machine.run(f"{PLAIN} gitlab", package, TEMPLATE_UPDATE_TOKEN=PRIVATE)
    sentence = "CI_SERVER_URL is not set: with github or gitlab, this script runs in that forge's CI, which sets it.\n"
    assert (done.stdout, done.returncode) == (sentence, 1)


def test_scripts_are_linted_and_typed_as_the_package(package: Path, machine: Machine) -> None:
    for words in (
        "ruff check --no-cache",
        "ruff format --check --no-cache",
        f"mypy --strict --cache-dir {shlex.quote(str(machine.folder / 'tmp'))}",
    ):
        done = machine.run(f"{shlex.quote(sys.executable)} -m {words} {SCRIPT} {FORGE}", package)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("updates", ["job", "renovate", "none"])
def test_new_versions_arrive_in_one_way(copier_template: Path, tmp_path: Path, ci: str, updates: str) -> None:
    answers: Answers = {"include": [], "ci": ci, "updates": updates}
    folder = render_working_tree(copier_template, tmp_path / "package", answers)
    config = json.loads((folder / "renovate.json").read_text(encoding="utf-8"))
    # Renovate's manager for Copier is on unless a file turns it off.
    assert config.get("copier", {}).get("enabled", True) is (updates == "renovate")
    assert "copier" not in [name for rule in config["packageRules"] for name in rule.get("matchManagers", ())]
    assert (folder / SCRIPT).exists() is (updates == "job")
    if ci == "github":
        path = folder / ".github" / "workflows" / "template-update.yml"
        assert path.exists() is (updates == "job")
    else:
        pipeline = yaml.safe_load((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        assert ("template-update" in pipeline) is (updates == "job")


def test_no_ci_is_no_job(copier_template: Path, tmp_path: Path) -> None:
    folder = render_working_tree(copier_template, tmp_path / "package", {"include": [], "ci": "none"})
    assert not (folder / SCRIPT).exists()
    assert not (folder / "renovate.json").exists()
