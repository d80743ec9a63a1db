"""The template keeps the rules of testing/rules.py, and each finds what it is there for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml

from testing import rules
from testing.answers import ROOT, Answer, choices, questions
from testing.rules import Template
from testing.support import commit_all, must

Rule: TypeAlias = Callable[[Template], list[str]]

# Newer than any version that the template's own migrations can name.
TAG = "v100.0.0"

PACKAGE = "template/package"
FORK = "template/fork"
PROVIDER = "questions/provider.yml"
IDENTITY = "questions/identity.yml"
ERRORS = "src/{{ module_name }}/errors.py"

# How the sentences go on.
REPLACED = (
    f"at {TAG} and refused now, and an update puts the default in its place: accept it, or add a migration to a version "
    f"after {TAG} that converts it."
)
DELETED = (
    f"rendered at {TAG} and not now, and an update deletes it with all edits: keep it, or list it in hooks/moves.yml "
    f"under a version after {TAG}, with a migration to that version."
)
CHANGES = (
    "which differs from render to render, and an update takes that for a change of the template: take it from an "
    "answer, or leave it out."
)
CODE = "runs code on the author's machine, for which Copier wants --trust: do without it."
ILLEGAL = "in its name, and Windows cannot check the template out: name it otherwise."


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a repository of the template as it is in the working tree, with one commit after a release."""
    root = tmp_path_factory.mktemp("released") / "template"
    root.mkdir()
    for name in ("copier.yml", "files.yml"):
        shutil.copy2(ROOT / name, root)
    # With the links in template/ as they are, and what they lead to.
    for name in ("hooks", "fork_tool", "questions", "scripts", "template"):
        shutil.copytree(ROOT / name, root / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    commit_all(root)
    must("git", "tag", TAG, cwd=root)
    must("git", "commit", "--quiet", "--allow-empty", "--message", "Go on", cwd=root)
    return root


@pytest.fixture
def root(released: Path, tmp_path: Path) -> Path:
    """Gives a copy of that repository, to plant a defect in."""
    return shutil.copytree(released, tmp_path / "clone", symlinks=True)


def write(root: Path, path: str, text: str) -> None:
    """Writes a file of the template, and makes the folders that it is in."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def move(root: Path, source: str, target: str) -> None:
    """Renames a file that is rendered."""
    (root / PACKAGE / target).parent.mkdir(parents=True, exist_ok=True)
    (root / PACKAGE / source).rename(root / PACKAGE / target)


def change(root: Path, file: str, name: str, **details: object) -> None:
    """Changes a question, or adds one; None takes a detail away."""
    whole = yaml.safe_load((root / file).read_text(encoding="utf-8"))
    changed = {**whole.get(name, {}), **details}
    whole[name] = {key: value for key, value in changed.items() if value is not None}
    write(root, file, yaml.safe_dump(whole, allow_unicode=True, sort_keys=False))


def set_up(root: Path, **settings: object) -> None:
    """Adds settings to copier.yml."""
    with (root / "copier.yml").open("a", encoding="utf-8") as file:
        file.write(f"---\n{yaml.safe_dump(settings)}")


def migrate(root: Path, *versions: str) -> None:
    """Adds migrations to these versions."""
    set_up(root, _migrations=[{"version": version, "command": "true"} for version in versions])


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps(rule: Rule) -> None:
    findings = rule(Template(ROOT))
    assert not findings, "\n".join(findings)


def test_a_computed_null_is_a_default(root: Path) -> None:
    change(root, IDENTITY, "extra", type="yaml", default=None, when=False)
    with (root / IDENTITY).open("a", encoding="utf-8") as file:
        file.write("  default: null\n")
    assert rules.missing_defaults(Template(root)) == []


def test_the_last_tag_is_the_newest_release_before_head(root: Path) -> None:
    for name in ("v9.0.0", "v100.1.0rc1", "nightly"):
        must("git", "tag", name, TAG, cwd=root)
    must("git", "tag", "v101.0.0", cwd=root)
    aside = must("git", "commit-tree", "-m", "Aside", "-p", "HEAD", "HEAD^{tree}", cwd=root).strip()
    must("git", "tag", "v102.0.0", aside, cwd=root)
    assert Template(root).tag == TAG

    must("git", "commit", "--quiet", "--allow-empty", "--message", "Go on", cwd=root)
    assert Template(root).tag == "v101.0.0"


def test_without_a_tag_there_is_nothing_to_compare_with(root: Path) -> None:
    must("git", "tag", "--delete", TAG, cwd=root)
    change(root, IDENTITY, "author_email", when=False)
    (root / PACKAGE / ".editorconfig").unlink()
    migrate(root, "v0.0.1")
    assert Template(root).tag is None
    assert rules.lost_answers(Template(root)) == []
    assert rules.lost_paths(Template(root)) == []
    assert rules.asks_for_trust(Template(root)) == []


@pytest.mark.parametrize(
    ("file", "name"), [(IDENTITY, "license"), (PROVIDER, "layout"), ("questions/package.yml", "env_prefix")]
)
def test_a_question_without_a_default(file: str, name: str, root: Path) -> None:
    assert rules.missing_defaults(Template(root)) == []
    change(root, file, name, default=None)
    assert rules.missing_defaults(Template(root)) == [
        f"{file}: {name} has no default, and an update that asks nothing breaks off at it: give it one."
    ]


@pytest.mark.parametrize(
    ("file", "name", "choice", "default"),
    [
        (IDENTITY, "license", "Proprietary", "MIT"),
        ("questions/package.yml", "include", "docker", ["cli", "docs"]),
    ],
)
def test_a_removed_choice(file: str, name: str, choice: str, default: Answer, root: Path) -> None:
    offered = yaml.safe_load((root / file).read_text(encoding="utf-8"))[name]["choices"]
    values = choices({"choices": offered})
    left = dict(pair for pair, value in zip(offered.items(), values, strict=True) if value != choice)
    change(root, file, name, choices=left, default=default)
    assert rules.lost_answers(Template(root)) == [f"{name}: '{choice}' is a choice {REPLACED}"]


def test_a_tightened_validator(root: Path) -> None:
    change(root, IDENTITY, "author_email", validator="{% if '+litellm@' in author_email %}No.{% endif %}")
    assert rules.lost_answers(Template(root)) == [f"author_email: 'team+litellm@example.com' is accepted {REPLACED}"]


def test_a_default_that_is_refused_now(root: Path) -> None:
    refuses = "{% if author_name.endswith(' maintainers') %}No.{% endif %}"
    change(root, IDENTITY, "author_name", default="Me", validator=refuses)
    assert rules.lost_answers(Template(root)) == [f"author_name: 'Acme AI maintainers' is accepted {REPLACED}"]


def test_a_validator_that_is_tightened_by_what_it_reads(root: Path) -> None:
    names = root / "questions" / "names.jinja"
    names.write_text(names.read_text(encoding="utf-8").replace("abc aifc", "abc acme2"), encoding="utf-8")
    assert rules.lost_answers(Template(root)) == [f"module_name: 'acme2' is accepted {REPLACED}"]


def test_another_type(root: Path) -> None:
    change(root, "questions/package.yml", "litellm_min", type="float", default="1.0", validator=None)
    assert rules.lost_answers(Template(root)) == [
        f"litellm_min: '1.100.0' is accepted {REPLACED}",
        f"litellm_min: '1.106.2' is accepted {REPLACED}",
    ]


@pytest.mark.parametrize("file", [IDENTITY, "questions/upstream.yml"], ids=["computed", "gone"])
def test_a_question_that_is_not_asked_any_more(file: str, root: Path) -> None:
    if file == IDENTITY:
        name = "author_email"
        change(root, file, name, when=False)
    else:
        name = "api_base"
        whole = yaml.safe_load((root / file).read_text(encoding="utf-8"))
        del whole[name]
        write(root, file, yaml.safe_dump(whole, sort_keys=False))
        change(root, "questions/auth.yml", "jwt_claims", default="iss: litellm")
    assert rules.lost_answers(Template(root)) == [
        f"{name}: is not asked any more since {TAG}, and an update drops its answer: ask it, or add a migration to a "
        f"version after {TAG} that converts it."
    ]


def test_taking_more_than_before_loses_nothing(root: Path) -> None:
    assert rules.lost_answers(Template(root)) == []
    change(root, IDENTITY, "author_email", validator=None)
    change(root, IDENTITY, "author_name", validator="{% if not author_name %}Write a name.{% endif %}")
    change(root, IDENTITY, "license", choices=[*choices(questions()["license"]), "0BSD"])
    change(root, IDENTITY, "motto", type="str", default="", validator="{% if motto %}Be silent.{% endif %}")
    assert rules.lost_answers(Template(root)) == []


@pytest.mark.parametrize(("version", "left"), [("v100.0.1", 0), (TAG, 1), ("v99.0.0", 1)])
def test_a_migration_after_the_tag_may_convert_answers(version: str, left: int, root: Path) -> None:
    change(root, IDENTITY, "author_email", when=False)
    migrate(root, version)
    assert len(rules.lost_answers(Template(root))) == left


def test_a_removed_and_a_renamed_file(root: Path) -> None:
    assert rules.lost_paths(Template(root)) == []
    (root / PACKAGE / ".editorconfig").unlink()
    move(root, ERRORS, "src/{{ module_name }}/failures.py")
    assert rules.lost_paths(Template(root)) == [f".editorconfig: {DELETED}", f"{ERRORS}: {DELETED}"]


def test_a_removed_file_and_a_removed_link_of_forks(root: Path) -> None:
    (root / FORK / "fork.toml.jinja").unlink()  # the author's
    (root / FORK / "fork/{{ folder }}/provider.toml.jinja").unlink()
    (root / FORK / "litellm/llms/{{ folder }}").unlink()
    assert rules.lost_paths(Template(root)) == [
        f"fork/{{{{ folder }}}}/provider.toml: {DELETED}",
        f"litellm/llms/{{{{ folder }}}}: {DELETED}",
    ]


def test_each_file_is_looked_at_once_though_links_lead_to_it(root: Path) -> None:
    write(root, f"{PACKAGE}/tests/planted.md.jinja", "{{ now() }} \n")
    assert rules.changing_code(Template(root)) == [f"{PACKAGE}/tests/planted.md.jinja: uses now(, {CHANGES}"]


def test_the_authors_files_and_a_path_from_another_source_are_not_lost(root: Path) -> None:
    (root / PACKAGE / "CHANGELOG.md").unlink()
    move(root, "README.md.jinja", "docs/README.md.jinja")
    move(root, ".editorconfig", ".editorconfig.jinja")
    assert rules.lost_paths(Template(root)) == []


def test_a_listed_move_needs_a_migration(root: Path) -> None:
    (root / PACKAGE / ".editorconfig").unlink()
    move(root, ERRORS, "src/{{ module_name }}/failures.py")
    moves = {".editorconfig": None, ERRORS: "src/{{ module_name }}/failures.py"}
    write(root, "hooks/moves.yml", yaml.safe_dump({"v100.0.1": moves}))
    migrate(root, "v100.2.0")
    assert rules.lost_paths(Template(root)) == [
        f"{path}: hooks/moves.yml lists it under 100.0.1, but no migration does what the list says: add one with "
        "`version: v100.0.1` to _migrations in copier.yml."
        for path in moves
    ]

    migrate(root, "v100.0.1", "v100.2.0")
    assert rules.lost_paths(Template(root)) == []


def test_a_move_that_is_listed_under_an_old_version_does_not_count(root: Path) -> None:
    (root / PACKAGE / ".editorconfig").unlink()
    write(root, "hooks/moves.yml", yaml.safe_dump({TAG: {".editorconfig": None}}))
    migrate(root, TAG, "v100.0.1")
    assert rules.lost_paths(Template(root)) == [f".editorconfig: {DELETED}"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{{ _folder_name }}", "_folder_name"),
        ("{% set here = _copier_conf.dst_path %}", "_copier_conf.dst_path"),
        ("{{- now() -}}", "now("),
        ("{{ '%Y' | strftime }}", "strftime"),
        ("{{ range(9) | random }}", "random"),
        ("{{ [1, 2] | shuffle | first }}", "shuffle"),
    ],
)
def test_jinja_that_changes_by_itself(text: str, word: str, root: Path) -> None:
    assert rules.changing_code(Template(root)) == []
    write(root, f"{PACKAGE}/planted.md.jinja", text)
    write(root, f"{PACKAGE}/{text}", "")
    change(root, IDENTITY, "author_name", default=text)
    set_up(root, _exclude=[text])
    assert rules.changing_code(Template(root)) == [
        f"{PACKAGE}/{text} (its name): uses {word}, {CHANGES}",
        f"{PACKAGE}/planted.md.jinja: uses {word}, {CHANGES}",
        f"copier.yml: _exclude: uses {word}, {CHANGES}",
        f"{IDENTITY}: author_name: uses {word}, {CHANGES}",
    ]


def test_words_outside_of_jinja_and_paths_in_messages_may_stay(root: Path) -> None:
    text = "random now() {# shuffle #}{{ 'strftime' }}{% raw %}{{ _folder_name }}{% endraw %}"
    write(root, f"{PACKAGE}/planted.md.jinja", text)
    write(root, f"{PACKAGE}/planted.py", "{{ random }}")
    set_up(root, _message_after_copy="{{ _copier_conf.dst_path }} {{ _folder_name }}")
    assert rules.changing_code(Template(root)) == []


@pytest.mark.parametrize("setting", ["_tasks", "_jinja_extensions"])
def test_settings_that_run_code(setting: str, root: Path) -> None:
    assert rules.asks_for_trust(Template(root)) == []
    set_up(root, **{setting: ["jinja2.ext.do"]})
    assert rules.asks_for_trust(Template(root)) == [f"copier.yml: {setting} {CODE}"]


@pytest.mark.parametrize("path", ["/etc/x.yml", "../x.yml", "a/../../x.yml", "~/x.yml", "C:\\x.yml"])
def test_data_outside_of_the_project(path: str, root: Path) -> None:
    set_up(root, _external_data={"inside": "a..b/x.yml", "answers": "{{ _copier_conf.answers_file }}", "x": path})
    assert rules.asks_for_trust(Template(root)) == [
        f"copier.yml: _external_data reads {path!r} outside the project, for which Copier wants --trust: read a file of "
        "the project."
    ]


def test_migrations_that_run_at_every_update(root: Path) -> None:
    set_up(root, _migrations=["true", {"command": "true"}, {"version": "next", "command": "true"}])
    wants = "and every update would run it and want --trust: give it the version that it leads to, such as v1.2.0."
    assert rules.asks_for_trust(Template(root)) == [
        f"copier.yml: _migrations has one with no version, {wants}",
        f"copier.yml: _migrations has one with no version, {wants}",
        "copier.yml: _migrations has one with the version 'next', which is none, and no update can tell when to run it: "
        "give it the version that it leads to, such as v1.2.0.",
    ]


def test_migrations_to_versions_that_are_out(root: Path) -> None:
    migrate(root, "v99.0.0")
    must("git", "commit", "--quiet", "--all", "--message", "Migrate", cwd=root)
    must("git", "tag", "--force", TAG, cwd=root)
    must("git", "commit", "--quiet", "--allow-empty", "--message", "Go on", cwd=root)
    set_up(
        root,
        _migrations=[{"version": "99.0.0", "command": "false"}, {"version": "v100.0.1", "command": "true"}],
    )
    assert rules.asks_for_trust(Template(root)) == []

    migrate(root, "v98.0.0", "v99.0.0", "v99.0.0", TAG)
    assert rules.asks_for_trust(Template(root)) == [
        f"copier.yml: _migrations has one to {version} that {TAG} has not, and an update from there does not run it: "
        f"give it a version after {TAG}."
        for version in ("98.0.0", "99.0.0", "100.0.0")
    ]


def test_names_that_windows_refuses(root: Path) -> None:
    assert rules.illegal_names(Template(root)) == []
    write(root, f'{PACKAGE}/{{{{ "a" if ci != "none" }}}}', "")
    write(root, "template/macros/a:b?.jinja", "{# #}")
    assert rules.illegal_names(Template(root)) == [
        f"template/macros/a:b?.jinja: has :, ? {ILLEGAL}",
        f'{PACKAGE}/{{{{ "a" if ci != "none" }}}}: has " {ILLEGAL}',
    ]


def test_a_condition_in_a_name(root: Path) -> None:
    assert rules.conditional_names(Template(root)) == []
    write(root, f"{PACKAGE}/{{% if ci == 'none' %}}a{{% endif %}}/b.md", "")
    assert rules.conditional_names(Template(root)) == [
        f"{PACKAGE}/{{% if ci == 'none' %}}a{{% endif %}}/b.md: has a condition in its name, and neither an editor nor a linter "
        "knows what it is: leave it out, and put what the file renders to under `when` in files.yml."
    ]


def test_a_rendered_file_without_jinja(root: Path) -> None:
    assert rules.needless_jinja(Template(root)) == []
    write(root, f"{PACKAGE}/planted.md.jinja", "{ } % #\n")
    write(root, f"{PACKAGE}/LICENSE.jinja", "All rights reserved.\n")
    write(root, f"{PACKAGE}/.gitignore.jinja", "*.log\n")
    for number, code in enumerate(("{{ provider }}", "{% if true %}{% endif %}", "{# why #}")):
        write(root, f"{PACKAGE}/planted{number}.md.jinja", code)
    assert rules.needless_jinja(Template(root)) == [
        f"{PACKAGE}/planted.md.jinja: has no Jinja in it, and rendering it costs time: leave .jinja off its name."
    ]


def test_files_that_are_not_what_files_yml_says(root: Path) -> None:
    must(sys.executable, "-m", "scripts.template_files", cwd=root)
    assert rules.stale_files(Template(root)) == []
    listed = (root / "files.yml").read_text(encoding="utf-8")
    write(root, "files.yml", listed.replace("    - /CHANGELOG.md\n", "    - /CHANGELOG.md\n    - /NEWS.md\n"))
    stale = "is not what files.yml says: run make files."
    assert rules.stale_files(Template(root)) == [
        f"questions/files.yml: {stale}",
        f"{PACKAGE}/.template-files.yml.jinja: {stale}",
    ]

    write(root, "files.yml", listed)
    write(root, f"{PACKAGE}/planted.md", "")
    assert rules.stale_files(Template(root)) == [f"{PACKAGE}/.template-files.yml.jinja: {stale}"]

    # A fork has what lies behind a link, too.
    write(root, f"{PACKAGE}/tests/planted.py", "")
    assert rules.stale_files(Template(root)) == [
        f"{PACKAGE}/.template-files.yml.jinja: {stale}",
        f"{FORK}/fork/{{{{ folder }}}}/.template-files.yml.jinja: {stale}",
    ]
