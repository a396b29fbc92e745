"""Canonical text: what counts, what doesn't, and what is refused where."""

# ruff: noqa: UP006, UP007, UP017, UP045, DTZ001, PTH123 - the old forms are values here

from __future__ import annotations

import array
import asyncio
import collections
import copy
import datetime as dt
import decimal
import enum
import fractions
import functools
import hashlib
import io
import ipaddress
import itertools
import json.encoder
import math
import operator
import pathlib
import queue
import struct
import sys
import threading
import time
import types
import typing
import uuid
import weakref
import zoneinfo
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field

import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.keys.walk import Without

from tests.made import findable


class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)

    def method(self):
        return self


class Slots:
    __slots__ = ("a", "b")


class MoreSlots(Slots):
    __slots__ = ("c",)


class SlotsAndDict(Slots):
    pass


class NoState:
    __slots__ = ()


@dataclass
class Point:
    x: int
    y: object = None


class SubPoint(Point):
    pass


class Colour(enum.Enum):
    RED = "red"


class Shade(enum.Enum):
    RED = "red"


class Answer(enum.StrEnum):
    YES = "yes"


class Renamed(enum.Enum):
    A = 1
    B = 2

    @property
    def name(self):
        return "either"


class Masked(enum.Flag):
    A = 1
    B = 2

    @property
    def value(self):
        return 7


class Part(functools.partial):
    pass


class Ordered(collections.OrderedDict):
    pass


def moved(items):
    items.move_to_end("a")
    return items


def carrying(value, /, **attributes):
    for name, item in attributes.items():
        setattr(value, name, item)
    return value


def function():
    return 1


def slots(cls, **state):
    made = cls()
    for name, value in state.items():
        setattr(made, name, value)
    return made


# ---------------------------------------------------------------------------------- distinct

LOOKALIKES = [
    [1, True, 1.0, "1", b"1", 1 + 0j, decimal.Decimal(1), [1], (1,), {1}, frozenset({1})],
    [0, False, 0.0, -0.0, "", b"", None, [], (), {}, set(), bytearray(), range(0)],
    [b"a", bytearray(b"a"), memoryview(b"a"), "a", "b'a'"],
    [dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), "2024-01-01",
     dt.datetime(2024, 1, 1, tzinfo=dt.UTC)],
    [decimal.Decimal("1.0"), decimal.Decimal("1.00"), "1.0", 1.0],
    [range(3), range(1, 3), [0, 1, 2], "range(0, 3)", slice(0, 3)],
    [Point(1, 2), {"x": 1, "y": 2}, (1, 2), SubPoint(1, 2), Point(1, 2.0)],
    [Colour.RED, Shade.RED, "red", "RED", "Colour.RED", Colour],
    [Answer.YES, "yes"],
    [{1: 2}, {"1": 2}, {True: 2}, {1.0: 2}, [(1, 2)], collections.OrderedDict({1: 2})],
    [{"$tuple": [1]}, (1,), {"$dict": [["$tuple", [1]]]}, {"$set": [1]}, {1}],
    [{"a": 1}, collections.Counter(a=1), collections.defaultdict(None, a=1),
     collections.OrderedDict(a=1), types.MappingProxyType({"a": 1}), types.SimpleNamespace(a=1),
     collections.ChainMap({"a": 1}), collections.UserDict(a=1), Plain(a=1)],
    [collections.deque([1]), collections.deque([1], 1), collections.deque([1], 2), [1]],
    [collections.defaultdict(list), collections.defaultdict(set), collections.defaultdict(None)],
    [collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)],
    [collections.OrderedDict(a=1, b=2), moved(collections.OrderedDict(a=1, b=2))],
    [Ordered(a=1, b=2), moved(Ordered(a=1, b=2))],
    [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.Path("a"), "a"],
    [dt.timezone.utc, dt.timezone(dt.timedelta(0), "GMT"), zoneinfo.ZoneInfo("UTC"), "UTC"],
    [int, str, "int", Plain, Point, function, len, max, functools.partial(function)],
    [Plain(a=1).method, Plain(a=2).method, Plain.method, function],
    [[].append, [1].append, [].extend, "a".upper, "b".upper, str.upper, str.lower],
    [functools.partial(max, 1), functools.partial(max, 2), functools.partial(min, 1),
     functools.partial(max, key=1), functools.partialmethod(max, 1), max],
    [list[int], list[str], list, typing.List[int], typing.List, tuple[int], "list[int]"],
    [int | str, int | None, typing.Union, typing.Union[int, bytes], typing.Optional[str], int],
    [typing.Literal[1], typing.Literal["1"], typing.Literal[True]],
    [ValueError(1), ValueError("1"), ValueError(), KeyError(1), Exception(1)],
    [FileNotFoundError(2, "x", "a"), FileNotFoundError(2, "x", "b"), FileNotFoundError(2, "x")],
    [ImportError("x", name="a"), ImportError("x", name="b"), ImportError("x", path="a")],
    [operator.itemgetter(1), operator.itemgetter("1"), operator.attrgetter("a"),
     operator.methodcaller("a"), operator.methodcaller("a", 1), operator.methodcaller("a", k=1)],
    [slots(Slots, a=1), slots(Slots, b=1), slots(MoreSlots, a=1), slots(SlotsAndDict, a=1),
     slots(SlotsAndDict, a=1, z=1), Slots(), NoState(), Plain()],
    ["\ud83d\ude00", "\U0001f600", "\\ud83d\\ude00", "\ud83d", "\\ud83d"],
    [lambda: 1, lambda: 2],
    [2**5000, -(2**5000), 2**5000 + 1, format(2**5000, "x")],
    ["x" * 5000, "x" * 4999 + "y", b"x" * 5000, bytearray(b"x" * 5000)],
    [list(range(5000)), list(range(4999)), tuple(range(5000)), [*range(4999), 4999.0]],
    [memoryview(bytes(4)), memoryview(bytes(4)).cast("H"), memoryview(bytes(4)).cast("B", (2, 2))],
    [..., NotImplemented, None, "Ellipsis"],
    [json, "json", operator],
    [uuid.UUID(int=1), uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe), uuid.UUID(int=2)],
    [Renamed.A, Renamed.B, Renamed],
    [Masked.A, Masked.B, Masked.A | Masked.B],
    [memoryview(b"a"), memoryview(bytearray(b"a"))],
    [functools.partial(max, 1), carrying(functools.partial(max, 1), a=1),
     carrying(functools.partial(max, 1), a=2), Part(max, 1), carrying(Part(max, 1), a=1)],
]  # fmt: skip


class Twice(Slots):
    """Has two slots of one name, each with a value of its own."""

    __slots__ = ("a",)


class SlottedError(Exception):
    __slots__ = ("code",)


class HidingError(SlottedError):
    __slots__ = ("code",)


class MixedError(ValueError, SlottedError):
    pass


class Zone(dt.tzinfo, Slots):
    pass


class Gathered(ExceptionGroup):
    """Its arguments do not say what it has gathered."""

    def __new__(cls, message, code):
        return super().__new__(cls, message, [KeyError(code)])

    def __init__(self, message, code):
        super().__init__(message)


def hiding(value, **attributes):
    """`value`, with values in the slots of its base class, which its own hide."""
    base = type(value).__mro__[1]
    for name, item in attributes.items():
        vars(base)[name].__set__(value, item)
    return value


def in_dict(value, **attributes):
    """`value`, with attributes in its `__dict__` that slots of the same names hide."""
    vars(value).update(attributes)
    return value


# What the constructor of an exception took; `copy` and `pickle` forget what was set later.
EXCEPTIONS = [
    [OSError(1, "x"), carrying(OSError(1, "x"), errno=2), carrying(OSError(1, "x"), strerror="y")],
    [SyntaxError("x"), SyntaxError("x", ("f", 1, 2, "t")), SyntaxError("x", ("f", 2, 2, "t")),
     carrying(SyntaxError("x"), lineno=1), carrying(SyntaxError("x"), text="y")],
    [UnicodeDecodeError("ascii", b"a", 0, 1, "r"), UnicodeDecodeError("ascii", b"a", 0, 1, "s"),
     carrying(UnicodeDecodeError("ascii", b"a", 0, 1, "r"), reason="s")],
    [StopIteration(1), carrying(StopIteration(1), value=2)],
    [SystemExit(1), carrying(SystemExit(1), code=2)],
    [NameError("x"), NameError("x", name="a"), NameError("x", name="b")],
    [AttributeError("x"), AttributeError("x", name="a"), AttributeError("x", name="b"),
     AttributeError("x", obj=1), AttributeError("x", obj=2), AttributeError("x", obj="1")],
    [BlockingIOError(1, "x", 2), BlockingIOError(1, "x", 3)],
    [ExceptionGroup("x", [KeyError(1)]), ExceptionGroup("y", [KeyError(1)]),
     ExceptionGroup("x", [KeyError(2)]), Gathered("x", 1), Gathered("x", 2)],
    [slots(SlottedError, code=1), slots(SlottedError, code=2), slots(HidingError, code=1),
     hiding(HidingError(), code=1), hiding(HidingError(), code=2), slots(MixedError, code=1),
     slots(MixedError, code=2), HidingError()],
]  # fmt: skip

# What one attribute hides of another one.
HIDDEN = [
    [slots(Twice, a=1), slots(Twice, a=2), hiding(Twice(), a=1), hiding(slots(Twice, a=1), a=1),
     hiding(slots(Twice, a=1), a=2), hiding(Twice(), a=2), Twice()],
    [slots(SlotsAndDict, a=1), in_dict(slots(SlotsAndDict, a=1), a=1), in_dict(SlotsAndDict(), a=1),
     in_dict(slots(SlotsAndDict, a=2), a=1), in_dict(slots(SlotsAndDict, a=1), a=2)],
    [slots(Zone, a=1), slots(Zone, a=2), Zone()],
]  # fmt: skip


@pytest.mark.parametrize(
    "group", LOOKALIKES + EXCEPTIONS + HIDDEN, ids=lambda group: type(group[0]).__name__
)
def test_what_is_not_the_same_has_another_text(group):
    for one, other in itertools.combinations(group, 2):
        assert canonical(one) != canonical(other), (one, other)


def closure(value, default=None):
    def inner(x, y=default):
        return x, y, value

    return inner


def test_closures_count_by_what_they_capture():
    assert canonical(closure(1)) == canonical(closure(1))
    assert canonical(closure(1)) != canonical(closure(2))
    assert canonical(closure(1)) != canonical(closure(True))
    assert canonical(closure(1)) != canonical(closure(1, 2))
    with pytest.raises(UnstableKeyError) as error:
        canonical([closure(iter(()))])
    assert error.value.path.startswith("value[0]<captured ")


def test_functions_that_call_themselves_come_to_an_end():
    def factorial(n):
        return n * factorial(n - 1) if n else 1

    assert "factorial" in canonical(factorial)


def test_classes_of_main_are_named_anew_each_time(monkeypatch):
    Local = type("Local", (), {"__module__": "__main__"})
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "Local", Local, raising=False)
    monkeypatch.setattr(main, "__file__", "/some/first.py", raising=False)
    monkeypatch.setattr(main, "__spec__", None)
    assert canonical(Local()) == '{"$object":["first:Local",{}]}'
    monkeypatch.setattr(main, "__file__", "/some/second.py")
    assert canonical(Local()) == '{"$object":["second:Local",{}]}'


@pytest.mark.skipif(sys.version_info < (3, 14), reason="came with 3.14")
def test_template_strings_and_placeholders_count():
    from string.templatelib import Interpolation, Template

    parts = (1, "x", None, ""), (2, "x", None, ""), (1, "y", None, ""), (1, "x", "r", "")
    templates = [Template("a", Interpolation(*each)) for each in (*parts, (1, "x", None, ">3"))]
    templates += [Template("a"), Template(Interpolation(1, "x"), "a"), Template("b", "a")]
    texts = [canonical(template) for template in templates]
    assert texts == [canonical(Template(*template)) for template in templates]
    hole = functools.Placeholder
    partials = [functools.partial(max, hole, 1), functools.partial(max, hole, hole, 1)]
    texts += [canonical(each) for each in [*partials, functools.partial(max, 1)]]
    assert len(set(texts)) == 11


# ------------------------------------------------------------------------------------- equal


def test_unions_count_alike_however_they_are_written():
    assert canonical(int | None) == canonical(typing.Optional[int])
    assert canonical(int | str) == canonical(typing.Union[int, str])


def test_the_order_of_equal_dicts_and_sets_does_not_count():
    assert canonical({"a": 1, "b": [2]}) == canonical({"b": [2], "a": 1})
    assert canonical({1: 1, "b": 2}) == canonical({"b": 2, 1: 1})
    assert canonical({"a", "b", "c", 1, None}) == canonical({None, 1, "c", "b", "a"})
    assert canonical(Plain(a=1, b=2)) == canonical(Plain(b=2, a=1))


def test_all_nans_are_one():
    assert canonical([math.nan]) == canonical([float("-nan")])
    assert canonical({math.nan: 1, float("nan"): 2}) == canonical({math.nan: 2, float("nan"): 1})


# The last since Python 3.14, where `partialmethod.__new__` wants its arguments.
NOT_COPIED = (memoryview, types.MappingProxyType, types.ModuleType, functools.partialmethod)


@pytest.mark.parametrize("group", LOOKALIKES, ids=lambda group: type(group[0]).__name__)
def test_copies_have_one_text(group):
    for value in group:
        if not isinstance(value, NOT_COPIED):
            assert canonical(copy.deepcopy(value)) == canonical(value)


def test_a_shared_part_counts_as_two_equal_ones():
    part = [1, (2,)]
    assert canonical([part, part]) == canonical([part, [1, (2,)]])
    long = [(number,) for number in range(5000)]
    assert canonical([long, long]) == canonical([long, copy.deepcopy(long)])


def test_parts_that_are_shared_often_take_no_time():
    part = ["x"]
    for _ in range(90):
        part = [part, part]
    assert "$fold" in canonical(part)


def test_a_logger_is_a_name():
    import logging

    logger = logging.getLogger("some.where")
    logger.addHandler(logging.NullHandler())
    assert canonical(Plain(log=logger)) == canonical(Plain(log=logging.getLogger("some.where")))
    assert canonical(logger) != canonical(logging.getLogger("else.where"))


def test_an_exception_counts_without_its_traceback():
    try:
        raise ValueError(1)
    except ValueError as error:
        raised = error
    assert canonical(raised) == canonical(ValueError(1))
    raised.add_note("more")
    assert canonical(raised) != canonical(ValueError(1))


def test_letters_of_decimals_do_not_follow_the_context():
    number = decimal.Decimal("1e20")
    before = canonical(number)
    with decimal.localcontext() as context:
        context.capitals = 0
        assert str(number) == "1e+20"
        assert canonical(number) == before


def test_large_integers_do_not_meet_the_limit_of_digits():
    limit = sys.get_int_max_str_digits()
    value = [10**616, 10**700, -(10**5000)]
    before = canonical(value)
    sys.set_int_max_str_digits(640)
    try:
        assert canonical(value) == before
    finally:
        sys.set_int_max_str_digits(limit)


# ------------------------------------------------------------------------- fields and states


def test_a_dataclass_with_a_field_that_is_not_set():
    @findable
    @dataclass
    class Late:
        x: int
        y: int = field(init=False)

    late = Late(1)
    before = canonical(late)
    late.y = 2
    assert canonical(late) != before


def test_subclasses_of_builtins_count_with_class_and_state():
    @findable
    class Items(list):
        pass

    @findable
    class Items2(list):
        pass

    first, second = Items([1]), Items([1])
    assert canonical(first) == canonical(second) != canonical(Items2([1]))
    second.more = 1
    assert canonical(first) != canonical(second)


@pytest.mark.parametrize(
    ("base", "one", "other"),
    [(str, "a", "b"), (int, 1, 2), (float, 1.0, 2.0), (bytes, b"a", b"b"), (bytearray, b"a", b"b"),
     (list, [1], [2]), (tuple, (1,), (2,)), (dict, {1: 1}, {1: 2}), (set, {1}, {2}),
     (frozenset, {1}, {2}), (complex, 1j, 2j), (collections.OrderedDict, {1: 1}, {1: 2}),
     (collections.Counter, "a", "b"), (collections.deque, [1], [2]), (decimal.Decimal, "1", "2"),
     (fractions.Fraction, 1, 2), (uuid.UUID, "0" * 32, "1" * 32), (pathlib.PurePosixPath, "a", "b"),
     (ipaddress.IPv4Address, "1.2.3.4", "1.2.3.5"), (ipaddress.IPv6Interface, "::1/64", "::1/65"),
     (dt.timedelta, 1, 2), (types.SimpleNamespace, {"a": 1}, {"a": 2}),
     (array.array, "i", "q")],
)  # fmt: skip
def test_methods_that_a_subclass_overrides_are_not_asked(base, one, other):
    lies = {
        name: lambda self, *args: 1 / 0 for name in ("__iter__", "__str__", "__int__", "__repr__")
    }
    lies |= {name: lambda self: 1 / 0 for name in ("items", "keys", "__len__", "__float__")}
    made = findable(type("Liar", (base,), {"__module__": __name__}))
    first, again, second = (
        made(**given) if base is types.SimpleNamespace else made(given)
        for given in (one, one, other)
    )
    for name, lie in lies.items():
        setattr(made, name, lie)
    assert canonical(first) == canonical(again) != canonical(second)


class Keyed:
    def __init__(self, key, rest=None):
        self.key = key
        self.rest = rest

    def __beautyspot_key__(self):
        return self.key


class SubKeyed(Keyed):
    pass


def test_a_class_may_say_what_counts():
    assert canonical(Keyed(1, object())) == canonical(Keyed(1, threading.Lock()))
    assert canonical(Keyed(1)) != canonical(Keyed(2))
    assert canonical(Keyed(1)) != canonical(SubKeyed(1)) != canonical(1)


# ----------------------------------------------------------------------------------- without


def test_attributes_may_be_left_out():
    lock = threading.Lock()
    first = Without(Plain(a=1, client=lock), ("client",))
    assert canonical(first) == canonical(Without(Plain(a=1, client=2), ("client",)))
    assert canonical(first) == canonical(Plain(a=1))
    assert canonical(first) != canonical(Without(Plain(a=2, client=lock), ("client",)))


def test_attributes_of_attributes_may_be_left_out():
    def service(lock):
        return Plain(http=Plain(session=lock, url="u", pool=Plain(size=1, lock=lock)), a=1)

    paths = ("http.session", "http.pool.lock")
    made = canonical(Without(service(iter(())), paths))
    assert made == canonical(Without(service(iter(())), paths))
    assert '"url":"u"' in made
    assert '"size":1' in made
    with pytest.raises(UnstableKeyError) as error:
        canonical(Without(service(iter(())), ("http.session",)))
    assert error.value.path == "value.http.pool.lock"


def test_left_out_of_fields_slots_namespaces_and_subclasses():
    @findable
    class Items(list):
        pass

    items = Items([1])
    items.lock = iter(())
    lock = iter(())
    for value, path in [
        (Point(1, lock), "y"),
        (slots(Slots, a=1, b=lock), "b"),
        (types.SimpleNamespace(a=1, b=lock), "b"),
        (items, "lock"),
    ]:
        canonical(Without(value, (path,)))
        with pytest.raises(UnstableKeyError):
            canonical(value)


def test_paths_that_lead_to_nothing_leave_nothing_out():
    assert canonical(Without(Plain(a=1), ("b", "a.b"))) == canonical(Plain(a=1))
    assert canonical(Without(3, ("b",))) == "3"
    assert canonical(Without([1], ("b",))) == "[1]"


def test_the_same_object_elsewhere_counts_in_full():
    plain = Plain(a=1, b=2)
    made = canonical([Without(plain, ("b",)), plain, Without(plain, ("a",))])
    assert made == f"[{canonical(Plain(a=1))},{canonical(plain)},{canonical(Plain(b=2))}]"
    rest = {f"name{number}": [number] for number in range(1000)}  # long enough to be remembered
    long = Plain(b=1, c=2, **rest)
    without_b, without_c = Without(long, ("b",)), Without(long, ("c",))
    made = canonical([long, without_b, long, without_c, long])
    assert made == canonical([long, Plain(c=2, **rest), long, Plain(b=1, **rest), long])
    made = canonical([without_b, without_c, long])
    assert made == canonical([Plain(c=2, **rest), Plain(b=1, **rest), long])


# ------------------------------------------------------------------------------------ refused


def numbers():
    yield 1


class Iterator:
    def __next__(self):
        return 1


class Awaitable:
    def __await__(self):
        yield


class Thread(threading.Thread):
    pass


class Session:
    def __init__(self):
        self._file = iter(())


REFUSED = [
    object, threading.Event, Thread,
    threading.local, queue.Queue, queue.SimpleQueue, asyncio.Event, asyncio.Queue,
    io.BytesIO, io.StringIO, Iterator, Awaitable, numbers, weakref.WeakSet,
    weakref.WeakValueDictionary,
]  # fmt: skip


LOCKS = [
    threading.Lock, threading.RLock, threading.Condition, threading.Semaphore, asyncio.Lock,
    threading.BoundedSemaphore, asyncio.Condition, asyncio.Semaphore,
]  # fmt: skip


def test_what_orders_work_counts_as_its_class():
    assert len({canonical(make()) for make in LOCKS}) == len(LOCKS)
    lock = threading.Lock()
    before = canonical(Plain(lock=lock))
    with lock:
        assert canonical(Plain(lock=lock)) == before == canonical(Plain(lock=threading.Lock()))
    assert canonical(threading.Semaphore(1)) == canonical(threading.Semaphore(2))


def test_a_context_variable_counts_by_the_value_that_it_has():
    one, other = ContextVar("one"), ContextVar("one", default=None)
    texts = {canonical(each) for each in (one, other, ContextVar("other"))}
    token = one.set(None)
    texts |= {canonical(one)}
    assert len(texts) == 3, "by its value, however it came by that"
    one.set(1)
    assert canonical(Plain(at=one)) not in texts
    one.reset(token)
    assert canonical(one) == canonical(ContextVar("one"))
    with pytest.raises(UnstableKeyError):
        canonical(copy_context())


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__qualname__)
def test_what_has_no_stable_form_is_refused(make):
    with pytest.raises(
        UnstableKeyError, match="__beautyspot_key__|pass a list|pass its path|await it"
    ):
        canonical(make())


def test_what_extension_types_hide_is_refused():
    import _random

    class Hiding(_random.Random):  # its numbers stand in no attribute
        pass

    for value in (Hiding(), struct.Struct("i"), hashlib.sha256()):
        with pytest.raises(UnstableKeyError):
            canonical(value)


def test_a_memoryview_counts_by_what_it_shows():
    assert canonical(memoryview(b"abcd")[::2]) == canonical(memoryview(b"ac"))
    assert canonical(memoryview(b"abcd")[::2]) != canonical(memoryview(b"ad"))


def test_the_fold_counts():
    late = dt.datetime(2024, 10, 27, 2, 30)
    assert canonical(late) != canonical(late.replace(fold=1))
    assert canonical(late.time()) != canonical(late.time().replace(fold=1))


def test_a_tuple_with_more_than_its_items():
    assert canonical(time.gmtime(0)) == canonical(time.gmtime(0)) != canonical(time.gmtime(1))
    local = time.struct_time((*time.gmtime(0), "CET", 3600))
    assert local == time.gmtime(0)
    assert canonical(local) != canonical(time.gmtime(0))


def test_the_path_of_what_is_refused():
    cases = {
        "value.session._file": Plain(session=Session()),
        "value['a'][1]": {"a": [1, object()]},
        "value[1]": (1, object()),
        "value<element>": {object()},
        "value<key>": {object(): 1},
        "value[2]": {2: object()},
        "value[2].http._file": [1, 2, Plain(http=Session())],
        "value<args>[0]": functools.partial(function, object()),
        "value.__self__.a": Plain(a=object()).method,
        "value.default_factory": collections.defaultdict(functools.partial),
        "value.maps[1]['a']": collections.ChainMap({}, {"a": object()}),
        "value.y": Point(1, object()),
        "value['long name lo...me long name ']": {"long name " * 5: object()},
    }
    cases["value.default_factory.__self__"] = collections.defaultdict(Session().__init__)
    cases.pop("value.default_factory")
    for path, value in cases.items():
        with pytest.raises(UnstableKeyError) as error:
            canonical(value)
        assert error.value.path.startswith(path)
        assert str(error.value).startswith(path)


def test_values_that_contain_themselves_are_refused():
    loop = []
    loop.append(loop)
    ring = {}
    ring["a"] = [ring]
    tree = Plain()
    tree.child = Plain(parent=tree)
    for value, path in [(loop, "value[0]"), (ring, "value['a'][0]"), (tree, "value.child.parent")]:
        with pytest.raises(UnstableKeyError, match="contains itself") as error:
            canonical(value)
        assert error.value.path == path


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_values_may_be_as_deep_as_pythons_stack_takes():
    assert canonical(nested(100)) == "[" * 100 + "]" * 100
    with pytest.raises(UnstableKeyError, match="could not be read .RecursionError"):
        canonical(nested(5000))


def test_deep_in_the_stack_there_is_no_recursion_error():
    def deep(levels):
        return deep(levels - 1) if levels else canonical(nested(90))

    room = sys.getrecursionlimit()
    with pytest.raises(UnstableKeyError, match="could not be read .RecursionError"):
        deep(room - 250)


class Hidden:
    @property
    def __dict__(self):
        return {}


class Shown(Plain):
    @property
    def __dict__(self):
        return {}


class Reluctant(Plain):
    def __getattribute__(self, name):
        raise RuntimeError(name)


class Curious(Slots):
    __slots__ = ()

    def __getattr__(self, name):
        raise KeyError(name)


@pytest.mark.parametrize("kind", [Shown, Reluctant, Curious])
def test_what_an_object_says_of_its_attributes_is_not_asked(kind):
    made = [object.__new__(kind) for _ in range(3)]
    for value, one in zip(made, (1, 1, 2), strict=True):
        object.__setattr__(value, "a", one)
    assert canonical(made[0]) == canonical(made[1]) != canonical(made[2])


def test_attributes_that_nobody_can_see_are_refused():
    with pytest.raises(UnstableKeyError, match="hides its __dict__"):
        canonical(Hidden())


def test_many_numbers_are_told_apart() -> None:
    """Those of one kind are taken as their bytes, and all others one by one."""
    rest = [0.5] * 299
    lasts: list[object] = [
        0.5,
        0.25,
        -0.5,
        0.0,
        -0.0,
        1e308,
        -1e308,
        math.inf,
        math.nan,
        1,
        True,
        None,
    ]
    lists: list[object] = [[*rest, last] for last in lasts]
    lists += [
        (*rest, 0.5),
        rest,
        [*rest, 0.5, 0.5],
        [1] * 300,
        [True] * 300,
        [1] * 301,
        [*rest, decimal.Decimal(1)],
        [*[1] * 299, decimal.Decimal(1)],
        [*rest, b"x"],
        [*rest, bytearray(b"x")],
    ]
    assert len({canonical(each) for each in lists}) == len(lists)
    for bits in ("010000000000f87f", "000000000000f8ff", "010000000000f07f"):
        (other,) = struct.unpack("<d", bytes.fromhex(bits))
        assert canonical([*rest, other]) == canonical([*rest, math.nan])
