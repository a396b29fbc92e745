"""The digest of a function's code, and the version that follows it."""

from __future__ import annotations

import hashlib
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def code_digest(func: Any) -> str:
    """A digest of the code of `func`: 32 hex digits."""
    from beautyspot.identity import python_function

    function = python_function(func)
    parts = [] if function is None else list(_parts(function.__code__))
    return hashlib.sha256(repr((sys.version_info[:2], parts)).encode()).hexdigest()[:32]


def _parts(code: CodeType) -> Iterator[object]:
    yield (code.co_code, code.co_names, code.co_varnames, code.co_freevars)
    for const in code.co_consts:
        yield list(_parts(const)) if isinstance(const, CodeType) else repr(const)
