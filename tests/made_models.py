"""Models of pydantic and attrs that factories make, as for structured output; see `made`."""

import typing
from typing import Any

import attrs
import pydantic

from tests.made import VALUES, T


class Model(pydantic.BaseModel):
    x: int


class Box(pydantic.BaseModel, typing.Generic[T]):
    content: T


class Other(pydantic.BaseModel):
    x: str


def validated(captured: Any, strict: Any) -> Any:
    @pydantic.validate_call(config={"strict": strict})
    def call(x: int):
        return x + captured

    return call


@attrs.define
class Attrs:
    x: int = 1


_MODELS = (Model, Other)

MODELS: dict[str, tuple[Any, dict[str, tuple[Any, Any]]]] = {
    "validate_call": (validated, {"captured": VALUES, "strict": (True, False)}),
    "generic model": (lambda x: Box[x], {"x": _MODELS}),
    "list of models": (lambda x: list[x], {"x": _MODELS}),
}
