"""The package's own proxy/routing.yaml. Template's file: do not edit."""

from __future__ import annotations

from ...package import PROXY_CONFIG, part


class _Variables(dict[str, str]):
    """An environment in which every variable is set."""

    def get(self, name: str, default: object = None) -> str:
        return f"http://127.0.0.1:4000/{name}"


def test_the_packages_own_file_can_be_used() -> None:
    file = PROXY_CONFIG.with_name("routing.yaml")
    loaded = part("routing.config").parse_config(file.read_text(encoding="utf-8"), str(file), _Variables())
    assert loaded.active
    assert loaded.api_key not in repr(loaded)


def test_on_needs_no_quotes() -> None:
    text = "extensions: {litellm: {base-url: 'http://127.0.0.1:1', fallback: {enabled: true, on: [quota]}}}"
    assert part("routing.config").parse_config(text).fallback.on == {"quota"}
