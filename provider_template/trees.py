"""Git trees of folders, and merges of three of them: nothing here touches a work tree or a ref."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from provider_template import git
from provider_template.errors import Refusal

# A blob in a tree: its mode and its id.
Entry = tuple[str, str]
Tree = dict[str, Entry]
"""Every file of a tree by its path."""
SUBMODULE = "160000"
"""The mode of a submodule's entry, which is a commit of another repository."""


def is_in_the_way(files: Collection[str], path: str) -> bool:
    """Returns whether one of these files is where a path needs a folder."""
    return any(str(parent) in files for parent in PurePosixPath(path).parents)


@dataclass(frozen=True)
class Merged:
    """What a merge came to."""

    tree: str
    """The id of the tree, with conflict markers in the files that have conflicts."""
    stages: dict[str, dict[int, Entry]]
    """The files with conflicts: their entries in the base (1), in ours (2), in theirs (3)."""


class Store:
    """A repository of our own that shares its objects with a package's, so that the package's stays as it is."""

    def __init__(self, scratch: Path, package: Path, *, keep: bool) -> None:
        """Makes it in the scratch folder.

        Args:
            scratch: a folder that is thrown away in the end.
            package: a folder in the package's repository.
            keep: whether new objects go into the package's repository.
        """
        self.folder = scratch
        self._git_dir = scratch / "store.git"
        self._indexes = 0
        words = git.must("rev-parse", "--show-object-format", "--git-path", "objects", cwd=package).split("\n")
        objects = (package / words[1]).absolute()
        self._format = words[0]
        git.must("init", "--quiet", "--bare", f"--object-format={words[0]}", self._git_dir, cwd=scratch)
        own = self._git_dir / "objects"
        if not keep:
            (own / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
        self._objects = {"GIT_OBJECT_DIRECTORY": str(objects if keep else own)}
        self._environment = {"GIT_DIR": str(self._git_dir), **self._objects, **git.IDENTITY}

    def git(self, *arguments: str, content: str = "", index: Path | None = None) -> str:
        """Runs git in this repository and returns what it printed."""
        more = self._environment if index is None else {**self._environment, "GIT_INDEX_FILE": str(index)}
        return git.must(*arguments, cwd=self.folder, content=content, more=more)

    def _index(self) -> Path:
        self._indexes += 1
        return self.folder / f"index-{self._indexes}"

    def tree_of_folder(self, folder: Path) -> str:
        """Writes a folder's files as a tree and returns its id."""
        more = {**self._environment, "GIT_INDEX_FILE": str(self._index()), "GIT_WORK_TREE": str(folder)}
        options = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")
        git.must(*options, "add", "--all", "--force", ".", cwd=folder, more=more)
        return git.must("write-tree", cwd=folder, more=more)

    def check_out(self, tree: str, folder: Path) -> None:
        """Writes a tree's files into a folder, which becomes a repository with them in one commit."""
        folder.mkdir()
        options = ("-c", "core.autocrlf=false", "-c", "commit.gpgsign=false")
        for words in (
            ("init", "--quiet", f"--object-format={self._format}"),
            ("read-tree", tree),
            ("checkout-index", "--all"),
            ("commit", "--quiet", "--no-verify", "-m", "package"),
        ):
            git.must(*options, *words, cwd=folder, more={**self._objects, **git.IDENTITY})

    def read(self, tree: str) -> Tree:
        """Returns the files of a tree."""
        found: Tree = {}
        for line in self.git("ls-tree", "-r", "-z", tree).split("\0"):
            if line:
                head, path = line.split("\t", 1)
                mode, _, blob = head.split(" ")
                found[path] = (mode, blob)
        return found

    def write(self, files: Mapping[str, Entry]) -> str:
        """Writes a tree of these files and returns its id."""
        clash = next((path for path in files if is_in_the_way(files, path)), None)
        if clash:
            raise Refusal(f"{clash} cannot be written: a part of its path is a file. Move that file first.")
        index = self._index()
        lines = "".join(f"{mode} {blob}\t{path}\0" for path, (mode, blob) in files.items())
        self.git("update-index", "-z", "--index-info", content=lines, index=index)
        # Of a clone that was made in part, blobs elsewhere in the repository may be missing.
        return self.git("write-tree", "--missing-ok", index=index)

    def change(self, tree: str, prefix: str, inner: str) -> str:
        """Returns the id of a tree that holds another one at a prefix, in the place of what was there."""
        if not prefix:
            return inner
        files = {path: entry for path, entry in self.read(tree).items() if not path.startswith(prefix)}
        return self.write(files | {f"{prefix}{path}": entry for path, entry in self.read(inner).items()})

    def blob(self, blob: str) -> bytes:
        """Returns a blob's content."""
        return git.run("cat-file", "blob", blob, cwd=self.folder, more=self._environment).stdout

    def blobs(self, names: Collection[str]) -> dict[str, bytes]:
        """Returns the contents of several blobs by their ids."""
        wanted = sorted(names)
        done = git.run(
            *("cat-file", "--batch"),
            cwd=self.folder,
            content="".join(f"{name}\n" for name in wanted),
            more=self._environment,
        )
        found: dict[str, bytes] = {}
        rest = done.stdout
        for name in wanted:
            head, _, rest = rest.partition(b"\n")
            size = int(head.split()[2])
            found[name], rest = rest[:size], rest[size + 1 :]
        return found

    def write_blobs(self, contents: Iterable[bytes]) -> list[str]:
        """Stores contents and returns the ids of their blobs."""
        with TemporaryDirectory(dir=self.folder) as folder:
            paths: list[Path] = []
            for content in contents:
                paths.append(Path(folder) / str(len(paths)))
                paths[-1].write_bytes(content)
            names = "".join(f"{path}\n" for path in paths)
            return self.git("hash-object", "-w", "--no-filters", "--stdin-paths", content=names).split()

    def with_windows_ends(self, files: Tree) -> set[str]:
        """Returns the text files of a tree in which a line has the end that it has on Windows."""
        tree = self.write(files)
        words = ("grep", "--no-color", "--name-only", "-I", "-G", "-z", "-e", "\r$", tree)
        found = git.run(*words, cwd=self.folder, more=self._environment).stdout
        names = found.decode(errors="surrogateescape").split("\0")
        return {name.removeprefix(f"{tree}:") for name in names if name}

    def renames(self, one: str, other: str) -> dict[str, str]:
        """Returns the files of the other tree that have moved there, each with its path in the first."""
        words = iter(
            self.git("diff", "-M", "-l10000", "-z", "--name-status", "--diff-filter=R", one, other).split("\0")
        )
        return {target: source for _, source, target in zip(words, words, words, strict=False)}

    def merge(self, base: str, ours: str, theirs: str, labels: tuple[str, str]) -> Merged:
        """Merges two trees that come from a third, with git's merge and its detection of renames.

        Args:
            base: the tree that both come from.
            ours: one of them.
            theirs: the other.
            labels: what conflict markers call the two.
        """
        common = self.git("commit-tree", base, "-m", "base")
        for label, tree in zip(labels, (ours, theirs), strict=True):
            commit = self.git("commit-tree", tree, "-p", common, "-m", label)
            self.git("update-ref", f"refs/heads/{label}", commit)
        options = (
            "merge.renames=true",
            # Files that the author adds stay where they are, also when all others of their folder move.
            "merge.directoryRenames=false",
            "merge.renameLimit=10000",
            "merge.renormalize=false",
            "merge.conflictStyle=merge",
        )
        done = git.run(
            *(word for option in options for word in ("-c", option)),
            *("merge-tree", "--write-tree", "-z", "--no-messages", *labels),
            cwd=self.folder,
            more=self._environment,
        )
        if done.returncode not in (0, 1):
            git.must("merge-tree", "--write-tree", *labels, cwd=self.folder, more=self._environment)
        tree, *lines = done.stdout.decode(errors="surrogateescape").split("\0")
        stages: dict[str, dict[int, Entry]] = {}
        for line in filter(None, lines):
            head, path = line.split("\t", 1)
            mode, blob, stage = head.split(" ")
            stages.setdefault(path, {})[int(stage)] = (mode, blob)
        return Merged(tree, stages)

    def diff(self, one: str, other: str, *options: str) -> str:
        """Returns what `git diff` prints for two trees."""
        return self.git("diff", "--no-color", "--no-ext-diff", *options, one, other)
