"""Models and addresses of pydantic, and classes of attrs, by their fields."""

from __future__ import annotations

import copy
import functools
import itertools
import pickle
import sys
from importlib import import_module

import attrs
import one_change
import pydantic
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.keys.walk import Without
from hypothesis import given, settings
from hypothesis import strategies as st
from one_change import Family
from pydantic_core import SchemaSerializer, SchemaValidator


@attrs.define
class Sized:
    size: int


@attrs.define
class SubSized(Sized):
    def __attrs_post_init__(self):
        pass


class Model(pydantic.BaseModel):
    model_config = {"extra": "allow"}
    a: int
    b: object = None
    _private: object = pydantic.PrivateAttr(None)

    @functools.cached_property
    def cached(self):
        return 1


class OtherModel(pydantic.BaseModel):
    a: int
    b: object = None


class Pair(pydantic.BaseModel):
    first: Model
    again: Model | OtherModel
    last: OtherModel


def model(private=None, **values):
    made = Model(**values)
    made._private = private
    return made


GROUPS = {
    "models": [
        Model(a=1), Model(a=2), Model(a=1, b=2), Model(a=1, z=1), Model(a=1, z=2), OtherModel(a=1),
        model(a=1, private=1), model(a=1, private=2), {"a": 1, "b": None}, Model(a=1, b=None),
        Model(a=1, _private=1), Model(a=1, x=Model(a=1)), Model(a=1, x=Model(a=1, b=None)),
    ],
    "schemas": [
        *map(pydantic.TypeAdapter, [Model, OtherModel, list[Model], int, "Model"]), Model,
        pydantic.TypeAdapter(list[int], config={"strict": True}), pydantic.TypeAdapter(list[int]),
    ],
    "urls": [
        pydantic.HttpUrl("http://a.b/c"), pydantic.HttpUrl("http://a.b/d"), pydantic.AnyUrl("http://a.b/c"),
        pydantic.PostgresDsn("postgres://a:1@b/c"), pydantic.PostgresDsn("postgres://a:2@b/c"),
    ],
    "attrs": [Sized(1), Sized(2), SubSized(1)],
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_not_the_same_has_another_text(name):
    for one, other in itertools.combinations(GROUPS[name], 2):
        assert canonical(one) != canonical(other), (one, other)


@pytest.mark.parametrize("name", GROUPS)
def test_copies_have_one_text(name):
    for value in GROUPS[name]:
        assert canonical(copy.deepcopy(value)) == canonical(value), value
        assert canonical(pickle.loads(pickle.dumps(value))) == canonical(value), value


def test_fields_of_models_may_be_left_out():
    made = Model(a=1, b=iter(()))
    assert canonical(Without(made, ("b",))) == canonical(Without(Model(a=1, b=2), ("b",)))
    with pytest.raises(UnstableKeyError) as error:
        canonical(made)
    assert error.value.path == "value.b"


TREE = """
from __future__ import annotations
from typing import Annotated
import pydantic

class Leaf(pydantic.BaseModel):
    n: int = 1

class Tree(pydantic.BaseModel):
    kids: list[Tree] = []
    first: Leaf | None = None
    last: Leaf | None = None
    best: Annotated[int, pydantic.AfterValidator(lambda n: n + 1)] = 0

def grow(tree: Tree, by: Leaf, *, at: Tree) -> None: ...

GROW = pydantic.TypeAdapter(grow).validator
HELD = [Tree.__pydantic_validator__, Tree.__pydantic_serializer__, GROW]
"""


def test_validators_count_by_their_schemas_and_by_no_address(tmp_path, monkeypatch):
    (tmp_path / "trees_of_models.py").write_text(TREE)
    monkeypatch.syspath_prepend(str(tmp_path))
    made, texts = [], []
    for _ in range(2):  # the classes of the first are still there, and have the other addresses
        monkeypatch.delitem(sys.modules, "trees_of_models", raising=False)
        made.append(import_module("trees_of_models"))
        texts.append([canonical(each) for each in made[-1].HELD])
    assert texts[0] == texts[1]
    assert len({*texts[0]}) == 3


def test_validators_of_other_schemas_have_other_texts():
    """What a program has written may look like a part of the schema."""
    defaults = [{"type": "any", "ref": "m:1"}, {"type": "any", "ref": "m:2"}, 1]
    named = (
        {"type": "definition-ref", "schema_ref": "m:1"},
        {"type": "definition-ref", "schema_ref": "m:2"},
    )
    pairs = itertools.product(named, named)
    models = [{"type": "int", "ref": "m:1"}, {"type": "str", "ref": "m:2"}]
    schemas = [
        *({"type": "default", "schema": {"type": "any"}, "default": each} for each in defaults),
        *(
            {"type": "definitions", "definitions": models, "schema": each}
            for each in [{"type": "tuple", "items_schema": [*both]} for both in pairs]
        ),
        {"type": "int"}, {"type": "int", "gt": 1}, {"type": "int", "strict": True},
    ]  # fmt: skip
    validators = [
        *map(SchemaValidator, schemas),
        SchemaValidator({"type": "int"}, {"strict": True}),
    ]
    validators.append(SchemaSerializer({"type": "int"}))
    assert len({*map(canonical, validators)}) == len(validators) == 12


# --------------------------------------------------------------------------------- one change

NUMBERS = st.integers(0, 2)


class Counted(pydantic.BaseModel):
    model_config = {"extra": "allow"}
    a: int = 0
    _a: int = pydantic.PrivateAttr(0)

    @functools.cached_property
    def area(self):
        return {"area": self.a}


class Items(pydantic.RootModel[list[int]]):
    pass


def counted(given_, extras, private):
    made = Counted(**given_, **extras)
    made._a = private
    return made


FAMILIES = {
    "models": Family(
        counted,
        {
            "given_": st.dictionaries(st.just("a"), NUMBERS),
            "extras": st.dictionaries(st.sampled_from(["_a", "b", "area_"]), NUMBERS, max_size=2),
            "private": NUMBERS,
        },
    ),
    "root models": Family(Items, {"root": st.lists(NUMBERS, max_size=2)}),
}


@pytest.mark.parametrize("name", FAMILIES)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_each_single_change_counts(name, data):
    one_change.check(FAMILIES[name], data)
