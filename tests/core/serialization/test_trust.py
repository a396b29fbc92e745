"""Which classes count: those that the program names, and in a private store its own as well.

Rows are written by hand here: an attacker who can write to a store knows the form of documents.
"""

from __future__ import annotations

import dataclasses
import enum
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import pydantic
import pytest
import sqlalchemy as sa
from beautyspot import MsgpackSerializer, RestoreError, SerializationError
from beautyspot.contracts.records import as_copied, entry_of
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.serialization.trust import is_private
from beautyspot.testing import memory_spot
from handmade import ENUM, INSTANCE, document, ext, instance, tagged
from kinds import RAN
from shared import SharedStorage, SharedStore, of_others

HERE = __name__
PACKAGE = HERE.partition(".")[0]


def own(*annotations: Any) -> MsgpackSerializer:
    """The serializer of a function of this package, with these in its return annotation."""
    return MsgpackSerializer().vouching(annotations, own=PACKAGE)


def name_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


@dataclasses.dataclass
class Point:
    x: int = 1


class Pixel(Point):
    pass


@dataclasses.dataclass
class Other:
    x: int = 2


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: Any = 3


@attrs.define
class Slotted:
    x: int = 4


class Pair(NamedTuple):
    x: int = 5


class Color(enum.Enum):
    RED = "red"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag, boundary=enum.KEEP):
    LOW = 1


class Model(pydantic.BaseModel):
    x: int = 6


class TextModel(pydantic.BaseModel):
    text: str


class Problem(Exception):
    pass


class Word(str):
    __slots__ = ()


class Items(list[Any]):
    pass


class Table(dict[Any, Any]):
    pass


class Bag(set[Any]):
    pass


VALUES = [
    *(Point(), Pixel(), Frozen(), Slotted(), Pair(), Color.RED, Right.READ, Model(), Word("w")),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_program_s_own_classes_need_no_word_in_a_private_store(value: Any) -> None:
    with memory_spot() as spot:

        @spot.mark
        def f():  # type: ignore[no-untyped-def]
            RAN.append(1)
            return [value]

        first, second = f(), f()
    assert RAN == [1]
    assert (type(second[0]), second) == (type(value), first)


def hits(spot: Any, function: Any) -> int:
    """How many of two calls were hits."""
    marked = spot.mark(function)
    RAN.clear()
    assert repr(marked()) == repr(marked())
    return 2 - len(RAN)


def unnamed() -> Any:
    RAN.append(1)
    return Point()


def named() -> Point:
    RAN.append(1)
    return Point()


def below() -> Point:
    RAN.append(1)
    return Pixel()


def beside() -> Point:
    RAN.append(1)
    return Other()  # type: ignore[return-value]


def test_where_others_write_a_class_needs_a_name(caplog: pytest.LogCaptureFixture) -> None:
    for options in ({}, {"metadata": MemoryMetadataStore(), "storage": SharedStorage()}):
        with of_others(**options) as spot:
            assert [hits(spot, f) for f in (unnamed, named, below)] == [0, 1, 0]
    assert "annotate the function" in caplog.text
    with of_others() as spot:
        spot.register(Point)
        assert hits(spot, unnamed) == 1


def test_a_store_and_a_storage_of_one_s_own_are_private() -> None:
    with memory_spot(metadata=MemoryMetadataStore(), storage=MemoryStorage()) as spot:
        assert [hits(spot, f) for f in (unnamed, named, below)] == [1, 1, 1]


def test_an_annotation_excludes_nothing_of_the_program_in_a_private_store() -> None:
    with memory_spot() as spot:
        assert hits(spot, beside) == 1


def test_a_loaded_class_below_the_annotated_one_counts_in_a_private_store() -> None:
    foreign = own_elsewhere(Point)
    assert type(foreign.loads(foreign.dumps(Pixel()))) is Pixel
    with pytest.raises(RestoreError, match="nothing vouches"):
        MsgpackSerializer().vouching([Point]).loads(foreign.dumps(Pixel()))
    assert type(own_elsewhere(Other).loads(foreign.dumps(Pixel()))) is Pixel, "of one package"
    for serializer in (own_elsewhere(pydantic.BaseModel), own_elsewhere()):
        with pytest.raises(SerializationError, match="annotate the function"):
            serializer.dumps(Pixel())


def own_elsewhere(*annotations: Any) -> MsgpackSerializer:
    """The serializer of a function of another package than this one."""
    return MsgpackSerializer().vouching(annotations, own="elsewhere")


class Letters(str):
    """A text of a library, with what it keeps for itself."""

    def __init__(self, _text: str) -> None:
        self.parent = object()


class Grams(float):
    pass


class Match(NamedTuple):
    """As one of a library, which keeps more beside its items."""

    start: int
    end: int = 5


class Kept(Match):
    pass


KEPT = Kept(1)
KEPT.about = ModuleType("numpy")  # type: ignore[attr-defined] # as SciPy's `_xp`


class Values(list[Any]):
    """As a list of a library, which counts nowhere."""


class Settings(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


class TypedRow(TypedDict):
    a: int


class Several(dict[str, Any]):
    """As those of Werkzeug: what it gives is not what it holds."""

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key)[0]


with sa.create_engine("sqlite://").connect() as _open:
    ROW: Any = _open.execute(sa.text("select 1 as a, 'x' as b")).one()


@dataclasses.dataclass
class Holding:
    scores: tuple[int, ...]
    raw: Any


class Foreign(Match):
    """Of a package that is not the program's."""


Foreign.__module__ = "elsewhere"


class Loud:
    def __str__(self) -> str:
        return "LOUD"


def test_a_class_that_bears_the_name_of_the_annotated_one_is_stored_as_that() -> None:
    class Made(Model):
        """As a library makes one of the model that it is given, for itself."""

    class Wider(Model):
        y: int = 1

    with pytest.raises(SerializationError, match="annotate the function"):
        own(Model).dumps(Made(x=7))
    Made.__qualname__ = Wider.__qualname__ = Model.__qualname__
    made = Made(x=7)
    for name, item in (("_raw", object()), ("_request_id", "r")):
        object.__setattr__(made, name, item)
    for serializer in (own(Model), own(list[Model]), MsgpackSerializer().vouching([Model])):
        found = serializer.loads(serializer.dumps([made, Model()]))
        assert [*map(type, found)] == [Model, Model]
        assert found[1] == Model()
        assert vars(found[0]) == {"x": 7, "_request_id": "r"}
    Louder = type("Model", (Loud, Model), {"__module__": HERE})  # noqa: N806
    for serializer, value in (
        (own(), made),
        (own(dict[str, Any]), made),
        (own(Model), Wider()),
        (own(Model), Louder()),
    ):
        with pytest.raises(SerializationError, match="annotate the function"):
            serializer.dumps(value)
    made.__dict__["more"] = object()
    with pytest.raises(SerializationError, match="more"):
        own(Model).dumps(made)


T = TypeVar("T")
S = TypeVar("S")


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T] = []


class Elsewhere:
    class Model(pydantic.BaseModel):
        y: int = 1


Twin: Any = pydantic.create_model("Model", __module__="elsewhere", y=(int, 1))
MANY, MANY_TWINS = Page[list[Model]], Page[list[Twin]]  # pydantic gives the module the first


def test_a_parametrised_model_is_named_by_all_that_its_brackets_name() -> None:
    assert MANY.__qualname__ == MANY_TWINS.__qualname__
    for cls, item in ((MANY, Model), (MANY_TWINS, Twin), (Page[Twin | None], Twin)):
        serializer = own(cls)
        value = cls(items=[item()] if cls is Page[Twin | None] else [[item()]])
        found = serializer.loads(serializer.dumps(value))
        assert (type(found), found) == (cls, value)
    with pytest.raises(RestoreError, match="nothing vouches"):
        own(MANY).loads(own(MANY_TWINS).dumps(MANY_TWINS()))


def test_a_parametrised_model_needs_its_name_but_with_a_type_variable() -> None:
    page, other = Page[Model](items=[Model()]), Page[Elsewhere.Model]()
    for value, annotation in ((page, Page[Model]), ([other, page], dict[Page[Model], type(other)])):
        serializer = own(annotation)
        found = serializer.loads(serializer.dumps(value))
        assert (found, repr(found)) == (value, repr(value))
        assert type(found) is type(value)
    for empty in (Page[None], Page[type(None)]):  # type: ignore[misc]
        assert type(own(Page).loads(own(Page).dumps(empty(items=[None])))) is Page
    open_ = Page[S](items=[Model()])
    for name, item in (("_raw", object()), ("_request_id", "r")):
        object.__setattr__(open_, name, item)
    found = own(Page).loads(own(Page).dumps(open_))
    assert vars(found) == {"items": [Model()], "_request_id": "r"}
    assert (type(found), type(found.items[0])) == (Page, Model)
    for serializer in (own(), own(dict[str, Any])):  # a text promises no model
        with pytest.raises(SerializationError, match="annotate the function"):
            serializer.dumps(open_)
    with pytest.raises(SerializationError, match="annotate the function"):
        own(Page).dumps(page)  # which writes of an item what `Model` has, and a `Page` all
    data = own(type(other)).dumps(other)
    with pytest.raises(RestoreError, match="nothing vouches"):
        own(Page[Model]).loads(data)


@pytest.mark.parametrize(
    ("annotation", "value", "plain"),
    [
        (str, Letters("a"), "a"),
        (float, Grams(1.5), 1.5),
        (list[str], [Letters("a"), "b"], ["a", "b"]),
        (dict[str, float], {Letters("a"): Grams(2)}, {"a": 2.0}),
        (set[str], {Letters("a")}, {"a"}),
        (TextModel, TextModel.model_construct(text=Letters("a")), TextModel(text="a")),
        (list[tuple[int, int]], [Match(1)], [(1, 5)]),
        (tuple[int, int], KEPT, (1, 5)),
        (tuple[tuple[int, int], tuple[int, str]], (Match(1), ROW), ((1, 5), (1, "x"))),
        (list[tuple[int, str]], [ROW], [(1, "x")]),
        (dict[str, Any], ROW._mapping, {"a": 1, "b": "x"}),
        (list[list[str]], Values([Values("a"), ["b"]]), [["a"], ["b"]]),
        (dict[str, dict[str, int]], Settings(a=Settings(b=1)), {"a": {"b": 1}}),
        (list[dict], [ROW._mapping, Settings(a=1)], [{"a": 1, "b": "x"}, {"a": 1}]),
        (tuple[int, int] | None, KEPT, (1, 5)),
        (set[int], Bag({1}), {1}),
        (TypedRow, Settings(a=1), {"a": 1}),
    ],
    ids=str,
)
def test_a_subclass_of_an_annotated_plain_type_is_stored_as_that(
    annotation: Any, value: Any, plain: Any
) -> None:
    serializer = own_elsewhere(annotation)
    found = serializer.loads(serializer.dumps(value))
    assert (found, repr(found)) == (plain, repr(plain))
    with pytest.raises(SerializationError):
        own_elsewhere(bytes).dumps(value)


def test_one_that_reads_otherwise_is_not_the_plain_type() -> None:
    for annotation, value in ((dict, Several(a=["1"])), (list, Match(1)), (tuple, Letters("a"))):
        with pytest.raises(SerializationError, match="annotate the function"):
            MsgpackSerializer().vouching([annotation]).dumps(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (dict[str, Any], {"a": Settings(b=1)}),
        (list[Any], [Values()]),
        (dict[str, tuple[int, int]], {"a": [Match(1)]}),
        (Holding, Holding((1, 2), Foreign(1))),
        (tuple[Holding], (Holding((1, 2), Foreign(1)),)),
    ],
    ids=str,
)
def test_what_any_may_be_is_not_promised(annotation: Any, value: Any) -> None:
    """It would lose its attributes, and only on a hit."""
    with pytest.raises(SerializationError, match="annotate the function"):
        own_elsewhere(annotation).dumps(value)


def test_what_encode_gives_is_not_promised() -> None:
    """Its `decode` gets what it gave, or nothing."""
    serializer = MsgpackSerializer()
    serializer.register(Loud, encode=lambda _: Settings(a=1), decode=lambda _: Loud())
    promising = serializer.vouching([dict[str, dict[str, Any]]])
    for value in (Loud(), promising.encoded(Loud())):
        with pytest.raises(SerializationError, match="annotate the function"):
            promising.dumps(value)


def test_the_annotation_of_a_function_says_where_a_container_is_promised(spot: Any) -> None:
    def spans(text: str) -> list[tuple[int, int]]:
        return [Foreign(1), Foreign(2)]

    def each(texts: list[str]) -> list[tuple[int, int]]:
        return [Foreign(1) for _ in texts]

    def live(text: str) -> Iterator[tuple[int, int]]:
        yield Foreign(1)

    for marked, given in (
        (spot.mark(spans), "a"),
        (spot.mark(each="texts")(each), ["a", "b"]),
        (spot.mark(live), "a"),
    ):
        assert {*map(type, marked(given))} == {Foreign}
        assert {*map(type, marked(given))} == {tuple}


class Mood(str, enum.Enum):  # noqa: UP042 - whose text is not its value
    GOOD = "good"


def test_an_enum_is_never_stored_as_the_text_that_it_also_is() -> None:
    """Its own text is `Mood.GOOD`."""
    found = own_elsewhere(str).loads(own_elsewhere(str).dumps(Mood.GOOD))
    assert (found, repr(found)) == (Mood.GOOD, repr(Mood.GOOD))
    local: Any = enum.Enum("Local", {"A": "a"}, type=str)  # type: ignore[misc]  # it has no name
    for serializer, value in (
        (own_elsewhere(int), Mood.GOOD),
        (own_elsewhere(str), local.A),
        (MsgpackSerializer().vouching([str]), Mood.GOOD),
    ):
        with pytest.raises(SerializationError, match="annotate the function") as refused:
            serializer.dumps(value)
        assert "to store it as that" not in str(refused.value)


def test_what_is_private() -> None:
    store, shared = MemoryMetadataStore(), SharedStore()
    copied: Any = SimpleNamespace(digest=as_copied(b"0123456789abcdef"))
    made: Any = SimpleNamespace(digest=b"0123456789abcdef")
    assert is_private(store)
    assert is_private(store, made)
    assert not is_private(store, copied), "another store's users may have written it"
    assert not is_private(shared)
    assert not is_private(shared, made)


class StoreOfCopies(MemoryMetadataStore):
    def get(self, key: str) -> Any:
        record = super().get(key)
        return record and record._replace(digest=as_copied(record.digest))

    def find(self, key: str) -> Any:
        record = self.get(key)
        return record and entry_of(record)


def test_rows_of_a_private_store_that_a_copy_brought_need_names() -> None:
    with memory_spot(metadata=StoreOfCopies(), strict=False) as spot:
        assert [hits(spot, f) for f in (unnamed, named, below)] == [0, 1, 0]


def failing() -> Any:
    RAN.append(1)
    raise Problem(Point())


@pytest.mark.parametrize(("store", "hits"), [(MemoryMetadataStore, 1), (StoreOfCopies, 0)])
def test_what_an_error_holds_needs_names_too(store: Any, hits: int) -> None:
    with memory_spot(metadata=store(), strict=False) as spot:
        marked = spot.mark(cache_errors=Problem)(failing)
        for _ in range(2):
            with pytest.raises(Problem):
                marked()
    assert len(RAN) == 2 - hits


def test_files_and_folders_that_others_may_open_are_shared(make_spot: Any, tmp_path: Path) -> None:
    make_spot().mark(unnamed)()
    make_spot().storage.save("a", b"")
    for path in (tmp_path / "cache" / "blobs", next((tmp_path / "cache").glob("*.db"))):
        mode = path.stat().st_mode
        path.chmod(mode | 0o044)
        RAN.clear()
        assert make_spot(strict=False).mark(unnamed)() == Point()
        path.chmod(mode)
        assert make_spot(strict=False).mark(unnamed)() == Point()
        assert RAN == [1]


# ------------------------------------------------------------------------- names in stored bytes


def test_a_document_without_parts_makes_nothing() -> None:
    for code in (60, 62, 66):
        for parts in ((), (name_of(Point),), (name_of(Point), 1)):
            refused(own(), tagged(code, *parts))


def refused(serializer: MsgpackSerializer, data: bytes, match: str | None = None) -> None:
    with pytest.raises(RestoreError, match=match):
        serializer.loads(data)
    assert RAN == []


def test_a_loaded_class_of_another_package_is_never_made() -> None:
    """Thousands are loaded; one of them read files by `get`."""
    tried = 0
    for module in [*sys.modules.values()]:
        for cls in [*getattr(module, "__dict__", {}).values()]:
            if type(cls) is not type or f"{cls.__module__}.".startswith(f"{PACKAGE}."):
                continue
            tried += 1
            for data in (
                instance(name_of(cls), 0, {}),
                instance(name_of(cls), [], {}, []),
                instance([name_of(cls), []], 0, {}),
                tagged(ENUM, name_of(cls), [], 0),
            ):
                refused(own(), data)
    assert tried > 1000


class LazyModule(ModuleType):
    def __getattribute__(self, name: str) -> Any:
        RAN.append(name)
        return super().__getattribute__(name)


def test_a_lazy_module_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"{PACKAGE}.lazy"
    for make in (LazyModule, ModuleType):
        module = make(place)
        vars(module)["__getattr__"] = RAN.append
        monkeypatch.setitem(sys.modules, place, module)
        RAN.clear()
        refused(
            own(),
            instance(f"{place}:Point", 1, {"x": 1}),
            "nothing vouches for .* import its module",
        )
    monkeypatch.setitem(sys.modules, place, SimpleNamespace(Point=Point))  # type: ignore[misc]
    refused(own(), instance(f"{place}:Point", 1, {"x": 1}))
    monkeypatch.setitem(sys.modules, place, None)  # type: ignore[arg-type]
    refused(own(), instance(f"{place}:Point", 1, {"x": 1}))


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        RAN.append(name)
        return super().__getattribute__(name)

    def __getattr__(cls, name: str) -> Any:
        RAN.append(name)
        raise AttributeError(name)

    def __instancecheck__(cls, value: object) -> bool:
        RAN.append(value)
        return True

    __subclasscheck__ = __instancecheck__

    def __eq__(cls, other: object) -> bool:
        RAN.append(other)
        return True

    __hash__ = type.__hash__

    def __bool__(cls) -> bool:
        RAN.append("bool")
        return False


@dataclasses.dataclass
class Watched(metaclass=Meta):
    x: int = 1


def test_a_class_is_looked_at_without_running_its_metaclass() -> None:
    RAN.clear()
    refused(own(), instance(f"{HERE}:Watched.Inner", 1, {"x": 1}))
    refused(own(), instance(f"{HERE}:Watched", 1, {"y": 1}), "other fields")
    named = own(Watched)
    RAN.clear()
    watched = [ext(INSTANCE), f"{HERE}:Watched", 1, {"x": 1}]
    for code, parts in ((20, (watched, [])), (4, (watched, 1.0)), (41, (1, watched))):
        refused(own(), tagged(code, *parts))
    for serializer in (own(), named):
        assert type(serializer.loads(instance(f"{HERE}:Watched", 1, {"x": 1}))) is Watched
    assert RAN == []


Alias = dataclasses.Field  # of another package, under a name of ours
Renamed = type("Elsewhere", (Point,), {"__module__": "json"})
Lying = type("Liar", (Point,), {"__module__": HERE, "__qualname__": "Point"})


@pytest.mark.parametrize("name", ["Alias", "Renamed", "Lying", "Liar", "SimpleNamespace", "Path"])
def test_module_and_qualified_name_say_where_it_was_found(name: str) -> None:
    refused(own(), instance(f"{HERE}:{name}", 1, {"x": 1}), "nothing vouches")


def test_a_class_that_hides_another_one_s_name_is_not_stored() -> None:
    for cls in (Renamed, Lying):
        with pytest.raises(SerializationError, match="annotate the function"):
            own().dumps(cls())


NAMES = [
    *("", ":", "Point", ":Point", f"{HERE}:", f"{HERE}:.", f"{HERE}:Point.", f"{HERE}.Point"),
    *(f"{HERE}:Point.__class__", f"{HERE}:Point.__init__", f"{HERE}:Point.x", f"{HERE}:RAN"),
    *(f"{HERE}:own", f"{HERE}:enum.Enum", f"{HERE}:sys.modules", "builtins:eval", "os:system"),
    *(1, None, [], [1, 2], {}, b"x", [f"{HERE}:Point", []], [[f"{HERE}:Point", []], []]),
    [f"{HERE}:Model", ["builtins:int"]],
]


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_name_that_leads_to_no_class_makes_nothing(name: Any) -> None:
    for code in (60, 62, 66):
        refused(own(), tagged(code, name, 1, {"x": 1}))


# ---------------------------------------------------------- what a hostile row would like to run


@dataclasses.dataclass
class Deleting:
    x: int = 1

    def __del__(self) -> None:
        RAN.append("__del__")


class DeletingBelow(Deleting):
    pass


class DeletingError(Exception):
    def __del__(self) -> None:
        RAN.append("__del__")


@pytest.mark.parametrize("cls", [Deleting, DeletingBelow, DeletingError])
def test_an_instance_that_runs_code_when_it_goes_is_not_made(cls: type) -> None:
    fields = 0 if cls is DeletingError else 1
    content = [[]] if cls is DeletingError else []
    for serializer in (own(), own(cls)):
        refused(serializer, instance(name_of(cls), fields, {"x": 1} if fields else {}, *content))
        with pytest.raises(SerializationError, match="__del__ of its own"):
            serializer.dumps(cls())
        RAN.clear()


def _odd(name: str) -> type:
    """A named tuple with a method of its own."""

    def run(self: Any, *args: Any) -> Any:
        RAN.append(name)
        return getattr(super(cls, self), name)(*args)  # type: ignore[misc]

    cls = type(f"Odd{name}", (Pair,), {name: run, "__module__": HERE, "__slots__": ()})
    return cls


ODD = [_odd(name) for name in ("__iter__", "__len__", "__getitem__")]
globals().update({cls.__name__: cls for cls in ODD})


@pytest.mark.parametrize("cls", ODD)
def test_a_named_tuple_with_other_items_is_refused(cls: Any) -> None:
    data = document([ext(60), name_of(cls), ["x"], {}, [ext(5), 1]])
    for serializer in (own(), own(cls)):
        refused(serializer, data, "of its own, which must not run")
        with pytest.raises(SerializationError):
            serializer.dumps(cls(1))
        RAN.clear()


@pytest.mark.parametrize("value", [Items([1]), Table(a=1), Bag({1})])
def test_a_container_of_one_s_own_needs_a_name(value: Any) -> None:
    cls = type(value)
    with pytest.raises(SerializationError, match="annotate the function"):
        own().dumps(value)
    data = own(cls).dumps(value)
    refused(own(), data)
    back = own(cls).loads(data)
    assert (type(back), back) == (cls, value)


@pytest.mark.parametrize(
    "names",
    [
        *(["READ", "EXECUTE"], ["READ", 4], "READ", [["READ"]], 7, None, {}, [None]),
        *(["__class__"], ["_missing_"], ["READ.WRITE"]),
    ],
)
def test_a_flag_has_no_bits_that_nobody_named(names: Any) -> None:
    refused(own(), tagged(ENUM, name_of(Right), names, 7))
    if names != "READ":
        refused(own(), tagged(ENUM, name_of(Right), names))


def test_flags_with_unknown_bits_are_refused() -> None:
    for value in (Bits.LOW, Right(3), Right(0)):
        assert own().loads(own().dumps(value)) is value
    for value in (Bits(5), Bits(4)):
        with pytest.raises(SerializationError, match="no member or flag"):
            own().dumps(value)


@dataclasses.dataclass
class Tagged:
    x: int = 1
    kind: str = dataclasses.field(init=False, default="tagged")


@pytest.mark.parametrize(
    "told",
    [
        *({"x": []}, {"kind": ["tagged"], "x": []}, {"x": [], "kind": ["other"]}),
        *({"x": [1], "kind": ["tagged"]}, {"x": [], "kind": []}, {"x": [], "kind": [1]}),
        *({"x": [], "kind": "tagged"}, {"x": [], "kind": None}, ["x", "kind"], 1, 2, {}),
        {"x": [], "kind": [[ext(INSTANCE), f"{__name__}:ByHand", 1, {"x": 1}]]},
    ],
)
def test_a_field_of_the_class_is_as_it_was(told: Any) -> None:
    name, state = name_of(Tagged), {"x": 2}
    made = own().loads(instance(name, {"x": [], "kind": ["tagged"]}, state))
    assert (made.kind, vars(made)) == ("tagged", {"x": 2})
    refused(own(), instance(name, told, state))


class Guessing(enum.Enum):
    KNOWN = 1

    @classmethod
    def _missing_(cls, value: object) -> Any:
        RAN.append(value)
        return cls.KNOWN


@pytest.mark.parametrize("name", ["OTHER", "_missing_", "__init__", "mro", "name", 1, None, ["A"]])
def test_an_enum_has_members_alone(name: Any) -> None:
    refused(own(), tagged(ENUM, name_of(Guessing), name, 1))
    refused(own(), tagged(ENUM, name_of(Color), name, "red"))


class Comparing:
    def __eq__(self, other: object) -> bool:
        RAN.append("__eq__")
        return True

    def __hash__(self) -> int:
        RAN.append("__hash__")
        return 1


@dataclasses.dataclass(eq=False)
class ByHand(Comparing):
    x: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Hashing:
    x: int = 1

    def __hash__(self) -> int:
        RAN.append("__hash__")
        return 1


class ModelByHand(Comparing, pydantic.BaseModel):
    x: int = 1


class Spelled(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        RAN.append("__eq__")
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    "parts",
    [
        [ext(60), name_of(ByHand), 1, {"x": 1}],
        [ext(60), name_of(Hashing), 1, {"x": 1}],
        [ext(60), name_of(ModelByHand), 1, {"x": 1}],
        [ext(60), name_of(Spelled), 0, {}, "a"],
        [ext(60), name_of(Frozen), 1, {"x": [ext(60), name_of(ByHand), 1, {"x": 1}]}],
        [ext(5), [ext(60), name_of(ByHand), 1, {"x": 1}]],
        [ext(7), [ext(60), name_of(ByHand), 1, {"x": 1}]],
        [ext(60), name_of(Pair), ["x"], {}, [ext(5), [ext(60), name_of(Hashing), 1, {"x": 1}]]],
    ],
    ids=str,
)
def test_what_is_hashed_runs_nothing_of_the_program(parts: Any) -> None:
    named = own(ByHand, Hashing, ModelByHand, Spelled, Frozen, Pair)
    for serializer in (own(), named):
        for tree in ([ext(6), parts, parts], [ext(7), parts], [ext(8), parts, 1]):
            refused(serializer, document(tree), "__hash__ or __eq__ of its own")


@pytest.mark.parametrize("value", [Frozen(1), Frozen((Color.RED, Pair(2))), Color.RED, Pair(3)])
def test_generated_hashes_count(value: Any) -> None:
    for held in ({value}, frozenset({value}), {value: 1}, [{(value, 1): 2}]):
        assert own().loads(own().dumps(held)) == held


class Wary(pydantic.BaseModel):
    x: int = 1

    @pydantic.field_validator("x")
    @classmethod
    def check(cls, value: int) -> int:
        RAN.append("validator")
        return value

    def model_post_init(self, context: Any, /) -> None:
        RAN.append("model_post_init")

    def __setstate__(self, state: Any) -> None:
        RAN.append("__setstate__")


class Ready(Problem):
    def __init__(self) -> None:
        RAN.append("__init__")

    def __new__(cls, *args: Any) -> Any:
        RAN.append("__new__")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        RAN.append("__setstate__")


def test_nothing_of_a_class_runs_when_it_is_restored() -> None:
    for data, cls in (
        (instance(name_of(Wary), 1, {"x": "no number"}), Wary),
        (instance(name_of(Ready), 0, {"__notes__": ["n"]}, [1]), Ready),
    ):
        assert type(own(cls).loads(data)) is cls
        assert RAN == []


@dataclasses.dataclass
class Counting:
    x: int = 0

    def __iter__(self) -> Any:
        RAN.append("__iter__")
        return iter("x")

    def __index__(self) -> int:
        RAN.append("__index__")
        return 1

    def __bool__(self) -> bool:
        RAN.append("__bool__")
        return True


def test_no_part_of_an_instance_is_asked_what_it_holds() -> None:
    counting = [ext(INSTANCE), name_of(Counting), 1, {"x": 0}]
    given = {"x": 1, "__pydantic_fields_set__": counting}
    for cls, parts in (
        (Point, (counting, {"x": 1})),
        (Point, (1, counting)),
        (Model, (1, given)),
        (Tagged, ({"x": [], "kind": counting}, {"x": 1})),
        (Tagged, ({"x": [], "kind": [counting]}, {"x": 1})),
    ):
        with suppress(RestoreError):
            own().loads(instance(name_of(cls), *parts))
        assert RAN == []


X = {"x": 1}
OTHER_PARTS = [
    *((1, {}), (1, {"y": 1}), (["y"], X), (["x", "x"], X), ([["x"]], X), (["x"], {})),
    *((1, []), (1, None), ("x", X), (-1, X), (1.0, X), (0, X)),
    *((1, X, 1), (1, X, []), (1, X, None, None), (1, {**X, "__class__": 1})),
    *((1, {**X, "__dict__": {}}), (1, {**X, "__array_interface__": {}})),
]


@pytest.mark.parametrize("parts", OTHER_PARTS, ids=str)
def test_other_parts_than_those_of_the_class_are_a_miss(parts: Any) -> None:
    for cls in (Point, Slotted, Model, Frozen):
        refused(own(cls), instance(name_of(cls), *parts))


# ------------------------------------------------------------------------- in the next process

PROGRAM = {
    "__init__.py": "",
    "kinds.py": """
        from dataclasses import dataclass

        @dataclass
        class Answer:
            text: str
        """,
    "program.py": """
        import sys
        import beautyspot as bs
        {at_the_top}
        spot = bs.Spot("app", directory=sys.argv[1], config=False)

        @spot.mark
        def ask(n):
            from app.kinds import Answer
            print("runs")
            return Answer("yes")

        print(ask(1))
        spot.shutdown()
        """,
}


def run(folder: Path, at_the_top: str) -> tuple[str, str]:
    (folder / "app").mkdir(exist_ok=True)
    for name, text in PROGRAM.items():
        code = textwrap.dedent(text.replace("{at_the_top}", at_the_top))
        (folder / "app" / name).write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "app.program", "store"],
        *(), cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_a_class_of_a_module_that_a_call_imports_is_told_about(tmp_path: Path) -> None:
    """The class is not known yet when a new program looks."""
    (_, quiet), (said, told) = run(tmp_path, ""), run(tmp_path, "")
    assert not quiet
    assert said == "runs\nAnswer(text='yes')\n"
    assert "nothing vouches for 'app.kinds:Answer'" in told
    assert "import its module where the program starts" in told


def test_a_class_of_a_module_that_is_imported_at_the_top_comes_back(tmp_path: Path) -> None:
    for runs in ("runs\n", ""):
        assert run(tmp_path, "import app.kinds") == (f"{runs}Answer(text='yes')\n", "")


def test_a_class_that_was_defined_again_is_the_one_of_now(make_spot: Any) -> None:
    """As where a notebook's cell of the class is run again, and that of the function is not."""
    spot, module = make_spot(), ModuleType("notebook")
    sys.modules[module.__name__] = module
    try:
        exec(CELL.format(more=""), vars(module))
        exec("def found() -> Found: return Found(1)", vars(module))
        marked = spot.mark(module.found)
        assert type(marked()) is module.Found
        assert type(marked()) is module.Found
        exec(CELL.format(more="    def double(self): return 2 * self.n"), vars(module))
        assert marked().double() == 2
        assert (type(marked()), spot.stats()["hits"]) == (module.Found, 3)
        exec(CELL.format(more="    more: int = 2"), vars(module))
        assert marked() == module.Found(1, 2), "of other fields: it runs anew"
        assert marked() == module.Found(1, 2)
        assert spot.stats()["hits"] == 4
    finally:
        del sys.modules[module.__name__]


CELL = """
from dataclasses import dataclass

@dataclass
class Found:
    n: int
{more}
"""
