"""LiteLLM's own wheel with a provider in it: a fork without a repository of its own.

The wheel's files are taken as they are, the provider's folder and the insertions are put in, the version gets a local
part (PEP 440), and RECORD is written anew (the binary distribution format, "The .dist-info directory").
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import insertions
from .bad_litellm import refuse_bad
from .checks import problems
from .compose import decoded
from .declaration import FORK_TOML, Declaration, fits, in_folder
from .errors import Refusal
from .git import one_line

_PACKAGE = "litellm/"
# The earliest moment that a zip file can hold, so that the same content is the same file whenever it is made.
_WHEN = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = {"__pycache__"}


@dataclass(frozen=True)
class Built:
    """A wheel that was made."""

    path: Path
    version: str
    providers: tuple[str, ...]
    insertions: tuple[str, ...]
    dependencies: tuple[str, ...]


def build(folder: Path, version: str | None, out: Path, number: int, wheel: Path | None = None) -> Built:
    """Makes a wheel of LiteLLM with the providers of a folder in it.

    Args:
        folder: where the providers were rendered; a clone of LiteLLM or not.
        version: the version of LiteLLM, such as 1.106.2; None for the one that the fork is made of.
        out: the folder to write the wheel to.
        number: the last part of the local version: 1 makes 1.106.2+acme.1.
        wheel: a wheel of that version, to take instead of downloading one.

    Raises:
        Refusal: there is no such version, or an insertion does not fit it; nothing was written.
    """
    if number < 1:
        raise Refusal(f"{number} is no build number: count from 1.")
    declared = in_folder(folder)
    version = _version(declared, version)
    refuse_bad(version)
    with TemporaryDirectory() as temporary:
        source = wheel or _download(version, Path(temporary))
        files, modes = _unpacked(source)
    info = f"litellm-{version}.dist-info/"
    if f"{info}METADATA" not in files or not source.name.startswith(f"litellm-{version}-"):
        raise Refusal(f"{source.name} is no wheel of LiteLLM {version}: name one that is.")
    local = f"{version}+{re.sub(r'[^a-z0-9]+', '.', declared.name).strip('.')}.{number}"
    _add_providers(folder, declared, files)
    _add_insertions(declared, files, version)
    dependencies = tuple(sorted({one for provider in declared.providers for one in provider.dependencies}))
    made = {path.replace(info, f"litellm-{local}.dist-info/", 1): content for path, content in files.items()}
    metadata = f"litellm-{local}.dist-info/METADATA"
    made[metadata] = _metadata(made[metadata], version, local, dependencies)
    moved = {path.replace(info, f"litellm-{local}.dist-info/", 1): mode for path, mode in modes.items()}
    path = out / source.name.replace(f"litellm-{version}-", f"litellm-{local}-", 1)
    out.mkdir(parents=True, exist_ok=True)
    _pack(path, f"litellm-{local}.dist-info/RECORD", made, moved)
    tags = tuple(insertion.tag for insertion in declared.insertions if insertion.file.startswith(_PACKAGE))
    return Built(path, local, tuple(provider.name for provider in declared.providers), tags, dependencies)


def _version(declared: Declaration, given: str | None) -> str:
    """Returns the version to take, as it is in the names of wheels."""
    if given is None:
        numbers = declared.upstream.version(declared.upstream.base)
        if numbers is None:
            raise Refusal(
                f"{FORK_TOML} records no release of LiteLLM: name one with --litellm, such as --litellm 1.106.2."
            )
        return ".".join(map(str, numbers))
    if not re.fullmatch(r"v?\d+\.\d+\.\d+", given):
        raise Refusal(f'"{given}" is no version of LiteLLM: write three numbers, such as 1.106.2.')
    return given.removeprefix("v")


def _download(version: str, folder: Path) -> Path:
    """Downloads LiteLLM's wheel for this machine with pip, from where pip is set up to look."""
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        uvx = shutil.which("uvx")
        if uvx is None:
            raise Refusal(
                f"There is no pip for {sys.executable} and no uvx: install one of them, or name the file with --wheel."
            )
        pip = [uvx, "--quiet", "pip"]
    options = ("--quiet", "--no-deps", "--only-binary", "litellm", "--disable-pip-version-check")
    done = subprocess.run(
        [*pip, "download", *options, "--dest", str(folder), f"litellm=={version}"],
        capture_output=True,
        check=False,
    )
    found = list(folder.glob("litellm-*.whl"))
    if done.returncode or not found:
        raise Refusal(f"LiteLLM {version} could not be downloaded: {one_line(done.stderr)[-500:]}")
    return found[0]


def _unpacked(wheel: Path) -> tuple[dict[str, bytes], dict[str, int]]:
    """Returns the files of a wheel, and the modes of those that have one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            return (
                {entry.filename: archive.read(entry) for entry in entries},
                {entry.filename: entry.external_attr for entry in entries if entry.external_attr},
            )
    except (OSError, zipfile.BadZipFile) as error:
        raise Refusal(f"{wheel} cannot be read as a wheel: {error}.") from None


def _add_providers(folder: Path, declared: Declaration, files: dict[str, bytes]) -> None:
    """Adds what the fork owns of LiteLLM's package: the providers' folders, and what fork.toml names besides."""
    for pattern in dict.fromkeys(path for path in declared.owned if path.startswith(_PACKAGE)):
        taken = [path for path in files if fits((pattern,), path)]
        if taken:
            raise Refusal(
                f"This version of LiteLLM has {taken[0]} itself, where the fork has files of its own: "
                "render the provider again under another name."
            )
        here = folder / pattern
        found = here.rglob("*") if pattern.endswith("/") else [here] if here.is_file() else folder.glob(pattern)
        own = sorted(path for path in found if path.is_file() and not _LEFT_OUT & set(path.parts))
        if not own:
            raise Refusal(f"There is no {here}, and it is listed as owned: render the provider there.")
        files |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in own}


def _add_insertions(declared: Declaration, files: dict[str, bytes], version: str) -> None:
    refused: list[str] = []
    for path in declared.managed:
        if not path.startswith(_PACKAGE):
            continue  # pyproject.toml and the like are not in a wheel
        if path not in files:
            refused.append(
                f"LiteLLM {version} has no {path}, and an insertion belongs into it: fix the insertion in {FORK_TOML}."
            )
            continue
        try:
            inserted, replaced = declared.of(path)
            text = insertions.apply(path, decoded(files[path], path), inserted, replaced)
            refused += problems(path, text, inserted)
            files[path] = text.encode()
        except insertions.AnchorError as error:
            refused.append(f"{error} of LiteLLM {version}: write its place into {FORK_TOML}, under [anchors].")
        except Refusal as refusal:
            refused.append(str(refusal))
    if refused:
        raise Refusal("\n".join(refused))


def _metadata(content: bytes, version: str, local: str, dependencies: tuple[str, ...]) -> bytes:
    """Returns METADATA with the local version, and with what the providers need."""
    head, blank, description = content.decode().partition("\n\n")
    head, blank = head.rstrip("\n"), blank or "\n"
    lines = [f"Version: {local}" if line == f"Version: {version}" else line for line in head.split("\n")]
    lines += [f"Requires-Dist: {one}" for one in dependencies]
    return ("\n".join(lines) + blank + description).encode()


def _pack(path: Path, record: str, files: Mapping[str, bytes], modes: Mapping[str, int]) -> None:
    """Writes a wheel, the same bytes for the same files, and in one step."""
    names = sorted(name for name in files if name != record and not name.startswith(record + "."))
    # What describes the wheel comes last, as the format asks.
    names.sort(key=lambda name: name.startswith(record.removesuffix("RECORD")))
    lines = [f"{_cell(name)},{_digest(files[name])},{len(files[name])}" for name in names]
    content = "\n".join([*lines, f"{record},,"]) + "\n"
    new = path.with_name(f"{path.name}.new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in [*names, record]:
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = modes.get(name, 0o100644 << 16)
            archive.writestr(entry, content.encode() if name == record else files[name])
    new.replace(path)


def _digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _cell(name: str) -> str:
    """Returns a path as RECORD, a file of comma-separated values, has it."""
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",\n]', name) else name
