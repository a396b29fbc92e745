"""The form of pydantic models: all that their own comparison compares, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.state import attributes, is_cached_property
from beautyspot.keys.canonical.text import tag

if TYPE_CHECKING:
    from pydantic import BaseModel

    from beautyspot.keys.canonical.walk import Form, Walk


def _model(walk: Walk, value: BaseModel) -> str:
    kind = type(value)
    members: dict[str, Any] = {
        **{name: item for name, item in vars(value).items() if not is_cached_property(kind, name)},
        **(getattr(value, "__pydantic_extra__", None) or {}),
        **(getattr(value, "__pydantic_private__", None) or {}),
    }
    return tag("model", f"[{walk.named(kind)},{attributes(walk, value, members)}]")


FAMILIES: Final[dict[str, Form]] = {"pydantic:BaseModel": _model}
