"""Whether a class statement made a class, or a call: `create_model`, `namedtuple`, `type(...)`.

What a call made may be something else in the next run, or in the next round of a loop, under the
same name of its module. So its name does not say enough.
"""

from __future__ import annotations

import linecache
import re
import sys
from types import FunctionType
from typing import Any, Final

from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.origins import is_installed, is_standard

_known: Final[ByIdentity[bool]] = ByIdentity()


def is_made_by_call(cls: type[Any]) -> bool:
    """Whether nothing shows that a class statement of the user's own code made a class."""
    known = _known.get(cls)
    return _known.put(cls, not _is_from_statement(cls)) if known is None else known


def _is_from_statement(cls: type[Any]) -> bool:
    for value in vars(cls).values():
        kind, function = type(value), value
        # No attribute of another object is read: it might build the class, as pydantic's do.
        if issubclass(kind, classmethod | staticmethod):
            function = value.__func__
        elif issubclass(kind, property):
            function = value.fget
        code = function.__code__ if type(function) is FunctionType else None
        if code is not None and code.co_qualname == f"{cls.__qualname__}.{code.co_name}":
            return True
    module = sys.modules.get(str(cls.__module__))
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):  # a notebook, whose classes count by what they hold anyway
        return True
    if is_standard(file) or is_installed(file):
        return True  # of a library, which its version says
    text = "".join(linecache.getlines(file, vars(module)))
    statement = rf"^[ \t]*class[ \t]+{re.escape(cls.__name__)}\b"
    return not text or bool(re.search(statement, text, re.MULTILINE))
