"""`provider-template fleet`: what each package is at, whatever is wrong with the others."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pexpect
import pytest

from provider_template.fleet.config import read_fleet
from provider_template.fleet.status import Status, look
from testing.answers import ROOT
from testing.fleet import Forge, forge, make_repository, make_template, write_package
from testing.support import environment, must
from testing.tool import COMMAND, tool
from tests.tool.test_hostile import arm

DAY = date(2026, 4, 11)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("small") / "template")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Forge]:
    with forge(tmp_path / "forge") as found:
        yield found


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def package(folder: Path, template: Path | str, version: str, name: str, **more: Any) -> Path:
    return make_repository(write_package(folder, template, version, name, **more))


def fleet_file(folder: Path, template: Path | str, text: str, more: str = "") -> Path:
    path = folder / "fleet.toml"
    path.write_text(f'[[template]]\nurl = "{template}"\n{more}\n{text}\n', encoding="utf-8")
    return path


def status_of(path: Path, **more: Any) -> Status:
    return look(read_fleet(path), path.parent / "bare", day=DAY, **more)


def states(status: Status) -> dict[str, str]:
    return {row.name or row.id: row.state for row in status.rows}


def test_folder_of_clones(template: Path, tmp_path: Path) -> None:
    clones = tmp_path / "clones"
    package(clones / "new", template, "v0.4.0", "new")
    package(clones / "deep" / "old", template, "v0.1.0", "old")
    package(clones / "edited", template, "v0.4.0", "edited", makefile=b"all:\n\techo mine\n")
    package(clones / "windows", template, "v0.4.0", "windows", makefile=b"all:\r\n\techo all\r\n")
    package(clones / "foreign", "https://elsewhere.example/t.git", "v0.1.0", "foreign")
    package(clones / "lost", template, "v0.9.0", "lost")
    (clones / "other").mkdir()
    (clones / "other" / "README.md").write_text("Other\n", encoding="utf-8")
    make_repository(clones / "other")
    (clones / "unborn").mkdir()
    must("git", "init", "--quiet", cwd=clones / "unborn")
    found = status_of(fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"'))
    assert states(found) == {
        "new": "current",
        "old": "behind",
        "edited": "edited",
        "windows": "current",
        "foreign": "other template",
        "lost": "unknown",
    }
    rows = {row.name: row for row in found.rows}
    old = rows["old"]
    assert (old.newest, old.versions_behind, old.days_behind) == ("v0.4.0", 3, 69)
    assert (old.security, old.security_days) == ("v0.3.0", 41)
    assert rows["edited"].edited == ("Makefile",)
    assert "has no version v0.9.0, which lost was rendered from" in rows["lost"].error
    left = {Path(one.id).name: one.why for one in found.left}
    assert left == {"other": "no package of a template", "unborn": "empty"}


def test_default_branch_and_not_what_is_checked_out(template: Path, tmp_path: Path) -> None:
    source = package(tmp_path / "source", template, "v0.4.0", "one")
    must("git", "clone", "--quiet", source, tmp_path / "clones" / "one", cwd=tmp_path)
    clone = tmp_path / "clones" / "one"
    write_package(clone, template, "v0.1.0", "one")
    must("git", "checkout", "--quiet", "--detach", cwd=clone)
    (row,) = status_of(fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')).rows
    assert (row.version, row.clone, row.id) == ("v0.4.0", ("dirty", "detached"), str(source))


def test_monorepo_and_fork(template: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_package(tmp_path / "mono" / "providers" / name, template, "v0.4.0", name)
        write_package(
            tmp_path / "fork" / "fork" / name, template, "v0.2.0", f"in-{name}", layout="fork", root=f"x/{name}/"
        )
        (tmp_path / "fork" / "x" / name).mkdir(parents=True)
        shutil.move(tmp_path / "fork" / "fork" / name / "Makefile", tmp_path / "fork" / "x" / name)
    write_package(tmp_path / "mono" / "examples" / "three", template, "v0.4.0", "three")
    make_repository(tmp_path / "mono")
    make_repository(tmp_path / "fork")
    text = '[[source]]\nrepository = "mono"\npaths = ["providers/*"]\n[[source]]\nrepository = "fork"\n'
    found = status_of(fleet_file(tmp_path, template, text))
    assert states(found) == {"one": "current", "two": "current", "in-one": "behind", "in-two": "behind"}
    assert all(row.listed and not row.missing and not row.edited for row in found.rows)
    assert [row.id.rpartition("#")[2] for row in found.rows] == [
        "fork/one",
        "fork/two",
        "providers/one",
        "providers/two",
    ]


def test_one_package_once(template: Path, tmp_path: Path, hub: Forge) -> None:
    address = hub.add(package(tmp_path / "source", template, "v0.4.0", "one"), "org/one")
    must("git", "clone", "--quiet", address, tmp_path / "clones" / "one", cwd=tmp_path)
    must("git", "config", "remote.origin.url", f"{address.removesuffix('.git')}/", cwd=tmp_path / "clones" / "one")
    text = f"""
[[source]]
github = "org"
api = "{hub.url}/api"
[[source]]
folder = "clones"
[[source]]
repository = "{address}"
[[package]]
repository = "{address.replace("://", "://someone@")}"
owner = "team-a"
"""
    (row,) = status_of(fleet_file(tmp_path, template, text)).rows
    assert (row.name, row.owner, row.repository) == ("one", "team-a", address)


@pytest.mark.parametrize(
    ("kind", "variable", "user"), [("github", "GITHUB_TOKEN", "x-access-token"), ("gitlab", "GITLAB_TOKEN", "oauth2")]
)
def test_forge_with_a_token(
    kind: str, variable: str, user: str, template: Path, tmp_path: Path, hub: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git gets it by a header; it is in no output. A second look fetches nothing that has not moved."""
    monkeypatch.setenv(variable, "s3cret")
    hub.login = "Basic " + base64.b64encode(f"{user}:s3cret".encode()).decode()
    source = package(tmp_path / "source", template, "v0.3.0", "one")
    hub.add(source, "org/one")
    hub.add(source, "org/old", archived=True)
    hub.add(make_repository(write_package(tmp_path / "b", template, "v0.4.0", "b")), "org/b")
    elsewhere = "http://elsewhere.example/x.git"
    names = {"full_name": "org/elsewhere", "path_with_namespace": "org/elsewhere"}
    hub.repositories.append({"clone_url": elsewhere, "http_url_to_repo": elsewhere, **names})
    path = fleet_file(tmp_path, template, f'[[source]]\n{kind} = "org"\napi = "{hub.url}/api"')
    done = tool(tmp_path, "fleet", "status", "--json")
    assert done.returncode == 0, done.stdout
    assert "s3cret" not in done.stdout
    found = json.loads(done.stdout)
    assert [(row["name"], row["state"]) for row in found["packages"]] == [("b", "current"), ("one", "behind")]
    assert sorted(one["why"] for one in found["left_out"]) == [
        "archived",
        "on another host than its forge (elsewhere.example)",
    ]
    assert not any("old.git" in one for one in hub.served)
    stored = b"".join(one.read_bytes() for one in (tmp_path / "cache").rglob("*") if one.is_file())
    assert b"s3cret" not in stored
    before = len([one for one in hub.served if one.endswith("upload-pack")])
    again = status_of(path)
    warm = status_of(path)
    assert again.rows == warm.rows
    asked = [one for one in hub.served if one.endswith("upload-pack")]
    # Each new clone asks twice and fetches; each known one asks only.
    assert len(asked) - before > 0
    mark = len(hub.served)
    status_of(path)
    assert len([one for one in hub.served[mark:] if one.endswith("upload-pack")]) == 2
    offline = status_of(path, offline=True)
    assert [row.error for row in offline.rows] == [f"{kind} org: not asked (--offline)."]


def test_broken_ones_are_rows(template: Path, tmp_path: Path) -> None:
    """The others are byte for byte as without them."""
    clones = tmp_path / "clones"
    for number in range(5):
        package(clones / f"good-{number}", template, f"v0.{number % 4 + 1}.0", f"good-{number}")
    path = fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')
    whole = [row.as_json() for row in status_of(path).rows]
    outside = tmp_path / "outside.yml"
    outside.write_text("_src_path: /secret\n_commit: v9\n", encoding="utf-8")
    bad = {name: write_package(clones / name, template, "v0.4.0", name) for name in "abcdefghij"}
    answers = {name: folder / ".copier-answers.yml" for name, folder in bad.items()}
    answers["a"].write_text("a: [\n", encoding="utf-8")
    answers["b"].write_text("- list\n", encoding="utf-8")
    answers["c"].unlink()
    answers["c"].symlink_to(outside)
    answers["d"].write_text("_commit: v0.1.0\n", encoding="utf-8")
    answers["e"].write_text("x: &x [a]\n" + "y: 1\n" * 20_000, encoding="utf-8")
    (bad["f"] / ".template-files.yml").write_text("- 3\n", encoding="utf-8")
    answers["h"].write_text("[" * 60_000, encoding="utf-8")
    answers["i"].write_text('_commit: "v1\\0"\n_src_path: /x\n', encoding="utf-8")
    text = answers["j"].read_text(encoding="utf-8")
    answers["j"].write_text(text.replace(f'"{template}"', "~nobody-of-that-name/t"), encoding="utf-8")
    for folder in bad.values():
        make_repository(folder)
    shutil.rmtree(bad["g"] / ".git" / "objects")
    (bad["g"] / ".git" / "objects").mkdir()
    found = status_of(path)
    rows = {row.id: row.as_json() for row in found.rows}
    assert [row for row in rows.values() if Path(row["id"]).name.startswith("good")] == whole
    errors = {Path(key).name: row["error"] for key, row in rows.items() if row["state"] == "error"}
    for name, words in {
        "a": "is no YAML",
        "b": "has no answers in it",
        "c": "a link is not followed",
        "d": "does not say _src_path",
        "e": "has more than 65536 bytes",
        "f": ".template-files.yml cannot be read",
        "g": "cannot be read",
        "h": "is no YAML",
        "i": "which names nothing",
    }.items():
        assert words in errors.pop(name), name
    assert errors == {}
    assert "secret" not in json.dumps(found.as_json())
    done = tool(tmp_path, "fleet", "status")
    assert (done.returncode, "9 error, 1 other template" in done.stdout) == (1, True), done.stdout


def test_hostile_clone(template: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    one = package(tmp_path / "clones" / "one", template, "v0.4.0", "one")
    arm(one, marks, str(template))
    (row,) = status_of(fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')).rows
    assert (row.state, list(marks.iterdir())) == ("current", [])


def test_only_named_hosts_are_contacted(template: Path, tmp_path: Path, hub: Forge) -> None:
    one = package(tmp_path / "clones" / "one", f"{hub.url}/template.git", "v0.1.0", "one")
    must("git", "remote", "add", "origin", f"{hub.url}/one.git", cwd=one)
    assert states(status_of(fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"'))) == {
        "one": "other template"
    }
    assert hub.seen == []


def test_template_that_cannot_be_reached(tmp_path: Path, hub: Forge) -> None:
    package(tmp_path / "clones" / "one", f"{hub.url}/template.git", "v0.1.0", "one")
    fleet_file(tmp_path, f"{hub.url}/template.git", '[[source]]\nfolder = "clones"')
    done = tool(tmp_path, "fleet", "status")
    assert (done.returncode, "1 unknown" in done.stdout) == (1, True), done.stdout
    assert "cannot be read" in done.stdout
    assert tool(tmp_path, "fleet", "status", "--fail-on", "policy,edits").returncode == 0


def test_template_on_a_forge_by_another_name(template: Path, tmp_path: Path, hub: Forge) -> None:
    address = hub.add(template, "llm/template")
    package(tmp_path / "clones" / "one", "gh:old-org/template", "v0.2.0", "one")
    fleet_file(tmp_path, address, '[[source]]\nfolder = "clones"', 'aliases = ["https://github.com/Old-Org/template"]')
    found = status_of(tmp_path / "fleet.toml")
    assert [(row.state, row.newest, row.security) for row in found.rows] == [("behind", "v0.4.0", "v0.3.0")]
    offline = status_of(tmp_path / "fleet.toml", offline=True)
    assert offline.rows == found.rows


def test_policy_and_pause(template: Path, tmp_path: Path) -> None:
    clones = tmp_path / "clones"
    for name, version in {"one": "v0.1.0", "lab": "v0.4.0", "calm": "v0.1.0", "done": "v0.3.0"}.items():
        package(clones / name, template, version, name, license="MIT" if name in ("one", "lab") else "Own")
    text = """
[[source]]
folder = "clones"
[[package]]
repository = "clones/calm"
pause = { until = 2026-05-01, reason = "audit" }
[[package]]
repository = "clones/one"
owner = "team-a"
pause = { until = 2026-03-01 }
[policy]
minimum = "v0.2.0"
deadline = { "v0.3.0" = 2026-03-31, "v0.4.0" = 2026-06-01 }
security_days = 14
litellm_min = "1.104.0"
[answers.enforce]
license = "Own"
[[answers.allow]]
package = "lab"
names = ["license"]
"""
    path = fleet_file(tmp_path, template, text, 'blocked = ["v0.4.0"]')
    found = status_of(path)
    rows = {row.name: row for row in found.rows}
    assert [one.rule for one in rows["one"].policy] == [
        "minimum",
        "deadline",
        "security_days",
        "litellm_min",
        "enforce",
    ]
    assert [one.rule for one in rows["lab"].policy] == ["blocked", "litellm_min"]
    assert (rows["calm"].state, rows["calm"].paused_until, rows["calm"].pause_reason) == (
        "paused",
        "2026-05-01",
        "audit",
    )
    assert (rows["done"].newest, rows["done"].versions_behind) == ("v0.3.0", 0)
    assert (rows["one"].owner, rows["one"].paused_until) == ("team-a", "")
    assert tool(tmp_path, "fleet", "status").returncode == 3
    assert tool(tmp_path, "fleet", "status", "--fail-on", "errors").returncode == 0
    assert tool(tmp_path, "fleet", "status", "--fail-on", "all").returncode == 1
    done = tool(tmp_path, "fleet", "status", "--only", "team-*", "--json")
    assert [row["name"] for row in json.loads(done.stdout)["packages"]] == ["one"]


def test_texts_of_others(template: Path, tmp_path: Path) -> None:
    name = "x\x1b[31m\u202e<script>alert(1)</script> @everyone [a](http://b) | `c`"
    package(tmp_path / "clones" / "one", template, "v0.1.0", name, auth="<b>", makefile=b"")
    fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')
    for command in (("status",), ("list",), ("report", "--md")):
        said = tool(tmp_path, "fleet", *command).stdout
        assert "\x1b" not in said
        assert "\u202e" not in said
        assert "\\x1b" in said
    assert "@everyone" not in said
    assert "](" not in said
    assert "<script" not in said
    done = tool(tmp_path, "fleet", "report", "--html", "page.html")
    assert done.returncode == 0, done.stdout
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_stable_bytes_and_quiet(template: Path, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        package(tmp_path / "clones" / name, template, "v0.2.0", name)
    fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')
    one, other = (tool(tmp_path, "fleet", "status", "--json", "--jobs", jobs).stdout for jobs in ("1", "8"))
    assert one == other
    found = json.loads(one)
    assert (found["schema"], [row["name"] for row in found["packages"]]) == (1, ["a", "b", "c"])


def test_terminal_sees_how_far_it_is(template: Path, tmp_path: Path) -> None:
    package(tmp_path / "clones" / "one", template, "v0.2.0", "one")
    fleet_file(tmp_path, template, '[[source]]\nfolder = "clones"')
    for ci, shown in (("", True), ("true", False)):
        command, *words = (*COMMAND, "fleet", "status")
        variables = environment(PYTHONPATH=str(ROOT), CI=ci, TERM="xterm")
        child = pexpect.spawn(command, words, cwd=str(tmp_path), env=variables, encoding="utf-8", timeout=60)
        child.expect(pexpect.EOF)
        said = str(child.before)
        child.close()
        assert (child.exitstatus, "Repositories" in said, "1 package: 1 behind" in said) == (0, shown, True), said


def test_example_of_the_documentation(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    (tmp_path / "fleet.toml").write_text(text.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    fleet = read_fleet(tmp_path / "fleet.toml")
    assert (len(fleet.sources), fleet.policy.security_days, fleet.allow) == (
        3,
        14,
        {"litellm-lab": frozenset({"license"})},
    )


def test_a_real_package(versions: Path, package: Path, tmp_path: Path) -> None:
    """Its answers and its list are as the template renders them."""
    fleet_file(tmp_path, versions, '[[package]]\nrepository = "package"')
    (row,) = status_of(tmp_path / "fleet.toml").rows
    assert (row.name, row.version, row.state, row.listed) == ("litellm-acme-ai", "v0.2.0", "behind", False)
    assert row.security
    assert tool(package, "update", "--defaults").returncode == 0
    must("git", "commit", "--quiet", "--all", "--message", "Update", cwd=package)
    (row,) = status_of(tmp_path / "fleet.toml").rows
    assert (row.state, row.listed, row.edited, row.missing) == ("current", True, (), ())


def test_no_file(tmp_path: Path) -> None:
    done = tool(tmp_path, "fleet", "status")
    assert (done.returncode, done.stdout) == (
        1,
        "There is no fleet.toml: write one with provider-template fleet init.\n",
    )
