"""A package's suite where LiteLLM's proxy is a distribution of its own, as it is since 1.110, and where it is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testing.support import Tools, render, run

OLD = ("1.108.7", "orjson>=3; extra == 'proxy'", "fastapi>=0.1; extra == 'proxy'")
NEW = ("1.110.2", "litellm-proxy==1.110.2; extra == 'proxy'", "granian>=2; extra == 'proxy'")


def distribution(folder: Path, name: str, version: str, *requires: str) -> None:
    """Writes the metadata of an installed distribution."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    metadata.write_text("\n".join(["Metadata-Version: 2.4", *lines, ""]), encoding="utf-8")


@pytest.mark.parametrize(
    ("litellm", "others", "says"),
    [
        (OLD, {}, "litellm 1.108.7 without its proxy (fastapi, orjson not installed) []"),
        (OLD, {"orjson": "3.1"}, "litellm 1.108.7 without its proxy (fastapi not installed)"),
        (OLD, {"orjson": "3.1", "fastapi": "1.0"}, "litellm 1.108.7 with its proxy"),
        (NEW, {"granian": "2.0"}, "litellm 1.110.2 without its proxy (litellm-proxy not installed)"),
        (NEW, {"granian": "2.0", "litellm-proxy": "1.110.2"}, "litellm 1.110.2, litellm-proxy 1.110.2"),
    ],
)
def test_which_litellm(
    litellm: tuple[str, ...], others: dict[str, str], says: str, tools: Tools, tmp_path: Path, copier_template: Path
) -> None:
    """Told by the metadata alone, in an interpreter that has nothing else."""
    distribution(tmp_path, "litellm", *litellm)
    for name, version in others.items():
        distribution(tmp_path, name, version)
    module = copier_template / "template/package/tests/conformance/litellms_proxy.py"
    (tmp_path / module.name).write_bytes(module.read_bytes())
    packaging = run(tools.python, "-c", "import packaging; print(*packaging.__path__)", cwd=tmp_path).stdout.strip()
    (tmp_path / "packaging").symlink_to(packaging)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import litellms_proxy as one; print(one.in_words(), end='')"
    done = subprocess.run([tools.python, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == says.removesuffix(" []"), done.stderr


def test_what_is_not_run_is_said_loudly(tools: Tools, tmp_path: Path, copier_template: Path) -> None:
    """The run passes, as there is nothing that a provider could mend, and says what it says nothing about."""
    folder = render(copier_template, tmp_path / "package", {"include": []})
    distribution(tmp_path / "installed", "litellm", *NEW)
    printed = run(
        tools.python,
        *("-m", "pytest", "-p", "no:cacheprovider", "tests/conformance/test_usual_requests.py"),
        cwd=folder,
        PYTHONPATH=f"{tmp_path / 'installed'}:{folder / 'src'}",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        GITHUB_ACTIONS="true",
    )
    assert printed.returncode == 0, printed.stdout
    assert "conformance: litellm 1.110.2 without its proxy (litellm-proxy not installed)" in printed.stdout
    sentence = "10 tests of the proxy were NOT RUN: litellm-proxy not installed. Nothing is known about the proxy of this version"
    assert f"\n{sentence}" in printed.stdout
    assert f"\n::warning title=No proxy::{sentence}" in printed.stdout
