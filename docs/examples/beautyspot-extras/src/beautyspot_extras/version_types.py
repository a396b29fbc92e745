"""The versions of `packaging`, as arguments and as results."""

from __future__ import annotations

from typing import Any

import beautyspot as bs


class VersionTypes(bs.TypeSupport):
    """Versions and sets of specifiers, by their own normal form."""

    name = "packaging"
    classes = ("packaging.version:Version", "packaging.specifiers:SpecifierSet")

    def key(self, value: Any) -> object:
        """See the base class."""
        return str(value)

    def encode(self, value: Any) -> object:
        """See the base class."""
        return [type(value).__name__, str(value)]

    def decode(self, value: Any) -> Any:
        """See the base class."""
        from packaging.specifiers import SpecifierSet  # the program may not have imported them yet
        from packaging.version import Version

        name, text = value
        return {"Version": Version, "SpecifierSet": SpecifierSet}[name](text)
