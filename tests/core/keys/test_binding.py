"""Binders: every way to write a call is one call, and what does not fit is refused as usual."""

from __future__ import annotations

import functools
import inspect
import operator
import threading

import pytest
from beautyspot.errors import ConfigError, UnstableKeyError
from beautyspot.keys.binding import Binding, Omitted
from beautyspot.keys.generator import KeyGen
from beautyspot.keys.walk import Without
from hypothesis import given, settings
from hypothesis import strategies as st

SENTINEL = object()
MUTABLE = []


def plain(a, b=2):
    return a, b


def everything(a, /, b, c=3, *rest, d, e=5, **more):
    return a, b, c, rest, d, e, more


def odd_names(args, kwargs, _c0=1, _c_=2, *, bind, Without=3, self=4):
    return args, kwargs


def mutable(x=MUTABLE, *, y=SENTINEL):
    return x, y


def nothing():
    return None


def variadic(*args, **kwargs):
    return args, kwargs


class Service:
    def ask(self, prompt, client=None):
        return prompt

    def __call__(self, x, y=1):
        return x

    @classmethod
    def of_class(cls, x=1):
        return x

    @staticmethod
    def static(x=1):
        return x

    def __private(self, __x=1):
        return __x

    private = __private


def binder(function, **options):
    """What a call gives: its arguments by name."""
    binding = Binding(function, **options)
    return lambda *args, **kwargs: binding.named(binding.bind(*args, **kwargs))


def test_every_way_to_write_a_call_is_one():
    bind = binder(plain)
    assert bind(1) == bind(a=1) == bind(1, 2) == bind(1, b=2) == bind(b=2, a=1) == {"a": 1, "b": 2}


@pytest.mark.parametrize("function", [plain, everything, odd_names, mutable, nothing, Service.ask])
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1,), {}),
        ((1, 2, 3, 4, 5, 6), {}),
        ((1,), {"a": 2}),
        ((), {"zz": 1}),
        ((1, 2), {"b": 3}),
    ],
)
def test_a_call_that_does_not_fit_raises_as_the_function_does(function, args, kwargs):
    def outcome(called):
        try:
            called(*args, **kwargs)
        except TypeError as error:
            return str(error)
        return "fits"

    assert outcome(binder(function)) == outcome(function)


CALLS = st.tuples(
    st.lists(st.integers(), max_size=5),
    st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e", "z"]), st.integers(), max_size=6),
)


@settings(deadline=None, max_examples=80)
@given(CALLS, st.sampled_from([plain, everything, nothing, variadic]))
def test_a_binder_binds_as_inspect_does(call, function):
    args, kwargs = call
    bind = binder(function)
    try:
        function(*args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError):
            bind(*args, **kwargs)
        return
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    expected = dict(bound.arguments)
    positional = {"a"} if function is everything else set()
    taken = {*positional, "rest", "args"}
    for name in ("more", "kwargs"):
        more = expected.pop(name, {})
        expected |= {f"**{n}" if n in taken else n: value for n, value in more.items()}
    assert bind(*args, **kwargs) == expected


def test_self_is_the_first_parameter():
    service = Service()
    assert binder(Service.ask)(service, "p") == {"self": service, "prompt": "p", "client": None}
    assert binder(service.ask)("p") == binder(Service.ask)(service, "p")
    assert binder(service)(2) == {"self": service, "x": 2, "y": 1}
    assert binder(Service.of_class)() == {"cls": Service, "x": 1}
    assert binder(Service.static)() == {"x": 1}
    assert binder(Service.private)(service) == {"self": service, "_Service__x": 1}
    assert binder(functools.partial(plain, b=5))(1) == {"a": 1, "b": 5}


# -------------------------------------------------------------------------- ignore and key_of


def test_arguments_may_be_left_out():
    bind = binder(everything, ignore=("b", "e"))
    assert bind(1, 2, d=4, e=6) == bind(1, b=3, d=4) == {"a": 1, "rest": (), "c": 3, "d": 4}
    assert binder(everything, ignore=("rest", "more"))(1, 2, 3, 4, d=5, z=6) == {
        "a": 1,
        "b": 2,
        "c": 3,
        "d": 5,
        "e": 5,
    }
    assert binder(plain, ignore=("b",))(1, 3) == {"a": 1}
    assert binder(plain, ignore=("a", "b"))(1, 3) == {}


def test_attributes_may_be_left_out():
    bind = binder(Service.ask, ignore=("self.client", "self.http.session", "client"))
    service = Service()
    marker, prompt = bind(service, "p").values()
    assert type(marker) is Without
    assert marker.value is service
    assert marker.paths == ("client", "http.session")
    assert prompt == "p"
    service.client = threading.Lock()
    service.http = Service()
    service.http.session = threading.Lock()
    keygen = KeyGen()
    first = keygen.input_id((), bind(service, "p"))
    service.client = service.http.session = None
    assert keygen.input_id((), bind(service, "p")) == first


def test_an_argument_may_be_keyed_by_a_function(tmp_path):
    def size(path, *, other=None):
        return path.stat().st_size

    bind = binder(size, key_of={"path": KeyGen.from_file_content, "other": repr})
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_text("same")
    copy.write_text("same")
    assert bind(path) == bind(copy)
    assert bind(path) == {"path": KeyGen.from_file_content(path), "other": "None"}
    path.write_text("changed")
    assert bind(path) != bind(copy)


def test_what_key_names_may_be_among_what_args_took():
    bind = binder(lambda self, *args, **options: None, key_of={"path": len})
    assert bind(1, path="ab") == {"self": 1, "args": (), "path": 2}
    assert bind(1, 2, path="ab") == {"self": 1, "args": (2,), "path": 2}
    assert bind(1, other=3) == {"self": 1, "args": (), "other": 3}
    with pytest.raises(UnstableKeyError, match="whether 'path' is among what"):
        bind(1, "ab")


def test_names_that_come_in_by_keyword():
    def loose(a, **options):
        return a

    bind = binder(loose, ignore=["verbose", "http.session"], key_of={"path": str})
    kwargs = bind(1, verbose=True, http=SENTINEL, path=3, x=4)
    assert (kwargs["a"], kwargs["path"], kwargs["x"]) == (1, "3", 4)
    assert (kwargs["http"].value, kwargs["http"].paths) == (SENTINEL, ("session",))
    assert "verbose" not in kwargs
    assert bind(1) == {"a": 1}


def test_captured_variables_may_be_named():
    captured = threading.Lock()

    def ask(prompt):
        return captured, prompt

    assert binder(ask, ignore=("captured",))(1) == {"prompt": 1}


# --------------------------------------------------------------------------------- wrappers


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def test_wrappers_that_pass_on_are_bound_by_what_they_wrap():
    bind = binder(wrapped(wrapped(plain)))
    assert bind(1) == bind(a=1)
    assert bind(1, 3) == bind(1, b=3) == bind(b=3, a=1) == {"a": 1, "b": 3}


def test_wrappers_may_know_other_defaults():
    @functools.wraps(plain)
    def other_default(*args, **kwargs):
        return plain(*args, **{"b": 7, **kwargs})

    bind = binder(other_default)
    assert type(bind(1)["b"]) is Omitted
    keygen = KeyGen()
    keys = [keygen.input_id((), each) for each in (bind(1), bind(a=1), bind(1, 2), bind(1, 7))]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert binder(other_default, key_of={"b": str})(1)["b"].value == "2"
    assert binder(other_default, key_of={"b": str})(1, 2) == {"a": 1, "b": "2"}


def test_wrappers_may_take_other_arguments_than_what_they_wrap():
    @functools.wraps(plain)
    def injects(*args, **kwargs):
        return plain("session", *args, **kwargs)

    bind = binder(injects)
    assert bind(1, 2, 3) == {"*args": (1, 2, 3)}
    assert bind(z=1) == {"*args": (), "z": 1}
    with pytest.raises(UnstableKeyError, match="which argument 'b' is .* write @spot.mark beneath"):
        binder(injects, key_of={"b": str})(1, 2, 3)


def gives(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function("session", *args, **kwargs)

    return wrapper


def takes(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        args = args[1:]
        return function(*args, **kwargs)

    return wrapper


def passes(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print("begins", *args)
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("wrapped", [gives(plain), passes(gives(plain)), takes(plain)])
@pytest.mark.parametrize(
    "options", [{"ignore": ("a",)}, {"ignore": ("b.client",)}, {"key_of": {"b": str}}]
)
def test_of_a_wrapper_that_gives_others_no_argument_is_told_by_its_name(wrapped, options):
    with pytest.raises(ConfigError, match="write @spot.mark beneath it"):
        binder(wrapped, **options)


def test_a_wrapper_that_gives_what_it_gets_leaves_out_what_is_named():
    assert binder(passes(plain), ignore=("a",))(1, 2) == {"b": 2}


# ------------------------------------------------------------------------------------- names


def test_what_is_bound_is_an_argument_as_any_other():
    bind = binder(functools.partial(functools.partial(plain, 1), b=3), ignore=("a",))
    assert bind() == {"b": 3}
    with pytest.raises(ConfigError, match="plain has no parameter 'x': it has a, b"):
        binder(functools.partial(plain, 1), ignore=("x",))
    with pytest.raises(ConfigError, match="itemgetter"):
        binder(operator.itemgetter(1), ignore=("x",))
