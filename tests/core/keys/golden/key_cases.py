"""What the golden file of keys holds: a wide choice of values, by name.

Run as a script under any supported Python it prints the file, with nothing installed but the
standard library::

    PYTHONPATH=beautyspot-core/src python tests/core/keys/golden/key_cases.py > keys.json

The file is frozen: a change in it is a new key scheme, and a new scheme is a major release.
"""

# ruff: noqa: UP006, UP045, DTZ001 - the old forms are values here

from __future__ import annotations

import array
import asyncio
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import ipaddress
import json
import logging
import math
import operator
import pathlib
import re
import sys
import threading
import types
import typing
import uuid
import zoneinfo
from dataclasses import InitVar, dataclass, field

T = typing.TypeVar("T")


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    A = "a"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


Pair = collections.namedtuple("Pair", "left right")


class TypedPair(typing.NamedTuple):
    left: int
    right: str = "r"


@dataclass
class Point:
    x: int
    y: object = None
    hidden: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Frozen:
    x: int


@dataclass
class Scaled:
    x: int
    scale: InitVar[int] = 1

    def __post_init__(self, scale):
        self.scaled = self.x * scale


class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)

    def method(self):
        return self

    @functools.cached_property
    def cached(self):
        return 1

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static():
        return None


class Slotted:
    __slots__ = ("__private", "public", "unset")

    def __init__(self):
        self.public = 1
        self.__private = 2


class Keyed:
    def __init__(self, key):
        self.key = key

    def __beautyspot_key__(self):
        return self.key


class Text(str):
    pass


class Number(int):
    pass


class Items(list):
    def __init__(self, *args, extra=None):
        super().__init__(*args)
        self.extra = extra


class Mapping(dict):
    pass


class Generic(typing.Generic[T]):
    pass


class Problem(Exception):
    pass


def function(x, y=1):
    return x + y


@functools.lru_cache
def remembered(x):
    return x


def factory(captured):
    def inner(x):
        return x + captured

    return inner


def local_dispatch(number):
    @functools.singledispatch
    def local(x):
        return number

    local.register(int, function)
    return local


def shared():
    part = ["x" * 3000]
    for _ in range(60):
        part = [part, part]
    return part


def used_path():
    path = pathlib.PurePosixPath("a") / "b"
    str(path), path.parts, hash(path)
    return path


def used_property():
    plain = Plain(a=1)
    assert plain.cached == 1
    return plain


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

CASES = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "minus": -17,
    "int 64": 2**64,
    "int 2047": 2**2047 - 1,
    "int 2048": 2**2048,
    "int minus 2048": -(2**2048),
    "int 100000": 3**100_000,
    "float": 0.1,
    "float one": 1.0,
    "float zero": 0.0,
    "float minus zero": -0.0,
    "float nan": math.nan,
    "float inf": math.inf,
    "float minus inf": -math.inf,
    "float large": 1e300,
    "float 1e16": 1e16,
    "float smallest": 5e-324,
    "complex": 1.5 - 2j,
    "complex nan": complex(math.nan, -0.0),
    "str empty": "",
    "str": "hello",
    "str escapes": '\0\x1f"\\/\n\x7f\u2028',
    "str accents": "é e\u0301 ß",
    "str wide": "\U0001f600",
    "str surrogate": "\ud83d",
    "str surrogates": "\ud83d\ude00",
    "str escaped": "\\ud83d",
    "str 1024": "x" * 1024,
    "str 1025": "x" * 1025,
    "str long wide": "é\U0001f600\ud800" * 50_000,
    "str controls": "\0" * 1024,
    "bytes empty": b"",
    "bytes": b"hello",
    "bytes 1024": b"x" * 1024,
    "bytes 1025": b"x" * 1025,
    "bytearray": bytearray(b"hello"),
    "memoryview": memoryview(b"hello"),
    "memoryview steps": memoryview(b"hello")[::2],
    "memoryview shape": memoryview(bytes(6)).cast("B", (2, 3)),
    "memoryview short": memoryview(bytes(6)).cast("H"),
    "list empty": [],
    "list": [1, "a", None, True, 1.5],
    "list nested": [[1], [2, [3]], ()],
    "list ints": list(range(10_000)),
    "list floats": [x / 7 for x in range(3000)],
    "list strs": [str(x) for x in range(3000)],
    "list mixed": [1, "a", math.nan, 2**3000, "x" * 2000],
    "list large int": [1, 2**2048],
    "list large str": ["a", "x" * 1025],
    "tuple": (1, 2),
    "tuple nested": ((1,), [2]),
    "dict empty": {},
    "dict": {"b": 1, "a": [1, 2]},
    "dict flat": {"b": 1, "a": "x"},
    "dict wide": {"é": 1, "\U0001f600": 2, "\uffff": 3, "z": 4},
    "dict ints": {2: "b", 1: "a", 10: "c"},
    "dict mixed": {1: 1, "1": 2, 1.5: 3, None: 4, (1, 2): 5, True if False else "True": 6},
    "dict tags": {"$tuple": [1, 2]},
    "dict tags flat": {"$tuple": 1, "a": 2},
    "dict long key": {"k" * 1025: 1},
    "dict nan": {math.nan: 1, float("nan"): 2},
    "set": {3, 1, 2, "a", None, (1,)},
    "set empty": set(),
    "frozenset": frozenset({1, frozenset({2})}),
    "range": range(1, 10, 3),
    "slice": slice(1, None, 2),
    "ellipsis": ...,
    "not implemented": NotImplemented,
    "mappingproxy": types.MappingProxyType({"a": 1}),
    "namespace": types.SimpleNamespace(b=1, a=[2]),
    "array": array.array("i", [1, 2, 3]),
    "array large": array.array("d", [1.5] * 1000),
    "deque": collections.deque([1, 2], maxlen=5),
    "ordereddict": collections.OrderedDict([("b", 1), ("a", 2)]),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "counter": collections.Counter("abca"),
    "chainmap": collections.ChainMap({"a": 1}, {"b": 2}),
    "userdict": collections.UserDict({"a": 1}),
    "date": dt.date(2024, 2, 29),
    "datetime": dt.datetime(2024, 2, 29, 1, 2, 3, 4),
    "datetime utc": dt.datetime(2024, 2, 29, tzinfo=dt.UTC),
    "datetime zone": dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN),
    "datetime fold": dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
    "time": dt.time(1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
    "timedelta": dt.timedelta(-1, 2, 3),
    "timezone": dt.timezone(dt.timedelta(hours=1), "CET"),
    "zoneinfo": BERLIN,
    "decimal": decimal.Decimal("1.50"),
    "decimal exponent": decimal.Decimal("1E+5"),
    "decimal nan": decimal.Decimal("NaN"),
    "fraction": fractions.Fraction(-3, 6),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "path": pathlib.PurePosixPath("a/b"),
    "path used": used_path(),
    "path windows": pathlib.PureWindowsPath("C:\\a"),
    "ipv4": ipaddress.ip_address("10.0.0.1"),
    "ipv6": ipaddress.ip_address("::1"),
    "ipv6 mapped": ipaddress.ip_address("::ffff:10.0.0.1"),
    "ipv6 scope": ipaddress.ip_address("fe80::1%eth0"),
    "ip network": ipaddress.ip_network("10.0.0.0/8"),
    "ip interface": ipaddress.ip_interface("::1/64"),
    "pattern": re.compile("a.b", re.IGNORECASE),
    "pattern bytes": re.compile(b"a"),
    "lock": threading.Lock(),
    "semaphore": asyncio.Semaphore(2),
    "logger": logging.getLogger("some.where"),
    "itemgetter": operator.itemgetter(1, "a"),
    "attrgetter": operator.attrgetter("a.b"),
    "methodcaller": operator.methodcaller("m", 1, k=2),
    "enum": Colour.RED,
    "enum int": Level.LOW,
    "enum str": Word.A,
    "flag": Right.READ | Right.WRITE,
    "flag none": Right(0),
    "flag int": re.IGNORECASE | re.DOTALL,
    "namedtuple": Pair(1, 2),
    "typed namedtuple": TypedPair(1),
    "dataclass": Point(1, [2], 3),
    "dataclass frozen": Frozen(1),
    "dataclass initvar": Scaled(2, 3),
    "object": Plain(b=1, a=Plain()),
    "object property": used_property(),
    "object dollar": Plain(**{"$a": 1}),
    "slots": Slotted(),
    "own key": Keyed({"a": (1, 2)}),
    "str subclass": Text("a"),
    "int subclass": Number(1),
    "list subclass": Items([1], extra=2),
    "dict subclass": Mapping(a=1),
    "generic instance": Generic[int](),
    "exception": Problem("a", 1),
    "exception os": FileNotFoundError(2, "none", "file.txt"),
    "exception group": ExceptionGroup("several", [ValueError(1), KeyError("k")]),
    "exception import": ImportError("m", name="n", path="p"),
    "class": Plain,
    "class builtin": dict,
    "function local dispatch": local_dispatch(1),
    "function": function,
    "function remembered": remembered,
    "function builtin": len,
    "function module": math.sqrt,
    "function static": Plain.static,
    "closure": factory(2),
    "closure nested": factory(factory(3)),
    "lambda": lambda x: x * 2,
    "method": Plain(a=1).method,
    "method class": Plain.of_class,
    "method builtin": "abc".upper,
    "method descriptor": str.upper,
    "method wrapper": (1).__add__,
    "partial": functools.partial(function, 1, y=2),
    "module": json,
    "generic": dict[str, list[int]],
    "generic typing": typing.Dict[str, typing.List[int]],
    "generic bare": typing.List,
    "generic callable": typing.Callable[[int], str],
    "generic abc": collections.abc.Callable[[int], str],
    "union": int | None,
    "union typing": typing.Optional[int],
    "union bare": typing.Union,
    "union class": types.UnionType,
    "literal": typing.Literal[1, "a", True],
    "annotated": typing.Annotated[int, "m"],
    "annotated bare": typing.Annotated,
    "any": typing.Any,
    "type variable": T,
    "large nested": [[x, str(x), (x,)] for x in range(2000)],
    "shared": shared(),
    "json": {"model": "m", "messages": [{"role": "user", "content": "hi" * 1000}], "t": 0.5},
}


def keys():
    """name -> input_id and cache key."""
    from beautyspot.keys.generator import KeyGen, KeyMaker

    keygen, old = KeyGen(), KeyGen(digest="md5")
    ids = {name: keygen.input_id((value,), {}) for name, value in CASES.items()}
    ids |= {
        "call empty": keygen.input_id((), {}),
        "call flat": keygen.input_id(("a", 1, None, True, 1.5), {"z": 1, "k": "v", "é": None}),
        "call mixed": keygen.input_id(("a", [1]), {"z": (1,), "$tuple": [1]}),
        "call md5": old.input_id(("a", 1), {}),
        "call md5 mixed": old.input_id(("a", [1]), {"k": (1,)}),
    }
    further = {
        "key": KeyMaker("module:function", None)(ids["call flat"]),
        "key version": KeyMaker("module:function", "1")(ids["call flat"]),
        "key empty version": KeyMaker("module:function", "")(ids["call flat"]),
        "key of a user": KeyMaker("module:fünction", "é")("my id \ud800"),
        "key md5": KeyMaker("module:function", "1", old.digest)(ids["call flat"]),
    }
    return ids | further | {f"key {n}": KeyMaker("m:f", "1")(made) for n, made in ids.items()}


def texts():
    """name -> canonical text of those that are short enough to be read."""
    from beautyspot.keys.generator import canonical

    made = {name: canonical(value) for name, value in CASES.items()}
    return {name: text for name, text in made.items() if len(text) < 400}


def without_dependencies():
    """Let modules of `beautyspot` be imported without its `__init__`, which needs others."""
    for path in sys.path:
        package = pathlib.Path(path) / "beautyspot"
        if (package / "keygen.py").is_file():
            module = types.ModuleType("beautyspot")
            module.__path__ = [str(package)]
            sys.modules["beautyspot"] = module


if __name__ == "__main__":
    without_dependencies()
    json.dump({"keys": keys(), "texts": texts()}, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
