"""LiteLLM's wheel with a provider in it: the same bytes each time, a right RECORD, and upstream's files as they are."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from testing.forks import FILES, FORK_TOML, Fork, write

METADATA = (
    "Metadata-Version: 2.4\nName: litellm\nVersion: 1.0.0\nRequires-Dist: httpx\n\nVersion: 1.0.0 is described here.\n"
)
INFO = "litellm-1.0.0.dist-info"


def upstreams(folder: Path, **more: str) -> Path:
    """Writes a wheel of the small LiteLLM, with a compiled file and a file whose name has a comma."""
    path = folder / "litellm-1.0.0-cp310-abi3-linux_x86_64.whl"
    files = {name: text for name, text in FILES.items() if name.startswith("litellm/")} | {
        "litellm/_native.so": "\x00binary",
        "litellm/proxy/a, b.txt": "comma\n",
        f"{INFO}/METADATA": METADATA,
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp310-abi3-linux_x86_64\n",
        f"{INFO}/entry_points.txt": "[console_scripts]\nlitellm = litellm:run\n",
        f"{INFO}/RECORD": "",
        **more,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def rendered(tmp_path: Path) -> Fork:
    """Returns a folder with a provider and nothing else: no fork, no git."""
    folder = tmp_path / "rendered"
    folder.mkdir()
    made = Fork(folder)
    made.add_provider("acme-ai", '"joserfc>=1"')
    write(folder, {"fork.toml": FORK_TOML.replace("{url}", "https://example.com/litellm.git")})
    return made


def test_a_wheel_is_upstreams_with_the_provider(rendered: Fork, tmp_path: Path) -> None:
    source = upstreams(tmp_path)
    said = rendered.does("wheel", "--litellm", "1.0.0", "--wheel", str(source), "--build", "3")
    assert "pip install" in said
    path = rendered.folder / "dist" / "litellm-1.0.0+acme.3-cp310-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(path) as made, zipfile.ZipFile(source) as before:
        names = made.namelist()
        info = "litellm-1.0.0+acme.3.dist-info"
        metadata = made.read(f"{info}/METADATA").decode()
        assert "Version: 1.0.0+acme.3\n" in metadata
        assert "\nRequires-Dist: joserfc>=1\n\n" in metadata
        assert metadata.endswith("\n\nVersion: 1.0.0 is described here.\n")
        assert names[-1] == f"{info}/RECORD"
        assert all(name.startswith(info) for name in names[-4:])
        assert "litellm/llms/acme_ai/in_tree.py" in names
        assert "# >>> acme-ai:setup" in made.read("litellm/utils.py").decode()
        for name in ("litellm/_native.so", "litellm/main.py", "litellm/proxy/a, b.txt"):
            assert made.read(name) == before.read(name)
        record = list(csv.reader(io.StringIO(made.read(f"{info}/RECORD").decode())))
        assert [row[0] for row in record] == names
        for name, digest, size in record[:-1]:
            content = made.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={expected}", str(len(content)))


def test_the_same_bytes_each_time(rendered: Fork, tmp_path: Path) -> None:
    source = upstreams(tmp_path)
    found: set[bytes] = set()
    for out in ("one", "two"):
        rendered.does("wheel", "--litellm", "1.0.0", "--wheel", str(source), "--out", out)
        [path] = (rendered.folder / out).iterdir()
        found.add(path.read_bytes())
    assert len(found) == 1


REFUSALS = {
    "a version that is none": (
        ("--litellm", "1.0"),
        {},
        '"1.0" is no version of LiteLLM: write three numbers',
    ),
    "another version": (("--litellm", "1.0.1"), {}, "is no wheel of LiteLLM 1.0.1"),
    "a version that must not run": (
        ("--litellm", "1.107.0"),
        {},
        "LiteLLM 1.107.0 was published with malicious code on 2026-10-21 and withdrawn: take another version.",
    ),
    "no such build": (("--litellm", "1.0.0", "--build", "0"), {}, "0 is no build number: count from 1."),
    "upstream has the folder": (
        ("--litellm", "1.0.0"),
        {"litellm/llms/acme_ai/chat.py": ""},
        "has litellm/llms/acme_ai/chat.py itself",
    ),
    "an anchor does not fit": (
        ("--litellm", "1.0.0"),
        {"litellm/utils.py": "other = 1\n"},
        'The anchor of the insertion "acme-ai:setup" is not in litellm/utils.py of LiteLLM 1.0.0',
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused(case: str, rendered: Fork, tmp_path: Path) -> None:
    arguments, files, words = REFUSALS[case]
    source = upstreams(tmp_path, **files)
    done = rendered.run("wheel", *arguments, "--wheel", str(source))
    assert done.returncode == 1
    assert words in done.stdout
    assert not (rendered.folder / "dist").exists()


def test_a_file_that_is_no_wheel(rendered: Fork, tmp_path: Path) -> None:
    (tmp_path / "text.whl").write_text("text")
    done = rendered.run("wheel", "--litellm", "1.0.0", "--wheel", str(tmp_path / "text.whl"))
    assert (done.returncode, "cannot be read as a wheel" in done.stdout) == (1, True)
