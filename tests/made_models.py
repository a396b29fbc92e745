"""Models of pydantic and attrs that factories make, as for structured output; see `made`."""

import typing
from typing import Any

import attrs
import pydantic

from tests.made import DOCS, VALUES, T


class Model(pydantic.BaseModel):
    x: int


class Box(pydantic.BaseModel, typing.Generic[T]):
    content: T


def other_model() -> Any:
    class Model(pydantic.BaseModel):
        x: str

    return Model


def created(doc: Any, kind: Any, default: Any, base: Any) -> Any:
    return pydantic.create_model(
        "Made", __doc__=doc, __base__=base, y=(kind, ...), x=(int, default)
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


def checked() -> Any:
    class Made(pydantic.BaseModel):
        x: int

        @pydantic.field_validator("x")
        @classmethod
        def positive(cls, value):
            return value

    return Made


def around_checked() -> Any:
    return pydantic.create_model("Made", x=(list[checked()], []))


def after() -> Any:
    check = pydantic.AfterValidator(lambda value: value)
    return pydantic.create_model("Made", x=(typing.Annotated[int, check], 1))


def with_factory(factory: Any) -> Any:
    return pydantic.create_model("Made", x=(list, pydantic.Field(default_factory=factory)))


@attrs.define
class Attrs:
    x: int = 1


_MODELS = (Model, other_model())

MODELS: dict[str, tuple[Any, dict[str, tuple[Any, Any]]]] = {
    "create_model": (
        created,
        {
            "doc": DOCS,
            "kind": _MODELS,
            "default": VALUES,
            "base": _MODELS,
        },
    ),
    "validate_call": (validated, {"captured": VALUES, "strict": (True, False)}),
    "factory": (
        with_factory,
        {
            "factory": (
                lambda: [1],
                lambda: [2],
            )
        },
    ),
    "recursive model": (node, {"default": VALUES}),
    "configured model": (configured, {"strict": (True, False)}),
    "generic model": (lambda x: Box[x], {"x": _MODELS}),
    "list of models": (lambda x: list[x], {"x": _MODELS}),
}
