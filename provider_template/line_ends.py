"""Line ends: a repository that has turned to those of Windows is merged as the template is, and keeps its own."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from provider_template.trees import Entry, Merged, Store, Tree

_WINDOWS = b"\r\n"


@dataclass(frozen=True)
class LineEnds:
    """The line ends of a package's files, taken out of a merge and put in again after it."""

    store: Store
    ours: Tree
    """The package's files as they are."""
    plain: Tree
    """The same with the line ends that the merge is made with."""
    mostly: bool
    """Whether most of the files that the template rendered have those of Windows."""

    def put_back(self, merged: Merged) -> Merged:
        """Returns a merge with the package's line ends: each line has the one that it had.

        A line of the template's has the one of most lines of its file, and a new file that of most files.
        """
        if self.ours == self.plain and not self.mostly:
            return merged
        files = self.store.read(merged.tree)
        sources = self._sources(files, merged)
        wanted = [(path, entry) for path, entry in files.items() if path in sources]
        for path, entries in merged.stages.items():
            wanted += [(path, entry) for entry in entries.values() if path in sources]
        back = self._written({(blob, sources[path]) for path, (_, blob) in wanted})

        def ended(path: str, entry: Entry) -> Entry:
            mode, blob = entry
            return (mode, back[blob, sources[path]]) if path in sources else entry

        stages = {
            path: {stage: ended(path, entry) for stage, entry in entries.items()}
            for path, entries in merged.stages.items()
        }
        return Merged(self.store.write({path: ended(path, entry) for path, entry in files.items()}), stages)

    def _written(self, wanted: set[tuple[str, str | None]]) -> dict[tuple[str, str | None], str]:
        """Returns blobs with line ends put back, by what the merge has and by ours that it comes from."""
        plain = {(self.plain[path][1], entry[1]): entry[1] for path, entry in self.ours.items()}
        rest = [pair for pair in wanted if pair not in plain]
        texts = self.store.blobs({blob for pair in rest for blob in pair if blob})
        ended = [_with_ends(texts[blob], texts[ours] if ours else None) for blob, ours in rest]
        return plain | dict(zip(rest, self.store.write_blobs(ended), strict=True))

    def _sources(self, files: Tree, merged: Merged) -> dict[str, str | None]:
        """Returns the files that get their line ends back, each with ours that it comes from, or None if it is new."""
        turned = {path for path, entry in self.ours.items() if self.plain[path] != entry}
        found: dict[str, str | None] = {
            path: self.ours[path][1] for path in turned if path in files or path in merged.stages
        }
        moved = self.store.renames(self.store.write(self.plain), merged.tree)
        for path in files.keys() - self.ours.keys():
            if path in moved:
                if moved[path] in turned:
                    found[path] = self.ours[moved[path]][1]
            elif self.mostly and files[path][0] in _FILES:
                found[path] = None
        return found


_FILES = ("100644", "100755")


def take_out(store: Store, base: Tree, ours: Tree, theirs: Tree) -> LineEnds:
    """Takes line ends that differ out of three trees that are to be merged, base and theirs in place.

    A file whose line ends only the template has changed is left alone: that change is merged like any other.
    """
    before, now = store.with_windows_ends(base), store.with_windows_ends(ours)
    turned = {path for path in now | (before & ours.keys()) if path in base and base[path] != ours[path]}
    if base.keys() - ours.keys():
        # One of the author's may be a file of the template under another name.
        turned |= now - base.keys()
    plain = dict(ours)
    for tree in (base, plain, theirs):
        _plain(store, tree, turned)
    rendered = [path for path in ours if path in base and ours[path][0] in _FILES]
    mostly = len(now.intersection(rendered) - before) * 2 > len(rendered)
    return LineEnds(store, ours, plain, mostly)


def _plain(store: Store, tree: Tree, paths: set[str]) -> None:
    """Gives files of a tree the line ends of Unix."""
    there = sorted(path for path in paths & tree.keys() if tree[path][0] in _FILES)
    texts = store.blobs({tree[path][1] for path in there})
    there = [path for path in there if _WINDOWS in texts[tree[path][1]]]
    blobs = store.write_blobs(texts[tree[path][1]].replace(_WINDOWS, b"\n") for path in there)
    tree |= {path: (tree[path][0], blob) for path, blob in zip(there, blobs, strict=True)}


def _with_ends(text: bytes, ours: bytes | None) -> bytes:
    """Returns a text with the line ends of ours; None stands for those of Windows."""
    if b"\0" in text:
        return text
    lines = text.split(b"\n")
    if ours is None:
        return b"\r\n".join(line.removesuffix(b"\r") for line in lines)
    their = ours.split(b"\n")
    known = [line.removesuffix(b"\r") for line in their]
    usual = b"\r" if ours.count(_WINDOWS) * 2 > len(their) - 1 else b""
    ended = [line.removesuffix(b"\r") + usual for line in lines[:-1]] + lines[-1:]
    matcher = SequenceMatcher(None, known, [line.removesuffix(b"\r") for line in lines], autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            # The last line has no end; with the one before it, it may have got one.
            if block.b + offset < len(lines) - 1 and block.a + offset < len(their) - 1:
                ended[block.b + offset] = their[block.a + offset]
    return b"\n".join(ended)
