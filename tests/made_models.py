"""Models of pydantic and attrs that factories make, as for structured output; see `made`."""

import typing
from typing import Any

import attrs
import pydantic

from tests.made import DOCS, FACTORIES, LOCALS, VALUES, T


class Model(pydantic.BaseModel):
    x: int


class Box(pydantic.BaseModel, typing.Generic[T]):
    content: T


def other_model() -> Any:
    class Model(pydantic.BaseModel):
        x: str

    return Model


def written(
    doc: Any, description: Any, default: Any, factory: Any, kind: Any, check: Any, fields: Any,
    private: Any, config: Any, method_default: Any,
) -> Any:  # fmt: skip
    class Made(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra=config)

        x: Any = pydantic.Field(default, description=description)
        y: list[Any] = pydantic.Field(default_factory=factory)
        z: kind
        _hidden: int = pydantic.PrivateAttr(private)

        @pydantic.field_validator(*fields)
        @classmethod
        def checked(cls, value):
            return check(value)

        @pydantic.model_validator(mode="after")
        def whole(self, x=method_default):
            return self

        def itself(self):
            return Made

    Made.__doc__ = doc
    return Made


def created(doc: Any, kind: Any, default: Any, validator: Any, base: Any) -> Any:
    return pydantic.create_model(
        "Made", __doc__=doc, __base__=base, y=(kind, ...), x=(int, default),
        __validators__={"checked": pydantic.field_validator("x")(validator)},
    )  # fmt: skip


def node(default: Any) -> Any:
    class Node(pydantic.BaseModel):
        value: int = default
        children: "list[Node]" = []

    return Node


def configured(strict: Any) -> Any:
    return pydantic.create_model("Made", __config__={"strict": strict}, x=(int, 1))


def validated(captured: Any, strict: Any) -> Any:
    @pydantic.validate_call(config={"strict": strict})
    def call(x: int):
        return x + captured

    return call


def defined(default: Any, factory: Any, check: Any, convert: Any, method: Any) -> Any:
    @attrs.define
    class Made:
        x: Any = attrs.field(default=default, converter=convert)
        y: Any = attrs.field(factory=factory)

        @x.validator
        def checked(self, attribute, value):
            return check

        def total(self, n=method):
            return n

    return Made


_MODELS = (Model, other_model())
_CHECKS = (lambda cls, x: x, lambda cls, x: x + 1)

MODELS: dict[str, tuple[Any, dict[str, tuple[Any, Any]]]] = {
    "model": (
        written,
        {
            "doc": DOCS,
            "description": DOCS,
            "default": VALUES,
            "factory": FACTORIES,
            "kind": _MODELS,
            "check": LOCALS,
            "fields": (("x",), ("x", "z")),
            "private": VALUES,
            "config": ("forbid", "allow"),
            "method_default": VALUES,
        },
    ),
    "create_model": (
        created,
        {
            "doc": DOCS,
            "kind": _MODELS,
            "default": VALUES,
            "validator": _CHECKS,
            "base": _MODELS,
        },
    ),
    "validate_call": (validated, {"captured": VALUES, "strict": (True, False)}),
    "attrs": (
        defined,
        {
            "default": VALUES,
            "factory": FACTORIES,
            "check": LOCALS,
            "convert": LOCALS,
            "method": VALUES,
        },
    ),
    "recursive model": (node, {"default": VALUES}),
    "configured model": (configured, {"strict": (True, False)}),
    "generic model": (lambda x: Box[x], {"x": _MODELS}),
    "list of models": (lambda x: list[x], {"x": _MODELS}),
}
