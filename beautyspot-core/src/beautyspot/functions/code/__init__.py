"""What a function's code comes to: its digest, and the version that follows it and its helpers."""

from __future__ import annotations

from beautyspot.functions.code.auto_version import version_auto
from beautyspot.functions.code.digest import code_digest

__all__ = ["code_digest", "version_auto"]
