"""The forms of pydantic's models, errors, URLs and zones, and of what a model's class keeps.

A model counts by its fields, by which of them were given, by what it has besides, and by its
private attributes, each for itself: an extra may have the name of a private attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.state import attributes, held, state
from beautyspot.keys.canonical.text import tag
from beautyspot.keys.canonical.walk import of_parts, of_text

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo, ModelPrivateAttr

    from beautyspot.keys.canonical.walk import Form, Walk

_GIVEN: Final = "__pydantic_fields_set__"
_BESIDE: Final = ("__pydantic_extra__", "__pydantic_private__")


def _model(walk: Walk, value: BaseModel) -> str:
    members = held(walk, value, object)
    given: set[str] = members.pop(_GIVEN, set())
    beside: list[dict[str, Any]] = [members.pop(name, None) or {} for name in _BESIDE]
    parts = [
        walk.named(type(value)),
        *(attributes(walk, value, part) for part in (members, *beside)),
        walk.array(sorted(given.difference(walk.less(value)))),
    ]
    return tag("model", f"[{','.join(parts)}]")


def _field(walk: Walk, value: FieldInfo | ModelPrivateAttr) -> str:
    """What was said of a field; not the notes on how it was said, some of which come with use."""
    own = attributes(walk, value, held(walk, value, object, lambda name: name.startswith("_")))
    return tag("field", f"[{walk.named(type(value))},{own}]")


def _validation_error(walk: Walk, value: ValidationError) -> str:
    told = walk.array([value.title, value.errors(include_url=False)])
    own = state(walk, value, BaseException)
    return tag("invalid", f"[{walk.named(type(value))},{told},{own}]")


def _decorated(decorator: Any) -> tuple[Any, ...]:
    """A validator or serializer; the name that pydantic gives to its class has an address."""
    return (decorator.cls_var_name, decorator.func, decorator.shim, decorator.info)


def _validating(wrapper: Any) -> tuple[Any, ...]:
    """What `pydantic.validate_call` calls in the place of a function."""
    return (wrapper.function, wrapper.validate_return, wrapper.config_wrapper.config_dict)


_URL: Final = of_text("url", str)

FAMILIES: Final[dict[str, Form]] = {
    "pydantic:BaseModel": _model,
    "pydantic.fields:FieldInfo": _field,
    "pydantic.fields:ModelPrivateAttr": _field,
    "pydantic._internal._decorators:Decorator": of_parts("decorated", _decorated),
    "pydantic._internal._validate_call:ValidateCallWrapper": of_parts("validating", _validating),
    "pydantic_core:MultiHostUrl": _URL,
    "pydantic_core:Url": _URL,
    "pydantic_core:PydanticUndefinedType": of_text("special", str),
    "pydantic_core:TzInfo": of_parts("pydantic", lambda zone: (zone.utcoffset(None),)),
    "pydantic_core:ValidationError": _validation_error,
}
