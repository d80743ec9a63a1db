"""A LiteLLM provider: `register()` for the SDK, `provider` for the proxy's YAML.

Template's file: do not edit. Nothing of LiteLLM is imported before one of the two is used, so that the
command line starts fast.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import Provider
    from .provider import provider as provider
    from .registration import register as register

__all__ = ["__version__", "provider", "register"]


class _Package(ModuleType):
    """This package, with its public names loaded on first use.

    `provider` names both the instance and the submodule that defines it. The import system binds a
    submodule on its package; this class keeps the name for the instance, which is what the YAML means.
    """

    @property
    def provider(self) -> Provider:
        from .provider import chosen_provider

        return chosen_provider()

    @provider.setter
    def provider(self, _submodule: ModuleType) -> None:
        return

    def __getattr__(self, name: str) -> object:
        if name == "register":
            from .registration import register

            return register
        if name == "__version__":
            return _version()
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _version() -> str:
    if __name__.startswith("litellm."):  # in LiteLLM's own tree it has no version of its own
        from litellm._version import version as litellms

        return litellms
    from importlib.metadata import version

    from ._answers import PACKAGE_NAME

    return version(PACKAGE_NAME)


sys.modules[__name__].__class__ = _Package
