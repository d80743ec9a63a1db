"""Whether the proxy of the installed LiteLLM is installed, too. Template's file: do not edit.

Up to 1.109 it is a part of LiteLLM that needs the distributions of the extra `proxy`; since then it is one of them,
`litellm-proxy`, which not every index has.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement

PROXY = "litellm-proxy"


def missing() -> list[str]:
    """Returns what the proxy of this LiteLLM needs and is not installed: itself, or its first few; nothing where it can run."""
    try:
        requires = distribution("litellm").requires or []
    except PackageNotFoundError:  # a checkout of LiteLLM, which has it
        return []
    wanted = [Requirement(line) for line in requires]
    of_proxy = [one for one in wanted if one.marker and _only_with(one, "proxy")]
    found = sorted(one.name for one in of_proxy if not _is_installed(one.name))
    return [PROXY] if PROXY in found else found[:3]


def in_words() -> str:
    """Returns which LiteLLM there is, and whether its proxy is."""
    try:
        litellm = f"litellm {version('litellm')}"
    except PackageNotFoundError:
        return "litellm: a checkout"
    if lacking := missing():
        return f"{litellm} without its proxy ({', '.join(lacking)} not installed)"
    return f"{litellm}, {PROXY} {version(PROXY)}" if _is_installed(PROXY) else f"{litellm} with its proxy"


def _only_with(wanted: Requirement, extra: str) -> bool:
    marker = wanted.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
