"""`layout: fork`: the package's files in LiteLLM's tree, what a fork has besides, and that it works there."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fork_tool import declaration as tool_declaration
from fork_tool import insertions as tool_insertions
from testing import checks
from testing.answers import ROOT, Answers, asked, choices, questions, row_id, sample_rows, to_answers
from testing.auth_table import in_words, ways
from testing.in_tree import insertions_of, installed_litellm, tree
from testing.support import Tools, commit_all, copier_in, must, render, run
from testing.values import TEXTS

FOLDER = "acme_ai"
SOURCE = f"litellm/llms/{FOLDER}"
TESTS = f"tests/test_litellm/llms/{FOLDER}"
OWN = f"fork/{FOLDER}"

# Where the folders of a package are in a fork.
PLACES = {
    "src/litellm_acme_ai": SOURCE,
    "tests": TESTS,
    "examples": f"{OWN}/examples",
    "proxy": f"{OWN}/proxy",
}
# The files that are not the same in both, and those that a package has not.
DIFFERENT = {
    f"{SOURCE}/_answers.py",
    f"{TESTS}/package.py",
    f"{OWN}/examples/__init__.py",
    f"{OWN}/proxy/config.yaml",
}
IN_TREE_ONLY = {
    f"{SOURCE}/in_tree.py",
    f"{TESTS}/conftest.py",
    f"{TESTS}/conformance/probes.py",
    f"{TESTS}/conformance/test_in_tree.py",
    f"{TESTS}/conformance/user_program.py",
}
OF_LITELLM: Mapping[str, str] = {
    "README.md": "# LiteLLM\n",
    "LICENSE": "LiteLLM's\n",
    "Makefile": "test:\n\ttrue\n",
    "pyproject.toml": '[project]\nname = "litellm"\n',
    ".gitignore": "__pycache__\n",
    ".github/workflows/tests.yml": "on: push\n",
    "litellm/__init__.py": "custom_provider_map: list[object] = []\n",
    "litellm/utils.py": "def custom_llm_setup() -> None:\n    for custom_llm in litellm.custom_provider_map:\n        pass\n",
    "litellm/llms/openai/transformation.py": "OPENAI = 1\n",
    "tests/test_litellm/llms/openai/test_openai.py": "def test_it() -> None:\n    pass\n",
    "docs/index.md": "<<<<<<< a text of theirs\n",
}


def fork_answers(answers: Answers) -> Answers:
    """Returns the answers to what is asked in a fork."""
    given: Answers = {**answers, "layout": "fork"}
    found = {name: answer for name, answer in given.items() if asked(name, given)}
    if "include" in found:
        found["include"] = [part for part in found["include"] if part == "cli"]
    return found


def fork(template: Path, folder: Path, **answers: str | list[str]) -> Path:
    """Renders a fork; with the default answers, but for the given ones."""
    return render(template, folder, {"layout": "fork", **answers})


def checkout(folder: Path) -> Path:
    """Makes a folder with some files of LiteLLM's."""
    for name, text in OF_LITELLM.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def contents(folder: Path, below: str) -> dict[str, bytes]:
    """Returns what the files below a folder of a render hold, by their paths in it."""
    found = (path for path in (folder / below).rglob("*") if path.is_file())
    return {path.relative_to(folder / below).as_posix(): path.read_bytes() for path in found}


# All formats, with and without the command.
KINDS = [
    pytest.param(
        {
            **answers,
            "api_format": ("openai", "custom", "responses", "anthropic", "sdk")[number % 5],
            "include": ["cli"] if number % 3 else [],
        },
        id=in_words(answers).replace(" ", "-"),
    )
    for number, answers in enumerate(ways())
]


# With the command, each way has all the dependencies that it can have.
WITH_COMMAND = [
    pytest.param({**answers, "include": ["cli"]}, id=f"{in_words(answers).replace(' ', '-')}-with-the-command")
    for number, answers in enumerate(ways())
    if not number % 3
]
NOTHING = pytest.param({"auth": "none", "include": []}, id="nothing")

ONLY_IN_PACKAGES = {"conformance/locked_litellm.py"}
"""A fork has no lock of its own: the fork tool looks at what it takes."""


@pytest.mark.parametrize("answers", [*KINDS, *WITH_COMMAND, NOTHING])
def test_files_and_dependencies_are_those_of_a_package(answers: Answers, copier_template: Path, tmp_path: Path) -> None:
    package = render(copier_template, tmp_path / "package", answers)
    made = render(copier_template, tmp_path / "fork", fork_answers(answers))
    differing: set[str] = set()
    added: set[str] = set()
    for there, here in PLACES.items():
        theirs, ours = contents(package, there), contents(made, here)
        theirs = {path: content for path, content in theirs.items() if path not in ONLY_IN_PACKAGES}
        assert theirs.keys() <= ours.keys()
        added |= {f"{here}/{path}" for path in ours.keys() - theirs.keys()}
        differing |= {f"{here}/{path}" for path in theirs if theirs[path] != ours[path]}
    assert added == IN_TREE_ONLY
    # With no command and no login, no message names one.
    assert differing in (DIFFERENT, DIFFERENT - {f"{SOURCE}/_answers.py"})
    old, new = (
        (folder / path / "_answers.py").read_text(encoding="utf-8").splitlines()
        for folder, path in ((package, "src/litellm_acme_ai"), (made, SOURCE))
    )
    assert [line.split(":")[0] for line in new if line not in old] == ["COMMAND"]

    # Of dependencies, what LiteLLM does not bring along: those for tools and retries are for LiteLLM to say.
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    of_litellm = {"httpx", "litellm", "mcp", "tenacity", "pydantic-settings"}
    own = [wish for wish in project["dependencies"] if wish.split(">")[0] not in of_litellm]
    assert list(tool_declaration.in_folder(made).providers[0].dependencies) == own


def test_the_files_around(copier_template: Path, tmp_path: Path) -> None:
    found = {path.relative_to(tmp_path) for path in checks.files(fork(copier_template, tmp_path))}
    around = {
        path.as_posix()
        for path in found
        if not path.as_posix().startswith((SOURCE, TESTS, f"{OWN}/examples", f"{OWN}/proxy", "fork/tool/", "fork/ci/"))
    }
    assert around - {"DEV_FLOW.md"} == {
        ".github/workflows/fork-sync.yml",
        ".github/workflows/fork-verify.yml",
        "fork.toml",
        f"{OWN}/.copier-answers.yml",
        f"{OWN}/.template-files.yml",
        f"{OWN}/README.md",
        f"{OWN}/provider.toml",
    }
    tool = {path.name for path in (ROOT / "fork_tool").iterdir() if path.suffix in (".py", ".toml")}
    assert {path.name for path in (tmp_path / "fork" / "tool").iterdir()} == tool


ROWS = [pytest.param(row, number, id=row_id(row)) for number, row in enumerate(sample_rows())]


@pytest.mark.parametrize(("row", "number"), ROWS)
def test_render_is_clean(row: tuple[int, ...], number: int, copier_template: Path, tmp_path: Path) -> None:
    answers = fork_answers(to_answers(row))
    for name in ("fork_name", "upstream_url"):
        text = TEXTS[name][number % len(TEXTS[name])]
        answers |= {name: text} if text else {}
    folder = render(copier_template, tmp_path / "one", answers)
    other = render(copier_template, tmp_path / "Another place", answers)
    plain = {name: answer for name, answer in answers.items() if choices(questions()[name])}
    problems = [
        *checks.same(folder, other),
        *checks.names(folder),
        *checks.texts(folder, machine=(ROOT, copier_template, tmp_path)),
        *checks.leftovers(render(copier_template, tmp_path / "plain", plain)),
        *checks.syntax(folder),
        *checks.recorded(folder, answers),
        *checks.owners(folder),
    ]
    assert not problems, f"{answers}\n" + "\n".join(problems)

    record = yaml.safe_load(checks.in_fork(folder, checks.ANSWERS_FILE).read_text(encoding="utf-8"))
    declared = tool_declaration.in_folder(folder)
    assert (declared.name, declared.upstream.url) == (record["fork_name"], record["upstream_url"])
    (provider,) = declared.providers
    assert provider.name == record["provider"]
    assert [path for path in provider.owned if not (folder / path).is_dir()] == []
    assert f"litellm/llms/{provider.folder}/" in provider.owned
    # The tool's own files go with it; CUSTOM_CHANGES.md is written by it.
    written = {path.relative_to(folder).as_posix() for path in checks.files(folder)}
    assert {path for path in written if not declared.owns(path)} == set()


@pytest.mark.parametrize("provider", ["acme-ai", "lambda-", "pass", "a_b-c", "null"])
def test_names_of_folders(provider: str, copier_template: Path, tmp_path: Path) -> None:
    provider = provider.rstrip("-")
    made = fork(copier_template, tmp_path / "fork", provider=provider)
    (folder,) = (made / "litellm" / "llms").iterdir()
    assert folder.name == {"pass": "pass_", "lambda": "lambda_"}.get(provider, provider.replace("-", "_"))
    assert not checks.syntax(made)
    for insertion in insertions_of(made):
        compile(insertion["body"], "insertion", "exec")


def test_insertions_fit_into_the_installed_litellm(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    made = fork(copier_template, tmp_path / "fork")
    for insertion in tool_declaration.in_folder(made).insertions:
        if insertion.file.startswith("litellm/"):
            text = (installed_litellm(tools) / insertion.file).read_text(encoding="utf-8")
            inserted = tool_insertions.apply(insertion.file, text, [insertion])
            compile(inserted, insertion.file, "exec")
            assert tool_insertions.strip(insertion.file, inserted) == text


@pytest.mark.parametrize(
    "answers",
    [
        {"auth": "api_key"},
        {"auth": "oauth_device_code", "token_store": "keyring", "api_format": "custom"},
        {"auth": "none", "include": []},
    ],
    ids=["key", "device", "bare"],
)
def test_source_is_clean(answers: Answers, copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    """The tools' settings are those of the package, so the fork's files are looked at in the places of its files."""
    folder = render(copier_template, tmp_path / "package", answers)
    made = render(copier_template, tmp_path / "fork", fork_answers(answers))
    assert not tools.ruff(made, "format", "--check", "--line-length", "120", TESTS, SOURCE, f"{OWN}/examples")
    assert not checks.repeated_lines(made)
    (made / TESTS / "package.py").unlink()  # it has the one absolute import of the provider
    for there, here in PLACES.items():
        shutil.copytree(made / here, folder / there, dirs_exist_ok=True)
    problems = [*tools.ruff(folder, "format", "--check"), *tools.ruff(folder, "check"), *tools.mypy(folder)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_litellm_stay(overwrite: bool, copier_template: Path, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "litellm")
    options = ["--overwrite"] if overwrite else []
    copied = copier_in(tmp_path, "copy", "--defaults", "--data", "layout=fork", copier_template, folder, *options)
    assert copied.returncode == 0, copied.stdout
    said = copied.stdout
    assert {name: (folder / name).read_text(encoding="utf-8") for name in OF_LITELLM} == OF_LITELLM
    empty = fork(copier_template, tmp_path / "empty")
    new = {path.relative_to(folder) for path in checks.files(folder)} - {Path(name) for name in OF_LITELLM}
    assert new == {path.relative_to(empty) for path in checks.files(empty)}
    for words in (
        f"Made litellm.llms.{FOLDER} in {folder}:",
        'LiteLLM provider "acme-ai"',
        f"{OWN}/README.md says whose each file is",
        "python fork/tool apply",
        "python fork/tool wheel --litellm <version>",
    ):
        assert words in said
    assert "make" not in said.split("Made ")[1]
    for subcommand in re.findall(r"python fork/tool (\w+)", said):
        assert must(sys.executable, "fork/tool", subcommand, "--help", cwd=folder)


def test_the_authors_files_in_a_checkout_are_kept(copier_template: Path, tmp_path: Path) -> None:
    folder = fork(copier_template, tmp_path / "fork")
    listed = yaml.safe_load((folder / OWN / checks.FILES).read_text(encoding="utf-8"))
    for path in listed["yours"]:
        (folder / path).write_text("mine\n", encoding="utf-8")
    options = ("--defaults", "--overwrite", "--data", "layout=fork")
    copied = copier_in(tmp_path, "copy", *options, copier_template, folder)
    assert copied.returncode == 0, copied.stdout
    assert {(folder / path).read_text(encoding="utf-8") for path in listed["yours"]} == {"mine\n"}


def look(tools: Tools, folder: Path, provider: str = FOLDER) -> tuple[int, str]:
    """Runs what looks for edited files of the template; returns its status and what it says."""
    script = folder / "tests" / "test_litellm" / "llms" / provider / "conformance" / "template_files.py"
    done = run(tools.python, script, cwd=folder.parent)
    return done.returncode, done.stdout


def test_two_providers_in_one_fork(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    folder = fork(copier_template, checkout(tmp_path / "fork"), fork_name="ours")
    before = {path: path.read_bytes() for path in checks.files(folder)}
    beta: Answers = {"provider_name": "Beta", "auth": "signed_jwt", "fork_name": "ours"}
    fork(copier_template, folder, **beta)
    assert {path: path.read_bytes() for path in before} == before
    alone = fork(copier_template, tmp_path / "alone", **beta)
    for path in checks.files(alone):
        name = path.relative_to(alone)
        assert (folder / name).read_bytes() == path.read_bytes(), name

    declared = tool_declaration.in_folder(folder)
    assert declared.name == "ours"
    assert [provider.name for provider in declared.providers] == ["acme-ai", "beta"]
    assert len({insertion.tag for insertion in declared.insertions}) == len(declared.insertions)
    assert look(tools, folder) == look(tools, folder, "beta") == (0, "")

    # A newer version of the template came with the one: what both share is as that has left it.
    shared = folder / "fork" / "tool" / "report.py"
    lists = folder / "fork" / "beta" / checks.FILES
    old = yaml.safe_load(lists.read_text(encoding="utf-8"))["template"]["fork/tool/report.py"]
    shared.write_text(f"{shared.read_text(encoding='utf-8')}\n", encoding="utf-8")
    assert look(tools, folder)[0] == 1
    newer = hashlib.sha256(shared.read_bytes()).hexdigest()
    lists.write_text(lists.read_text(encoding="utf-8").replace(old, newer), encoding="utf-8")
    assert look(tools, folder) == look(tools, folder, "beta") == (0, "")


def test_edited_and_unresolved_files(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    folder = fork(copier_template, checkout(tmp_path / "fork"))
    commit_all(folder)
    assert look(tools, folder) == (0, "")
    for path in (f"{SOURCE}/provider.py", f"{OWN}/provider.toml", f"{SOURCE}/transformation.py"):
        with (folder / path).open("a", encoding="utf-8") as file:
            file.write("# mine\n")
    (folder / "fork.toml").write_text("<<<<<<< mine\n", encoding="utf-8")
    status, said = look(tools, folder)
    assert status == 1
    insertions, provider, mark = said.splitlines()
    assert insertions.startswith(f"{OWN}/provider.toml is the template's and was edited")
    assert "[anchors] in fork.toml" in insertions
    assert "change a method of ChatConfig" in provider
    assert f"give {SOURCE}/provider.py as an argument" in provider
    assert mark.startswith("fork.toml has the marks of a conflict")


def template_with_links(folder: Path) -> Path:
    """Makes a repository of the template, with the links in it as they are; returns it."""
    for name in ("copier.yml", "hooks", "files.yml", "fork_tool", "questions", "template"):
        source = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)
    commit_all(folder)
    must("git", "tag", "99.0.0", cwd=folder)
    return folder


def test_an_update_by_copier(tmp_path: Path) -> None:
    """`copier update` takes the answers file of one provider; the other one stays as it is."""
    versions = template_with_links(tmp_path / "template")
    folder = checkout(tmp_path / "fork")
    for name in ("Acme AI", "Beta"):
        fork(versions, folder, provider_name=name, fork_name="ours")
    commit_all(folder)
    (folder / SOURCE / "transformation.py").write_text("MINE = 1\n", encoding="utf-8")
    (folder / OWN / "examples" / "tools.py").unlink()
    with (folder / SOURCE / "sse.py").open("a", encoding="utf-8") as file:
        file.write("# an edit\n")
    must("git", "add", "--all", cwd=folder)
    must("git", "commit", "--quiet", "--message", "Edit", cwd=folder)

    source = versions / "template" / "package" / "src" / "{{ module_name }}"
    authors = versions / "template" / "formats" / "openai" / "transformation.py"
    for path in (source / "sse.py", source / "transport.py", authors):
        path.write_text(f'"""Newer."""\n{path.read_text(encoding="utf-8")}', encoding="utf-8")
    must("git", "commit", "--quiet", "--all", "--message", "Newer", cwd=versions)
    must("git", "tag", "100.0.0", cwd=versions)

    answers = f"{OWN}/{checks.ANSWERS_FILE}"
    updated = copier_in(folder, "update", "--defaults", "--answers-file", answers)
    assert updated.returncode == 0, updated.stdout
    assert "_commit: 100.0.0\n" in (folder / answers).read_text(encoding="utf-8")
    assert (folder / SOURCE / "transformation.py").read_text(encoding="utf-8") == "MINE = 1\n"
    assert not (folder / OWN / "examples" / "tools.py").exists()
    assert (folder / SOURCE / "transport.py").read_text(encoding="utf-8").startswith('"""Newer."""\n')
    merged = (folder / SOURCE / "sse.py").read_text(encoding="utf-8")
    assert merged.startswith('"""Newer."""\n')
    assert merged.endswith("# an edit\n")
    changed = must("git", "status", "--porcelain", cwd=folder).splitlines()
    assert sorted(line[3:] for line in changed) == [
        answers,
        *(f"{SOURCE}/{name}" for name in ("sse.py", "transport.py")),
    ]


def in_tree(tools: Tools, made: Path, folder: Path, *arguments: str | Path) -> Any:
    """Runs Python in a fork, with LiteLLM as `tree` has made it in a folder."""
    return run(tools.python, *arguments, cwd=made, PYTHONPATH=str(folder), LITELLM_LOCAL_MODEL_COST_MAP="True")


@pytest.mark.slow  # the probes are in the sample
@pytest.mark.parametrize("answers", [pytest.param({}, id="default"), *KINDS])
def test_the_suite_passes_in_tree(answers: Answers, copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    made = render(copier_template, tmp_path / "fork", fork_answers(answers))
    litellm = tree(installed_litellm(tools), made, tmp_path / "tree")
    done = in_tree(tools, made, litellm, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout


def test_probes_pass_and_fail(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    made = fork(copier_template, tmp_path / "fork", auth="token_file", api_format="custom")
    (made / TESTS / "unsupported.toml").write_text('tools = "it has none"\n', encoding="utf-8")
    litellm = tree(installed_litellm(tools), made, tmp_path / "tree")
    module = f"{TESTS.replace('/', '.')}.conformance.probes"
    probes = (
        "import get_llm_provider prices completion acompletion stream astream rate_limit tools router another_map proxy"
    )
    wanted = [f"ok {probe}" for probe in probes.split()]
    wanted[wanted.index("ok tools")] = "left out tools: it has none"
    done = in_tree(tools, made, litellm, "-m", module)
    assert (done.returncode, [line for line in done.stdout.splitlines() if line in wanted]) == (0, wanted)

    # By its path, from a copy in another place; and without the insertions.
    copy = shutil.copytree(made / TESTS, tmp_path / "a-copy")
    bare = tree(installed_litellm(tools), made, tmp_path / "bare", inserted=False)
    done = in_tree(tools, tmp_path, bare, copy / "conformance" / "probes.py")
    said = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "failed "))]
    assert done.returncode == 1
    assert said[0] == "ok import"
    assert "failed get_llm_provider: BadRequestError" in said[1]
    assert [line for line in said[1:] if line.startswith("ok ")] == []


def test_two_providers_in_one_litellm(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    made = fork(copier_template, tmp_path / "fork")
    fork(
        copier_template,
        made,
        provider_name="Beta",
        fork_name="acme-ai",
        auth="none",
        api_format="custom",
    )
    litellm = tree(installed_litellm(tools), made, tmp_path / "tree")
    program = """
import litellm
names = ["acme-ai", "beta"]
assert [litellm.get_llm_provider(f"{name}/chat-large")[1] for name in names] == names
litellm.custom_provider_map = []
litellm.utils.custom_llm_setup()
entries = {item["provider"]: item["custom_handler"] for item in litellm.custom_provider_map}
assert [type(entries[name]).__module__ for name in names] == ["litellm.llms.acme_ai.provider", "litellm.llms.beta.provider"]
assert {f"{name}/chat-small" for name in names} <= set(litellm.model_cost)
"""
    done = in_tree(tools, made, litellm, "-c", program)
    assert done.returncode == 0, done.stdout


def test_a_broken_models_file_breaks_its_provider_only(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    made = fork(copier_template, tmp_path / "fork", auth="none")
    litellm = tree(installed_litellm(tools), made, tmp_path / "tree")
    (made / SOURCE / "models.yaml").write_text("- chat-large\n", encoding="utf-8")
    program = """
import litellm
assert litellm.get_llm_provider("gpt-4o")[1] == "openai"
try:
    litellm.completion(model="acme-ai/chat-large", messages=[{"role": "user", "content": "x"}], api_base="http://127.0.0.1:9")
except litellm.BadRequestError as error:
    assert "models.yaml is not a mapping" in str(error), error
else:
    raise SystemExit("it was called")
"""
    done = in_tree(tools, made, litellm, "-c", program)
    assert done.returncode == 0, done.stdout
    assert "models.yaml is not a mapping: write each model id as a key" in done.stdout.split("Traceback")[0]
