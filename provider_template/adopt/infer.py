"""The answers that a package gives to the template's questions, each with the place it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from provider_template.adopt.auth import infer_auth
from provider_template.adopt.code import Code, Text, dotted
from provider_template.adopt.layout import PROJECT_FILE, Layout
from provider_template.adopt.sources import Found, Sources, line_of, looks_secret
from provider_template.adopt.upstream import Requirement, api_format, program, sdk_kind, sdk_package

Answers = dict[str, Found]

_LICENCES = (
    ("MIT", r"\AMIT\b|MIT License|Permission is hereby granted, free of charge"),
    ("Apache-2.0", r"Apache[- ](License|Software|2)"),
    ("BSD-3-Clause", r"BSD-3-Clause|BSD 3|Neither the name of"),
    ("Proprietary", r"Proprietary|All rights reserved"),
)
LICENCE_FILES = re.compile(r"(LICEN[CS]E|COPYING)(\.(txt|md|rst))?", re.IGNORECASE)
_ENDPOINT = re.compile(r"/(chat/completions|chat|completions|messages|generate\w*|responses|invoke|predict)/?\Z")
_BASE_NAME = re.compile(r"base|endpoint|host|url|server", re.IGNORECASE)
_NOT_BASE_NAME = re.compile(r"token|auth|scope|audience|aud\b|iss\b|doc|home|issue|redirect|login", re.IGNORECASE)
# Questions that only a provider with an HTTP API is asked.
_OF_HTTP = ("api_base", "api_key_in", "api_key_query")
_REQUIREMENTS = "requirements.txt"
_URL = re.compile(r"https?://[^\s\"'<>{}]+\Z")


def infer(sources: Sources, project: Mapping[str, Any], text: str, layout: Layout | None, code: Code) -> Answers:
    """Returns the answers that the files give.

    Args:
        sources: The package's files.
        project: What pyproject.toml says.
        text: Its text.
        layout: Where the modules are.
        code: What was found in them.
    """
    configs = list(_proxy_configs(sources))
    found: Answers = dict(_identity(sources, project["project"], text))
    if layout:
        found["module_name"] = Found(layout.module, layout.source)
    provider = _provider(configs, code, found.get("package_name"))
    if provider:
        found["provider"] = provider
        found["provider_name"] = _provider_name(provider, found.get("description"), found.get("author_name"))
        _put(found, "models", _models(configs, code, str(provider.value)))
        _put(found, "api_base", _api_base(configs, code, str(provider.value)))
    _put(found, "api_format", api_format(code))
    found |= infer_auth(code)
    found |= _sdk(sources, project["project"], text, code, found)
    found |= _workflow(sources, project)
    found |= {name: replace(one, of="http") for name, one in found.items() if name in _OF_HTTP}
    return {name: one for name, one in found.items() if not _is_secret(one)}


def _sdk(
    sources: Sources, project: Mapping[str, Any], text: str, code: Code, before: Answers
) -> Iterator[tuple[str, Found]]:
    """Yields what is asked of a provider without an HTTP API."""
    kind = sdk_kind(code)
    if kind is None:
        return
    answers = {
        "sdk_kind": kind,
        "program": program(code),
        "sdk_package": sdk_package(code, _requirements(sources, project, text)),
        "auth": None if "auth" in before else _login(code),
    }
    yield from ((name, replace(one, of="sdk")) for name, one in answers.items() if one is not None)


def _login(code: Code) -> Found | None:
    """Returns whether what is called is given the caller's key, or has a login of its own, as programs mostly have."""
    for call in code.calls:
        for keyword in call.node.keywords:
            if dotted(keyword.value).rpartition(".")[2] == "api_key":
                return Found("api_key", f"{call.where} passes it as {keyword.arg}")
    # A method of the class may have it from another one.
    if any(dotted(one).rpartition(".")[2] == "api_key" for call in code.calls for one in call.node.args):
        return None
    return Found("none", "no credential is in what calls it")


def _requirements(sources: Sources, project: Mapping[str, Any], text: str) -> Iterator[Requirement]:
    """Yields what the package needs, before what it needs for some purposes."""
    extras = project.get("optional-dependencies")
    groups = [project.get("dependencies"), *(extras.values() if isinstance(extras, dict) else ())]
    for one in (one for group in groups if isinstance(group, list) for one in group):
        pattern = f"[\"']{re.escape(str(one))}"
        yield Requirement(str(one), f"{PROJECT_FILE}:{line_of(text, pattern)}")
    for number, line in enumerate((sources.text(_REQUIREMENTS) or "").splitlines(), 1):
        if written := line.partition("#")[0].strip():
            yield Requirement(written, f"{_REQUIREMENTS}:{number}")


def _put(found: Answers, name: str, answer: Found | None) -> None:
    if answer is not None:
        found[name] = answer


def _is_secret(found: Found) -> bool:
    return any(map(looks_secret, [found.value] if isinstance(found.value, str) else found.value))


# ---- pyproject.toml ----


def _identity(sources: Sources, project: Mapping[str, Any], text: str) -> Iterator[tuple[str, Found]]:
    def here(pattern: str) -> str:
        return f"{PROJECT_FILE}:{line_of(text, pattern)}"

    yield "package_name", Found(str(project["name"]).lower(), here(r"^name\s*="))
    if isinstance(description := project.get("description"), str) and description.strip():
        yield "description", Found(" ".join(description.split()), here(r"^description\s*="))
    authors = [one for one in project.get("authors") or () if isinstance(one, dict)]
    for name in ("name", "email"):
        if authors and authors[0].get(name):
            yield f"author_{name}", Found(str(authors[0][name]), here(r"^authors\s*=|^\[\[project\.authors"))
    yield "license", _licence(sources, project, text)
    if found := re.search(r">=?\s*(3\.\d+)|[=~]=\s*(3\.\d+)", str(project.get("requires-python", ""))):
        yield "python_min", Found(found[1] or found[2], here(r"^requires-python\s*="))
    for line in project.get("dependencies") or ():
        if found := re.match(r"litellm\s*(?:\[[^]]*\])?[^;]*?(?:>=|==|~=|>)\s*(\d+(?:\.\d+)*)", str(line)):
            numbers = [*found[1].split("."), "0", "0"][:3]
            yield "litellm_min", Found(".".join(numbers), here(r"[\"']litellm\s*[\[<>=!~;\"']"))


def licence_named(project: Mapping[str, Any]) -> str:
    """Returns the licence that pyproject.toml names, or nothing."""
    licence = project.get("license")
    words = licence.get("text", "") if isinstance(licence, dict) else licence or ""
    classifiers = [str(one) for one in project.get("classifiers") or () if str(one).startswith("License ::")]
    return str(words) or (classifiers[0].rpartition(":: ")[2] if classifiers else "")


def _licence(sources: Sources, project: Mapping[str, Any], text: str) -> Found:
    """A licence that the template has, or that of nobody: never one that the author has not chosen."""
    named = licence_named(project)
    line = line_of(text, r"^license\s*=|License ::")
    places = [(named, f"{PROJECT_FILE}:{line}")] if named else []
    places += [(sources.text(path) or "", path) for path in sources.files if LICENCE_FILES.fullmatch(path)]
    for words, source in places:
        for licence, pattern in _LICENCES:
            if re.search(pattern, words[:2000], re.IGNORECASE):
                return Found(licence, source)
    return Found("Proprietary", places[0][1] if places else "no licence file")


# ---- the proxy's YAML ----


def _proxy_configs(sources: Sources) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields path, text and content of each configuration of a LiteLLM proxy."""
    for path in sources.named(".yaml", ".yml"):
        text = sources.text(path) or ""
        if "model_list" in text or "custom_provider_map" in text:
            content = sources.yaml(path)
            if isinstance(content, dict):
                yield path, text, content


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _entries(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    parameters = (one.get("litellm_params") for one in _dicts(content.get("model_list")))
    return [one for one in parameters if isinstance(one, dict)]


def _provider(configs: list[tuple[str, str, dict[str, Any]]], code: Code, package: Found | None) -> Found | None:
    for path, text, content in configs:
        settings = content.get("litellm_settings")
        for one in _dicts(settings.get("custom_provider_map") if isinstance(settings, dict) else None):
            if isinstance(one.get("provider"), str):
                pattern = rf"provider[\"']?:\s*[\"']?{re.escape(one['provider'])}"
                return Found(one["provider"], f"{path}:{line_of(text, pattern)}")
    if code.providers:
        return Found(code.providers[0].value, code.providers[0].where)
    slug = re.sub(r"^litellm[-_.]|[-_.](litellm|provider)\Z", "", str(package.value)) if package else ""
    slug = re.sub(r"[-_.]+", "-", re.sub(r"[-_.](litellm|provider)\Z", "", slug))
    for path, text, content in configs:
        prefixes = [str(one.get("model", "")).partition("/") for one in _entries(content)]
        for prefix, slash, _ in prefixes:
            if slash and _same_word(prefix, slug):
                return Found(prefix, f"{path}:{line_of(text, re.escape(prefix) + '/')}")
    return Found(slug, f"the package's name, {package.source}") if slug and package else None


def _same_word(one: str, other: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", one.lower()), re.sub(r"[^a-z0-9]", "", other.lower())
    return bool(plain[0] and plain[1]) and (plain[0] in plain[1] or plain[1] in plain[0])


def _provider_name(provider: Found, description: Found | None, author: Found | None) -> Found:
    if description:
        found = re.search(
            r"\b(?:provider|plugin|adapter|handler|integration) for (?:the )?(.+)", str(description.value)
        )
        if found:
            name = re.split(r"[,.;:(]| API\b| with\b| [-–—]", found[1])[0].strip()
            if name and len(name) <= 40 and not name.lower().startswith("litellm"):
                return Found(name, description.source)
    letters = re.sub(r"[^a-z0-9]", "", str(provider.value))
    for one in filter(None, (description, author)):
        for word in re.findall(r"\w+", str(one.value)):
            if word.lower() == letters and word != letters:
                return Found(word, one.source)
    words = re.split(r"[-_]+", str(provider.value))
    shown = [word.upper() if word in ("ai", "llm", "gpt", "ml") else word.capitalize() for word in words]
    return Found(" ".join(shown), provider.source)


def _models(configs: list[tuple[str, str, dict[str, Any]]], code: Code, provider: str) -> Found | None:
    ids: dict[str, str] = {}
    for path, text, content in configs:
        for one in _entries(content):
            model = str(one.get("model", ""))
            if model.startswith(f"{provider}/") and not model.endswith("*"):
                ids.setdefault(model.removeprefix(f"{provider}/"), f"{path}:{line_of(text, re.escape(model))}")
    for listed in code.models:
        model = listed.value.removeprefix(f"{provider}/")
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@+=~-]*", model) and re.search(r"[-.:/0-9]", model):
            ids.setdefault(model, listed.where)
    kept = {model: source for model, source in ids.items() if not looks_secret(model)}
    return Found("\n".join(kept), ", ".join(dict.fromkeys(kept.values()))) if kept else None


# ---- the API ----


def _api_base(configs: list[tuple[str, str, dict[str, Any]]], code: Code, provider: str) -> Found | None:
    candidates: list[tuple[int, str, str]] = []
    for path, text, content in configs:
        entries = (one for one in _entries(content) if str(one.get("model", "")).startswith(f"{provider}/"))
        bases = (base for one in entries if isinstance(base := one.get("api_base"), str))
        candidates += [(3, base, f"{path}:{line_of(text, re.escape(base))}") for base in bases]
    candidates += [(_as_base(text), text.value, text.where) for text in code.texts]
    usable = [one for one in candidates if one[0] and _URL.match(one[1]) and "?" not in one[1]]
    best = max((score for score, _, _ in usable), default=0)
    found: dict[str, str] = {}
    for score, url, where in usable:
        if score == best:
            found.setdefault(url.rstrip("/"), where)
    if not found:
        return None
    url, where = next(iter(found.items()))
    base = _ENDPOINT.sub("", url).rstrip("/")
    path, path_where = _path_before_endpoint(code)
    if base == url and path and not base.endswith(path):
        base, where = f"{base}{path}", f"{where}, {path_where}"
    return Found(base, f"{where}; the first of {len(found)} URLs" if len(found) > 1 else where)


def _path_before_endpoint(code: Code) -> tuple[str, str]:
    """Returns what stands before `/chat/completions` and the like where the code has the path apart, and where it does."""
    for text in code.texts:
        if found := re.fullmatch(r"(/[\w./-]+?)/(chat/completions|messages|responses)", text.value):
            return found[1], text.where
    return "", ""


def _as_base(text: Text) -> int:
    """Returns how likely a text is the base URL: 0 for not at all."""
    if (
        not _URL.match(text.value)
        or _NOT_BASE_NAME.search(text.name)
        or re.search(r"/(oauth|token)|//docs[.]|//github[.]com/", text.value)
    ):
        return 0
    # A name that goes on behind it may be part of the host.
    if not text.whole and not text.value.endswith("/"):
        return 0
    if re.search(r"api_?base|base_?url", text.name, re.IGNORECASE):
        return 4
    return 2 if _BASE_NAME.search(text.name) else 1


# ---- around the code ----


def _workflow(sources: Sources, project: Mapping[str, Any]) -> Iterator[tuple[str, Found]]:
    workflows = [path for path in sources.named(".yml", ".yaml") if path.startswith(".github/workflows/")]
    scripts = [*workflows, *(path for path in (".gitlab-ci.yml",) if path in sources.files)]
    if workflows or any(path.startswith(".github/") for path in sources.files):
        yield "ci", Found("github", workflows[0] if workflows else ".github")
    elif scripts:
        yield "ci", Found("gitlab", scripts[0])
    private = [one for one in project["project"].get("classifiers") or () if str(one).startswith("Private ::")]
    if private:
        yield "publish", Found("none", f"{PROJECT_FILE}: {private[0]}")
    elif scripts:
        yield "publish", _publish(sources, scripts)
    parts: dict[str, str] = {}
    if project["project"].get("scripts"):
        parts["cli"] = f"{PROJECT_FILE} [project.scripts]"
    for name, paths in (("docs", ("mkdocs.yml", "docs")), ("docker", ("Dockerfile",))):
        for path in paths:
            if path in sources.files or path in sources.folders:
                parts.setdefault(name, path)
    yield "include", Found([*parts], ", ".join(parts.values()) or "no command, docs or Dockerfile")


def _publish(sources: Sources, scripts: list[str]) -> Found:
    found: dict[str, str] = {}
    for path in scripts:
        text = sources.text(path) or ""
        publishing = re.search(r"gh-action-pypi-publish|\b(uv|hatch|flit|poetry|pdm) publish\b|\btwine upload\b", text)
        if publishing:
            private = re.search(
                r"repository[-_]url|publish-url|UV_PUBLISH_URL|TWINE_REPOSITORY|--repository|--index", text
            )
            line = text.count("\n", 0, publishing.start()) + 1
            found.setdefault("private" if private else "pypi", f"{path}:{line}")
    # What goes to another index, too, is tried there.
    for answer in ("pypi", "private"):
        if answer in found:
            return Found(answer, found[answer])
    return Found("none", f"{scripts[0]} does not publish")
