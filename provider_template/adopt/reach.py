"""Which modules of a package have to do with its provider: what the classes that LiteLLM calls import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from provider_template.adopt.code import Code, read_code
from provider_template.adopt.imports import module_of, names_of
from provider_template.adopt.layout import Layout, code_anywhere
from provider_template.adopt.sources import Sources


def provider_code(sources: Sources, layout: Layout | None) -> Code:
    """Returns what the provider's modules say; a server or a logger beside it says nothing of the API.

    Args:
        sources: The package's files.
        layout: Where its modules are; None if they are where the template has no place for them, as in a namespace.
    """
    paths = layout.code if layout else code_anywhere(sources)
    own = layout.module if layout else ""
    everything = read_code(sources, paths, own)
    start = {one.where.rpartition(":")[0] for one in everything.handlers}
    if not start:
        return everything
    there = {name: path for path in paths for name in names_of(path, sources.files)}
    reached: set[str] = set()
    while start:
        reached |= start
        start = {other for path in start for other in _imported(sources, path, there)} - reached
    found = read_code(sources, [path for path in paths if path in reached], own)
    # Registrations and lists of models may be anywhere.
    return replace(found, providers=everything.providers, models=everything.models)


def _imported(sources: Sources, path: str, there: dict[str, str]) -> Iterator[str]:
    tree = sources.python(path)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (there[alias.name] for alias in node.names if alias.name in there)
        elif isinstance(node, ast.ImportFrom):
            module = module_of(path, node)
            for alias in node.names:
                if found := there.get(f"{module}.{alias.name}") or there.get(module):
                    yield found
