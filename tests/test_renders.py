"""Every pair of answers, and every choice alone, renders to a clean, typed package."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_copier.plugin import CopierFixture

from scripts.uv_requirements import RENDERED, requirements
from testing import checks
from testing.answers import (
    ROOT,
    Answers,
    Row,
    choices,
    config,
    covering_rows,
    questions,
    row_id,
    sample_rows,
    single_rows,
    to_answers,
)
from testing.support import Tools, commit_all, must, render

# The covering rows hold every pair of answers; the single ones tell which answer it is where something breaks.
ROWS = [
    *(pytest.param(row, id=row_id(row)) for row in covering_rows()),
    *(pytest.param(row, id=row_id(row), marks=pytest.mark.slow) for row in single_rows()),
]


# How the text of each licence begins.
LICENCES = {
    "MIT": "MIT License\n",
    "Apache-2.0": "Apache License\n",
    "BSD-3-Clause": "BSD 3-Clause License\n",
    "Proprietary": "Copyright (c) ",
}


@pytest.fixture(scope="module")
def rendered(
    request: pytest.FixtureRequest, copier_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Row, Path]:
    """A row and its render, for the tests that leave it as it is."""
    row: Row = request.param
    return row, render(copier_template, tmp_path_factory.mktemp("row") / "package", to_answers(row))


@pytest.fixture(scope="module")
def looked_at() -> set[tuple[str, ...]]:
    """What this test process has looked at: of some 600,000 lines that are rendered, one in forty is another one."""
    return set()


def unseen(rendered: Path, folder: Path, looked_at: set[tuple[str, ...]]) -> Path:
    """Copies the files of a render that are not among those looked at, and the tools' settings; returns the copy."""
    project = tomllib.loads((rendered / "pyproject.toml").read_text(encoding="utf-8"))
    for path in checks.files(rendered):
        relative = path.relative_to(rendered)
        # What linters say depends on the lowest Python, too, and on the kind of place, not on the module's name.
        place = re.sub("^src/[^/]+/", "src/", relative.as_posix())
        key = (place, project["project"]["requires-python"], hashlib.sha256(path.read_bytes()).hexdigest())
        if key not in looked_at or place == "pyproject.toml":
            looked_at.add(key)
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / relative)
    return folder


@pytest.mark.parametrize("rendered", ROWS, indirect=True)
def test_render_is_clean(
    rendered: tuple[Row, Path],
    looked_at: set[tuple[str, ...]],
    copier_template: Path,
    tmp_path: Path,
    tools: Tools,
) -> None:
    row, folder = rendered
    answers = to_answers(row)
    new = unseen(folder, tmp_path / "new", looked_at)
    problems = [
        *checks.names(folder),
        *checks.recorded(folder, answers),
        *checks.owners(folder),
        *checks.imports(folder),
        *checks.texts(new, machine=(ROOT, copier_template, folder.parent)),
        *checks.syntax(new),
        *checks.repeated_lines(new),
        *tools.ruff(new, "format", "--check"),
        *tools.ruff(new, "check"),
    ]
    if row in sample_rows():
        problems += checks.same(folder, render(copier_template, tmp_path / "Another place", answers))
        ignored = shutil.copytree(folder, tmp_path / "ignored")
        commit_all(ignored)
        there = must("git", "ls-files", "-z", cwd=ignored).split("\0")[:-1]
        problems += [
            f"{path.relative_to(ignored)}: git ignores it"
            for path in checks.files(ignored)
            if path.relative_to(ignored).as_posix() not in there
        ]
    assert not problems, f"{answers}\n" + "\n".join(problems)


def test_nothing_is_left_unrendered() -> None:
    assert not checks.unrendered(ROOT / "template")


def sources(row: Row) -> Answers:
    """Returns the answers of a row that choose between files and lines of Python, with the lowest version that we know."""
    return {
        name: answer for name, answer in to_answers(row).items() if choices(questions()[name]) and name != "python_min"
    }


# The first one is what the package is that tests/test_rendered_suite.py runs `make check` in.
@pytest.mark.parametrize("row", [pytest.param(row, id=row_id(row)) for row in sample_rows()[1:]])
def test_types_are_complete(row: Row, copier_template: Path, tmp_path: Path, tools: Tools) -> None:
    # Constants have literal types, so that comparisons that cannot be true depend on the answers.
    folder = render(copier_template, tmp_path / "package", sources(row))
    assert not tools.mypy(folder), sources(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", [pytest.param(row, id=row_id(row)) for row in (*covering_rows(), *single_rows())])
def test_types_are_complete_for_each_python(row: Row, copier_template: Path, tmp_path: Path, tools: Tools) -> None:
    answers = to_answers(row)
    assert not tools.mypy(render(copier_template, tmp_path / "package", answers), as_it_is=True), answers


@pytest.mark.parametrize("rendered", covering_rows(), ids=row_id, indirect=True)
def test_answers_arrive_unchanged(rendered: tuple[Row, Path]) -> None:
    _, folder = rendered
    record: dict[str, Any] = yaml.safe_load((folder / checks.ANSWERS_FILE).read_text(encoding="utf-8"))
    served_as = {"models": ["chat"], "embedding_models": ["embeddings"], "image_models": ["images", "image_edits"]}
    given = [record[name] for name, kinds in served_as.items() if {*kinds} & {*record.get("capabilities", ["chat"])}]
    ids = [line.strip() for lines in given for line in lines.splitlines() if line.strip()]

    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == record["package_name"]
    assert project["description"] == record["description"]
    assert project["requires-python"] == f">={record['python_min']}"
    if (image := folder / "Dockerfile").is_file():
        assert image.read_text(encoding="utf-8").count("--extra sdk") == (2 if record.get("sdk_package") else 0)
    author = {"name": record["author_name"], "email": record["author_email"]}
    assert project["authors"] == [{key: value for key, value in author.items() if value}]

    models = yaml.safe_load((folder / "src" / record["module_name"] / "models.yaml").read_text(encoding="utf-8"))
    assert list(models) == ids

    proxy = yaml.safe_load((folder / "proxy" / "config.yaml").read_text(encoding="utf-8"))
    served = {entry["model_name"]: entry["litellm_params"]["model"] for entry in proxy["model_list"]}
    for model in ids:
        assert served[model] == f"{record['provider']}/{model}"
    # LiteLLM sends a deployment's key to the provider that a client names.
    assert not [entry for entry in proxy["model_list"] if "api_key" in entry["litellm_params"]]
    assert proxy["litellm_settings"]["custom_provider_map"] == [
        {"provider": record["provider"], "custom_handler": f"{record['module_name']}.provider"}
    ]

    wanted = {
        "tests/conformance/test_openai_format.py": record["api_format"] == "openai",
        "tests/conformance/test_sdk_format.py": record["api_format"] == "sdk",
        "tests/conformance/test_responses_format.py": record["api_format"] == "responses",
        "tests/conformance/test_cli.py": "cli" in record["include"],
        "mkdocs.yml": "docs" in record["include"],
        "compose.yaml": "docker" in record["include"],
        "proxy/routing.yaml": "routing" in record["include"],
        ".github/workflows/ci.yml": record["ci"] == "github",
        ".gitlab-ci.yml": record["ci"] == "gitlab",
        ".ci/template_update.py": record["ci"] != "none" and record["updates"] == "job",
    }
    assert {path: (folder / path).is_file() for path in wanted} == wanted

    licence = (folder / "LICENSE").read_text(encoding="utf-8")
    assert licence.lstrip().startswith(LICENCES[record["license"]])
    # The text of this one is the same for everybody.
    assert record["license"] == "Apache-2.0" or f"Copyright (c) {record['author_name']}" in licence

    constants: dict[str, object] = {}
    source = (folder / "src" / record["module_name"] / "_answers.py").read_text(encoding="utf-8")
    exec(compile(source, "_answers.py", "exec"), constants)  # noqa: S102
    assert constants["PROVIDER"] == record["provider"]
    assert constants["PROVIDER_NAME"] == record["provider_name"]
    # Without an API over HTTP, it stands for one in what LiteLLM wants to be told.
    assert constants["API_BASE"] == record.get("api_base", f"http://{record['provider']}")


def test_nothing_needs_trust() -> None:
    settings = {name for name in config() if name.startswith("_")}
    assert not settings & {"_tasks", "_jinja_extensions"}
    # A migration needs trust, but only on the update that crosses its version.
    assert all(migration["version"] for migration in config()["_migrations"])


def test_a_forgotten_variable_is_an_error() -> None:
    assert config()["_envops"]["undefined"] == "jinja2.StrictUndefined"


@pytest.mark.parametrize("name", [*questions()])
def test_each_question_has_a_default_and_a_help_line(name: str) -> None:
    question = questions()[name]
    assert "default" in question
    assert question["help"]
    assert choices(question) or question.get("validator"), "free text needs a validator"
    # `secret` also keeps an answer out of the answers file; no text that somebody types is one.
    assert not question.get("secret") or choices(question), "a secret is never a question"


def test_a_folder_of_any_name_takes_the_render(copier: CopierFixture, tmp_path: Path) -> None:
    # pytest-copier trusts the template and overwrites; what it renders must be the same as without.
    trusted = copier.copy(tmp_path / "trusted")
    folder = render(copier.template, tmp_path / "数 of 'folders'" / "it", {})
    assert not checks.same(trusted.path, folder)
    assert os.access(folder / "Makefile", os.R_OK)


def test_uv_of_packages_is_the_one_of_the_lock() -> None:
    assert RENDERED.read_text(encoding="utf-8") == requirements(), "run make lock"
