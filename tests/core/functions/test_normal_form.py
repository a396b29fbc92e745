"""Sources that are one code, and sources that are two."""

from __future__ import annotations

import ast
import functools
import sys
from typing import Any

import pytest
from beautyspot.functions.code.forms import constant_form, digest_of, text_of
from beautyspot.functions.code.normal_form import UNKNOWN, follow, normal_form


def form(source: str, **names: object) -> object:
    """The normal form of the last definition in `source`; `names` are the globals."""
    node = ast.parse(source).body[-1]
    if isinstance(node, ast.Expr):
        node = node.value  # type: ignore[assignment]
    return normal_form(node, lambda name: names.get(name, UNKNOWN))  # type: ignore[arg-type]


ONE = [
    ("def f(x): return x", "def f( x ):\n\n    # a comment\n    return (x)  # another"),
    ("def f(x): return x", 'def f(x):\n    """A docstring."""\n    return x'),
    ("def f(x): return x", "def f(x: int) -> str: return x"),
    ("def f(*a, **k): return a", "def f(*a: int, **k: int): return a"),
    ("def f(x, *, y): return x", "def f(x: int, *, y: 'int'): return x"),
    ("def f(x): return x", "def g(x): return x"),
    ("def f(): pass", "def f(): ..."),
    ("def f(): pass", "def f(): 'doc'"),
    ("def f():\n  y = 1", "def f():\n  y: int = 1"),
    ("def f(): return 'a'", 'def f(): return "a"'),
    ("def f(): return 'a'", "def f(): return u'a'"),
    ("def f(): return 'ab'", "def f(): return 'a' 'b'"),
    ("def f(): return 'ab'", "def f(): return f'a' 'b'"),
    ("def f(): return ''", "def f(): return f''"),
    ("def f(): return f'{x}ab'", "def f(): return f'{x}a' f'b' ''"),
    ("def f(): return f'{x}'", "def f(): return f'{x:}'"),
    ("def f(): return f'{x}'", "def f(): return f'{  x  }'"),
    ("def f(): return 255", "def f(): return 0xff"),
    ("def f(): return 1.0", "def f(): return 1.00"),
    ("def f(): return 1000", "def f(): return 1_000"),
    ("def f(): return (1, 2)", "def f(): return 1, 2,"),
    ("lambda x: x", "(lambda x:\n    x)"),
    ("@s.mark\ndef f(): pass", "def f(): pass"),
    ("@s.mark(version=1)\ndef f(): pass", "@s.mark(version=2)\ndef f(): pass"),
    ("@s.mark\n@s.limiter(cost=1)\ndef f(): pass", "@s.limiter(cost=2)\ndef f(): pass"),
    ("@above\n@s.mark\ndef f(): pass", "@s.mark\ndef f(): pass"),
    ("@s.mark\n@beneath\ndef f(): pass", "@beneath\ndef f(): pass"),
    ("class A:\n  def m(self): pass", "class A:\n  'doc'\n  def m(self):\n    'doc'"),
    ("class A:\n  @s.mark\n  def m(self): pass", "class A:\n  def m(self): pass"),
]

TWO = [
    ("def f(x): return x", "def f(y): return y"),
    ("def f(x): return x", "async def f(x): return x"),
    ("def f(x): return x", "def f(*x): return x"),
    ("def f(x): return x", "def f(*, x): return x"),
    ("def f(x, /): return x", "def f(x): return x"),
    ("def f(x): return x", "def f(x=1): return x"),
    ("def f(*, x=1, y): pass", "def f(*, x, y=1): pass"),
    ("def f(): return 1", "def f(): return 1.0"),
    ("def f(): return 1", "def f(): return True"),
    ("def f(): return 1", "def f(): return '1'"),
    ("def f(): return 'a'", "def f(): return b'a'"),
    ("def f(): return 1", "def f(): return 1j"),
    ("def f(): return None", "def f(): return ..."),
    ("def f(): return 'None'", "def f(): return None"),
    ("def f(): return f'{x}'", "def f(): return f'{x!r}'"),
    ("def f(): return f'{x}'", "def f(): return f'{x:>3}'"),
    ("def f(): return f'{x:>3}'", "def f(): return f'{x:>{w}}'"),
    ("def f(): return f'{x}'", "def f(): return '{x}'"),
    ("def f(): return f'{x}'", "def f(): return f'{x=}'"),
    ("def f(): return a + b", "def f(): return a - b"),
    ("def f(): return {**a}", "def f(): return {'a': a}"),
    ("def f():\n  y = 1", "def f():\n  y: int"),
    ("def f():\n  global a\n  a = 1", "def f():\n  a = 1"),
    ("def f():\n  def g(): pass", "def f():\n  def h(): pass"),
    (
        "def f():\n  match x:\n    case None: return 1",
        "def f():\n  match x:\n    case True: return 1",
    ),
    ("def f():\n  return\n  g()", "def f():\n  g()\n  return"),
    ("def f():\n  for x in y:\n    g()", "def f():\n  for x in y:\n    pass\n  g()"),
    ("@beneath\ndef f(): pass", "def f(): pass"),
    ("@beneath(1)\ndef f(): pass", "@beneath(2)\ndef f(): pass"),
    ("@mark\ndef f(): pass", "def f(): pass"),
    ("@pytest.mark.slow\ndef f(): pass", "def f(): pass"),
    ("@a[0].mark\ndef f(): pass", "def f(): pass"),
    # someone may read these
    ("@beneath\ndef f(): 'doc'", "@beneath\ndef f(): pass"),
    ("@beneath\ndef f(x: int): pass", "@beneath\ndef f(x: str): pass"),
    ("@beneath\ndef f() -> int: pass", "@beneath\ndef f() -> str: pass"),
    ("class A(B): 'doc'", "class A(B): pass"),
    ("class A(B): pass", "class A(C): pass"),
    ("class A(k=B): pass", "class A(k=C): pass"),
    ("@d\nclass A: 'doc'", "@d\nclass A: pass"),
    ("class A:\n  x: int", "class A:\n  x: str"),
    ("class A:\n  x: int = 1", "class A:\n  x = 1"),
    ("lambda x: x", "lambda x, y: x"),
    ("lambda x=1: x", "lambda x=2: x"),
]


@pytest.mark.parametrize(("one", "other"), ONE)
def test_looks_do_not_count(one: str, other: str):
    assert form(one) == form(other)


@pytest.mark.parametrize(("one", "other"), TWO)
def test_what_may_change_a_result_counts(one: str, other: str):
    assert form(one) != form(other)
    assert digest_of(form(one)) != digest_of(form(other))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters_do_not_count():
    assert form("def f[T](x: T) -> T: return x") == form("def f(x): return x")


def test_digits_beyond_the_limit_of_decimal_conversion_are_fine():
    long = 1 << 20_000
    assert constant_form(long) == ("int", f"{long:x}")
    assert constant_form(long) != constant_form(long + 1)


def test_neighbouring_texts_of_an_f_string_are_one():
    """Versions of Python cut them differently."""
    whole, cut = ast.parse("lambda: f'ab{x}'"), ast.parse("lambda: f'ab{x}'")
    joined: Any = cut.body[0].value.body  # type: ignore[attr-defined]
    joined.values[:1] = [ast.Constant("a"), ast.Constant("b")]
    joined.values.append(ast.Constant(""))
    forms = [normal_form(tree.body[0].value) for tree in (whole, cut)]  # type: ignore[attr-defined]
    assert forms[0] == forms[1]


class Ours:
    """Stands for a `Spot`, which lives in a module of ours."""

    __module__ = "beautyspot.spot"

    def mark(self) -> None: ...

    namespace: dict[str, Any] = {"__name__": "beautyspot.spot"}
    exec("def cache(func): return func", namespace)
    cache = namespace["cache"]


class Theirs:
    def mark(self) -> None: ...

    limiter = mark


@pytest.mark.parametrize(
    "alias",
    [Ours.cache, Ours().cache, functools.partial(Ours().cache, version=1), Ours()],
)
def test_our_decorators_are_known_under_any_name(alias: object):
    assert form("@alias(1)\ndef f(): pass", alias=alias) == form("def f(): pass")
    assert form("@a.b\ndef f(): pass", a=type("A", (), {"b": alias})) == form("def f(): pass")


@pytest.mark.parametrize("theirs", [Theirs(), Theirs, 3])
def test_a_mark_of_others_counts_where_it_can_be_told(theirs: object):
    if theirs == 3:  # has no `mark`, so nothing can be told
        assert form("@s.mark\ndef f(): pass", s=theirs) == form("def f(): pass")
    else:
        assert form("@s.mark\ndef f(): pass", s=theirs) != form("def f(): pass")


def test_a_function_that_we_wrap_is_not_a_decorator_of_ours():
    namespace: dict[str, Any] = {"__name__": "beautyspot.calls.wrappers"}
    exec("def wrapper(func): return func", namespace)
    wrapper = namespace["wrapper"]
    wrapper.__beautyspot__, wrapper.__wrapped__ = "task", Theirs.mark
    assert form("@retry\ndef f(): pass", retry=wrapper) != form("def f(): pass")


def test_attributes_are_followed_without_running_them():
    class Lazy:
        @property
        def value(self) -> None:
            raise AssertionError

        def __getattr__(self, name: str) -> None:
            raise AssertionError

    assert follow(Lazy(), ["value"]) is vars(Lazy)["value"]
    assert follow(Lazy(), ["other", "more"]) is UNKNOWN


def test_texts_of_forms_can_not_be_faked():
    forms = [
        ("a", "b"),
        ("ab",),
        ("a,1:b",),
        (("a",), "b"),
        ("a", ("b",)),
        "ab",
        b"ab",
        None,
        "None",
        1,
    ]
    assert len({text_of(item) for item in forms}) == len(forms)
    assert text_of(["a"]) == text_of(("a",))


def test_constants_of_every_plain_type_have_a_form():
    import datetime as dt
    import decimal
    import re

    one = [
        *(None, ..., True, 1, 1.0, 1j, "1", b"1", range(1), (1,), frozenset({1}), (1.0,), ("1",)),
        *(re.compile("1"), re.compile(b"1"), re.compile("1", re.IGNORECASE)),
        *(dt.date(2024, 1, 1), decimal.Decimal(1), dt.timedelta(1), -0.0, 0.0),
    ]
    texts = {text_of(constant_form(item)) for item in one}
    assert len(texts) == len(one)


def test_a_frozen_set_has_one_form_in_any_order():
    numbers = [frozenset([8, 0]), frozenset([0, 8])]  # one slot in the table: two orders
    assert [list(item) for item in numbers][0] != [list(item) for item in numbers][1]
    assert constant_form(numbers[0]) == constant_form(numbers[1])


@pytest.mark.parametrize(
    "value", [[], {}, (1, []), object(), frozenset({object()}), type("S", (str,), {})()]
)
def test_what_is_no_plain_constant_has_none(value: object):
    assert constant_form(value) is None
