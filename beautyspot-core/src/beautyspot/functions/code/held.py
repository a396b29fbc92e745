"""What counts of a class: its source and what it holds beside it, or else all its parts."""

from __future__ import annotations

import enum
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.annotations import EVALUATORS
from beautyspot.functions.code.contents import constant
from beautyspot.functions.code.digest import source_digest
from beautyspot.functions.definitions import parts_of
from beautyspot.functions.names import chain, is_no_file, leads_back, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_NAMED_TUPLES: Final = frozenset({"_fields", "_field_defaults"})


def held_by(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """The digest of its source and what it holds beside; all its parts where no source gives it.

    A class that a function, `type` or `create_model` made has no source of its own.
    """
    source = source_digest(cls) if leads_back(cls) is True else None
    if source is None:
        yield from parts_of(cls).items()
        return
    yield "", source
    for key, value in vars(cls).items():
        if not _is_made_by_python(cls, key, value):
            yield key, value


def _is_made_by_python(cls: type[Any], name: str, value: object) -> bool:
    """Whether Python made a member of a class (an enum, a dataclass), so that no source has it.

    True for the function that evaluates annotations, and for private constants: those that the
    code uses are found by its references.
    """
    if name in EVALUATORS:
        return True
    for step in chain(value):
        if isinstance(step, FunctionType) and is_no_file(step.__code__.co_filename):
            return "__file__" in namespace_of(cls)
    dunder = name.startswith("__") and name.endswith("__") and not callable(value)
    private = name.startswith("_") and (constant(value) is not None or name in _OF_NAMED_TUPLES)
    return type(value) is cls or dunder or private or _is_sunder(cls, name)


def _is_sunder(cls: type[Any], name: str) -> bool:
    return issubclass(cls, enum.Enum) and name.startswith("_") and name.endswith("_")
