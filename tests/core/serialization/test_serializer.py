"""`MsgpackSerializer` as a whole: the contract, refusals, registering, hostile bytes, copies."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgpack
import pytest
from beautyspot.contracts import SerializerBase
from beautyspot.errors import ConfigError, RestoreError, SerializationError
from beautyspot.serialization.serializer import MsgpackSerializer
from beautyspot_testing.serializer import Point, SerializerContract, assert_same
from beautyspot_testing.shared import Plain
from handmade import BUFFER, document, ext
from hypothesis import given, settings
from hypothesis import strategies as st

text = st.text(st.characters())  # lone surrogates too
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | text
    | st.binary()
)
keys = scalars.filter(lambda v: v == v) | st.tuples(st.integers(), text) | st.dates() | st.uuids()
values = (
    scalars
    | st.complex_numbers()
    | st.binary().map(bytearray)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.timezones(), allow_imaginary=False)
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.uuids()
    | st.ip_addresses()
    | st.sets(st.integers())
    | st.frozensets(st.tuples(text))
    | st.builds(range, st.integers(), st.integers(), st.integers(1))
)


def inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=4)
    return several | several.map(tuple) | st.dictionaries(keys, inner, max_size=4)


class TestMsgpack(SerializerContract):
    # A signalling NaN equals nothing and can't even be compared: it has a test of its own.
    values = st.recursive(
        values.filter(lambda v: not isinstance(v, Decimal) or not v.is_nan()), inside, max_leaves=12
    )
    takes_classes = True

    def make(self) -> SerializerBase:
        return MsgpackSerializer()


class Flattening(MsgpackSerializer):
    """Breaks the promise that the contract must notice: tuples come back as lists."""

    def dumps(self, value: object) -> bytes:
        return msgpack.packb(value, default=repr)


def test_the_contract_notices_another_type():
    class Broken(SerializerContract):
        values = st.just((1, 2))

        def make(self):
            return Flattening()

    with pytest.raises(AssertionError, match="became a list"):
        Broken().test_a_round_trip_keeps_equality_and_type()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (0.0, -0.0),
        (0j, -0j),
        (1, True),
        ([1], [1.0]),
        ([1], [1, 2]),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        ("a", "b"),
    ],
)
def test_the_contract_compares_strictly(left, right):
    with pytest.raises(AssertionError):
        assert_same(left, right)
    assert_same([float("nan"), Point(1, "a")], [float("nan"), Point(1, "a")])


# ---------------------------------------------------------------------------------- refusals


@dataclasses.dataclass
class Answer:
    text: str
    client: object = None


class Text(str):
    __slots__ = ()


class Meter(int):
    pass


@pytest.fixture
def serializer() -> MsgpackSerializer:
    return MsgpackSerializer()


def refusal(serializer: SerializerBase, value: object) -> str:
    with pytest.raises(SerializationError) as caught:
        serializer.dumps(value)
    return str(caught.value)


def test_a_refusal_names_the_path(serializer):
    serializer.register(Answer)
    rows = {"rows": [1, 2, 3, Answer("x", client=(threading.Lock(),))]}
    message = refusal(serializer, rows)
    assert message.startswith('result["rows"][3].client[0] can\'t be stored: _thread:')
    assert 'mark(serializer="pickle") (needs beautyspot-pickle: docs/install.md)' in message
    assert "pip install" not in message, "the index has another library under the name"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({1: object()}, "result[1]"),
        ({(1,): object()}, "result[(1,)]"),
        ({frozenset([Plain]): 1}, "result.<key"),
        ({object}, "result[0]"),
        (slice(0, object()), "result "),
        ({"a": {"b": [object()]}}, 'result["a"]["b"][0]'),
        ({"{a}": [object()]}, 'result["{a}"][0]'),
    ],
)
def test_paths(serializer, value, path):
    assert refusal(serializer, value).startswith(path)


def test_a_refusal_says_what_to_do(serializer):
    assert "-> Answer" in refusal(serializer, Answer("x"))
    assert "spot.register(Answer)" in refusal(serializer, Answer("x"))
    assert "spot.register(Plain, encode=…, decode=…)" in refusal(serializer, Plain("x"))


@pytest.mark.parametrize(
    "value",
    [Text("a"), Meter(1), [Text("a")], {Text("a"): 1}, {"a": Meter(1)}, memoryview(b"a")],
)
def test_nothing_is_flattened(serializer, value):
    refusal(serializer, value)


@pytest.mark.parametrize(
    "value",
    [msgpack.ExtType(5, b"\x01"), msgpack.Timestamp(1), [msgpack.ExtType(5, b"\x01"), 1]],
)
def test_types_of_msgpack_are_not_let_through(serializer, value):
    refusal(serializer, value)


def nested(depth: int, wrap: Any = lambda v: [v]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: {(1,): v}]
)
def test_nesting_has_a_limit(serializer, wrap):
    value = nested(100, wrap)
    assert serializer.loads(serializer.dumps(value)) == value
    assert "return it in a simpler form" in refusal(serializer, nested(5000, wrap))


def test_what_contains_itself_is_refused_with_a_short_message(serializer):
    value: dict[str, object] = {}
    value["me"] = value
    message = refusal(serializer, value)
    assert "RecursionError" in message
    assert len(message) < 300


def test_a_recursion_error_never_escapes(serializer, monkeypatch):
    def exhausted(*args: object) -> bool:
        raise RecursionError("too deep")

    monkeypatch.setattr("beautyspot.serialization.serializer.document", exhausted)
    assert "RecursionError" in refusal(serializer, (1,))


def test_a_size_that_msgpack_lacks_is_refused(serializer, monkeypatch):
    def too_large(**options: object) -> None:
        raise ValueError("bytes is too large")

    monkeypatch.setattr("beautyspot.serialization.documents.Packer", too_large)
    assert "too large" in refusal(serializer, (1,))


def test_a_property_that_raises_while_it_is_read_is_a_refusal(serializer):
    class Moody(dict):
        def items(self):
            raise LookupError("not today")

    serializer.register(Moody, encode=lambda m: m.items(), decode=dict)
    assert "not today" in refusal(serializer, Moody())
    assert isinstance(
        pytest.raises(SerializationError, serializer.dumps, Moody()).value.__cause__, LookupError
    )


# ------------------------------------------------------------------------------- registering


def test_a_registered_class_is_written_by_its_functions(serializer):
    serializer.register(Plain, encode=lambda p: p.state, decode=Plain, name="plain")
    restored = serializer.loads(serializer.dumps([Plain("x")]))
    assert restored[0].state == "x"
    assert b"plain" in serializer.dumps([Plain("x")])


def test_what_encode_gives_must_be_storable(serializer):
    serializer.register(Plain, encode=lambda p: [object()], decode=Plain)
    assert refusal(serializer, Plain("x")).startswith("result.<encoded Plain>[0]")


def test_decode_must_give_the_class(serializer):
    serializer.register(Plain, encode=vars, decode=lambda v: v)
    with pytest.raises(RestoreError, match="gave a builtins:dict in place of a Plain"):
        serializer.loads(serializer.dumps(Plain("x")))


def test_what_decode_raises_is_a_restore_error(serializer):
    serializer.register(Plain, encode=vars, decode=lambda v: 1 / 0)
    with pytest.raises(RestoreError, match="ZeroDivisionError"):
        serializer.loads(serializer.dumps(Plain("x")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cls": Plain}, "encode= and decode="),
        ({"cls": Plain, "encode": vars}, "belong together"),
        ({"cls": Plain, "encode": vars, "decode": 3}, "belong together"),
        ({"cls": 3}, "takes a class"),
        ({"cls": list[int]}, "takes a class"),
        ({"cls": int}, "stored as it is"),
        ({"cls": dict}, "stored as it is"),
        ({"cls": date, "encode": str, "decode": str}, "stored as it is"),
    ],
)
def test_mistakes_in_registering(serializer, options, message):
    with pytest.raises(ConfigError, match=message):
        serializer.register(options.pop("cls"), **options)


def test_one_name_for_two_classes_is_an_error(serializer):
    serializer.register(Point, name="x")
    serializer.register(Point, name="x")
    with pytest.raises(ConfigError, match="'x' stands for .*:Point already"):
        serializer.register(Answer, name="x")
    child = serializer.vouching([Answer])
    with pytest.raises(ConfigError):
        child.register(Answer, name="x")


def redefined(**body: Any) -> type:
    return dataclasses.dataclass(type("Cell", (), {"__module__": "__main__", **body}))


def test_two_classes_that_a_function_made_under_one_name_are_two(serializer):
    serializer.register(redefined())
    with pytest.raises(ConfigError, match="give one of them another name="):
        serializer.register(redefined(x=1))


class ByName(type):
    def __eq__(cls, other: object) -> bool:
        return isinstance(other, type) and cls.__name__ == other.__name__

    def __hash__(cls) -> int:
        return hash(cls.__name__)


def test_classes_that_are_equal_are_two(serializer):
    one, two = [ByName("Equal", (str,), {"__qualname__": name}) for name in ("one", "two")]
    child = serializer.vouching([one, two])
    for cls in (one, two):
        assert type(child.loads(child.dumps(cls("a")))) is cls
        serializer.register(cls, name=cls.__qualname__)
        assert type(serializer.loads(serializer.dumps(cls("a")))) is cls


def test_a_class_that_is_defined_anew_replaces_the_old_one(serializer, monkeypatch):
    """A notebook's cell is run again; instances of the old class would come back as the new."""
    old, new = redefined(), redefined()
    serializer.register(old)
    stored = serializer.dumps(old())
    monkeypatch.setattr("__main__.Cell", new, raising=False)
    serializer.register(new)
    assert type(serializer.loads(stored)) is new
    assert "can't be stored" in refusal(serializer, old())


def test_a_class_keeps_its_older_names(serializer):
    serializer.register(Point, name="old")
    stored = serializer.dumps(Point(1, "a"))
    serializer.register(Point, name="new")
    assert serializer.loads(stored) == Point(1, "a")
    assert b"new" in serializer.dumps(Point(1, "a"))


def test_registering_after_vouching_changes_the_stored_form(serializer):
    child = serializer.vouching([Answer])
    before = child.dumps(Answer("x"))
    serializer.register(Answer, encode=lambda a: a.text, decode=Answer)
    after = child.dumps(Answer("x"))
    assert before != after
    assert child.loads(after) == serializer.loads(after) == Answer("x")
    for one in (child, serializer):
        with pytest.raises(RestoreError, match="stored in another way"):
            one.loads(before)


@dataclass
class Paragraph:
    text: str


@dataclass
class Page:
    paragraphs: list[Paragraph]
    answer: Answer | None = None


def test_registering_a_class_vouches_for_those_in_its_fields(serializer):
    serializer.register(Answer, encode=lambda a: a.text, decode=Answer, name="answer")
    serializer.register(Page)
    page = Page([Paragraph("x")], Answer("y"))
    assert serializer.loads(serializer.dumps(page)) == page
    assert b"answer" in serializer.dumps(page), "what the program said of a field's class stays"
    serializer.register(Paragraph, encode=lambda p: p.text, decode=Paragraph, name="p")
    assert serializer.loads(serializer.dumps(page)) == page


def test_nobody_vouched(serializer):
    stored = serializer.vouching([Answer]).dumps(Answer("x"))
    with pytest.raises(RestoreError, match="nothing vouches for '.*:Answer'"):
        serializer.loads(stored)


# ---------------------------------------------------------------------------- hostile bytes


def test_the_document_is_msgpack(serializer):
    """Any reader of msgpack can show it."""
    stored = serializer.dumps((1, bytearray(b"x" * 2**16), bytearray(b"y" * (2**16 + 1))))
    head, buffers, tree = msgpack.unpackb(stored)
    assert (head.code, head.data) == (0, b"\x03")
    assert tree == [ext(5), 1, [ext(3), [ext(13), 2**16]], [ext(3), [ext(13), 2**16 + 1]]]
    assert buffers == bytes(50) + b"x" * 2**16 + b"y" * (2**16 + 1), "from multiples of 64 on"


def buffer(part: Any) -> list[Any]:
    return [ext(3), [ext(BUFFER), part]]


HOSTILE = {
    "an ext in a plain document": msgpack.packb(ext(5)),
    "a newer document": document([ext(5)], version=4),
    "a document of before the release": document([ext(5)], version=2),
    "a newer payload": document([ext(5, version=2), 1]),
    "an unknown ext": document([ext(79), 1]),
    "a marker alone": document(ext(5)),
    "a marker at the end": document([1, ext(5)]),
    "a marker in a tagged value": document([ext(5), ext(5)]),
    "a marker as a key": document({ext(5): 1}),
    "no buffer": document(buffer(1)),
    "a negative buffer": document(buffer(-1), b"x"),
    "a buffer used twice": document([buffer(1), buffer(1)], b"x"),
    "a buffer unused": document([ext(5)], b"x"),
    "a part of a buffer": document(buffer(1), b"xy"),
    "a buffer cut off": document(buffer(3), b"xy"),
    "a buffer without its zeros": document(buffer(1), size=1)[:14] + b"x" + document(1)[14:],
    "buffers of another size": document(buffer(1), b"x", size=10),
    "buffers of 4 G": document(buffer(1), b"x", size=2**32 - 1),
    "a size for a buffer": document(buffer(10**12)),
    "a buffer of another type": document(buffer("x"), b"x"),
    "trailing bytes": document([ext(5)]) + b"x",
    "trailing bytes of a plain one": msgpack.packb([1]) + b"x",
    "another number of parts": b"\xdd\x00\x00\x00\x04" + document([ext(5)])[5:] + b"\xc0",
    "an array of 4 G": b"\xdd\xff\xff\xff\xff",
    "a class without a name": document([ext(60)]),
    "a class with a number for a name": document([ext(60), 7, 0, {}]),
    "an unhashable element": document([ext(6), [1]]),
    "an unhashable key": document([ext(8), [1], 2]),
    "an array as a key": document([ext(5), {(): 1}]),
    "a number as a key beside tagged values": document([ext(5), {1: 1}]),
    "half a pair": document([ext(8), 1]),
    "too many parts": document([ext(4), 1.0, 2.0, 3.0]),
    "a part of another type": document([ext(4), 1.0, "2"]),
    "nested too deep": document(1)[:-1] + b"\x91" * 10**5,
    "text for bytes": b"\xa2\xff\xff",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_a_restore_error(serializer, data):
    with pytest.raises(RestoreError):
        serializer.loads(data)
    with pytest.raises(RestoreError):
        serializer.loads(bytearray(data), owned=True)


def test_the_hostile_documents_differ_from_a_sound_one_as_they_say(serializer):
    assert serializer.loads(document(buffer(1), b"x")) == bytearray(b"x")
    assert serializer.loads(document([buffer(1), buffer(2)], b"x", b"yz")) == [b"x", b"yz"]
    assert serializer.loads(document([ext(5)])) == ()


def test_what_is_no_bytes_is_a_restore_error(serializer):
    for data in ("text", None, 3):
        with pytest.raises(RestoreError):
            serializer.loads(data)


parts = st.recursive(
    scalars.filter(lambda v: type(v) is not int or -(2**63) <= v < 2**64).filter(
        lambda v: type(v) is not str or v.isascii()
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=6,
)
CODES = [
    *range(1, 14),
    *range(20, 26),
    *range(30, 36),
    *range(40, 45),
    60,
    62,
    66,
    *range(125, 128),
]


@settings(deadline=None, max_examples=100)
@given(code=st.sampled_from(CODES), items=st.lists(parts, max_size=5))
def test_any_payload_of_any_codec_is_a_value_or_a_restore_error(code, items):
    serializer = MsgpackSerializer()
    serializer.register(Point, name="ab")
    with suppress(RestoreError):
        serializer.loads(document([ext(code), *items]))


# ------------------------------------------------------------------------------- large values


def peak(function: Any) -> float:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_big_buffer_is_copied_once_each_way(serializer):
    size = 2**23
    value = {"deep": [(bytearray(size), 1)]}
    assert peak(lambda: serializer.dumps(value)) < 1.2 * size
    stored = serializer.dumps(value)
    assert peak(lambda: serializer.loads(stored)) < 1.2 * size


def test_what_is_restored_does_not_share_memory_with_the_bytes(serializer):
    stored = bytearray(serializer.dumps((bytearray(b"x" * 2**17), b"y" * 2**17)))
    changing, fixed = serializer.loads(stored)
    stored[:] = bytes(len(stored))
    assert changing == b"x" * 2**17
    assert fixed == b"y" * 2**17


def test_numbers_and_times_at_their_ends(serializer):
    ends = [
        *(2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**400),
        *(
            date.min,
            date.max,
            datetime.min,  # noqa: DTZ901 - naive on purpose
            datetime.max,  # noqa: DTZ901 - as above
            time.min,
            time.max,
            timedelta.min,
            timedelta.max,
        ),
        *(timezone.min, timezone.max, Decimal("1E+999999"), Decimal("-0.00"), Fraction(-1, 10**30)),
    ]
    assert_same(ends, serializer.loads(serializer.dumps(ends)))


def test_a_value_of_the_standard_library_may_be_the_first_that_is_met():
    stored = MsgpackSerializer().dumps([Decimal(1), date(2024, 1, 2)])
    program = f"import beautyspot as bs; print(bs.MsgpackSerializer().loads({stored!r}))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.strip() == b"[Decimal('1'), datetime.date(2024, 1, 2)]"
