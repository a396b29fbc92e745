"""A plug-in of 3.0.0 runs with every later core of its plug-in API: the contracts may only grow."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any, NamedTuple

import beautyspot as bs
import pytest
from beautyspot import contracts, hookspecs
from beautyspot.backends.loading import BASES
from beautyspot.contracts.calling import hints
from beautyspot.resilience import guarded_backends
from beautyspot.testing import memory_spot

FROZEN = Path(__file__).parent / "plugins" / "beautyspot-frozen" / "beautyspot_frozen.py"
DIGEST = "c9e59ce9beac8038142c4bd5de0d3c51707a14315e85806c80d68a82144d430a"
CLASSES = {
    "metadata": "FrozenStore",
    "storage": "FrozenStorage",
    "serializer": "FrozenSerializer",
    "keygen": "FrozenKeys",
    "limiter": "FrozenLimiter",
    "types": "FrozenTypes",
}


def load() -> ModuleType:
    """The frozen plug-in, imported anew."""
    spec = importlib.util.spec_from_file_location("beautyspot_frozen", FROZEN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def use(tmp_path: Path, module: ModuleType) -> bs.Spot:
    """Everything that a Spot does with the backends it selects; whatever fails raises."""
    options: dict[str, Any] = dict.fromkeys(CLASSES.keys() - {"types"}, "frozen")
    options["storage"] = options["metadata"] = "frozen://place"
    options["limiter"] = {"use": "frozen", "most": 3}
    with bs.Spot(
        "app", directory=tmp_path, config=False, strict=True, plugins=[module], **options
    ) as spot:

        @spot.mark(tags=["t"])
        def small(x: int, y: int = 0) -> list[int]:
            return [x]

        @spot.mark(save_blob=True)
        @spot.limiter(cost=2)
        def large(x: int) -> str:
            return "x" * x

        assert small(1) == small(x=1) == small(1, 0) == [1]
        assert large(5) == large(5) == "xxxxx"
        assert (spot.stats()["misses"], spot.stats()["hits"]) == (2, 3)
        assert spot.bucket is not None
        assert spot.bucket.spent == 2  # type: ignore[attr-defined]
        assert spot.refresh(large, 5) == "xxxxx"
        assert len(list(spot.storage.list())) == 1
        assert str(spot.explain(small, 2))
        assert spot.stats()["entries"] == 2
        assert spot.invalidate(small, 1)
        assert spot.invalidate_all(large) == 1
        assert list(spot.storage.list()) == []
        assert spot.stats()["errors"] == 0
    return spot


# ------------------------------------------------------------------------------------- it is frozen


def test_the_frozen_plug_in_is_frozen() -> None:
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == DIGEST, load().__doc__


def test_it_is_of_the_present_api() -> None:
    assert load().beautyspot_api == hookspecs.API, (
        "the plug-in API was raised: see to it that this plug-in is refused, and freeze a new one"
    )


def test_it_runs(tmp_path: Path) -> None:
    use(tmp_path, load())


def test_its_types_are_served() -> None:
    with memory_spot(plugins=[load()]) as spot:
        done = spot.mark(finished)(CompletedProcess("true", 0))
        assert vars(done) == vars(spot.mark(finished)(CompletedProcess("true", 0)))
        assert spot.stats()["hits"] == 1


def finished(done: CompletedProcess[str]) -> CompletedProcess[str]:
    return done


# ------------------------------------------------------------------------------ contracts only grow


def grown(old: inspect.Signature, new: inspect.Signature) -> str | None:
    """What of `new` breaks a method that is written and called as `old`; None: nothing."""
    for name, parameter in old.parameters.items():
        now = new.parameters.get(name)
        if now is None:
            return f"{name} is gone"
        if (now.kind, now.default) != (parameter.kind, parameter.default):
            return f"{name} is another: {now}"
    for name in new.parameters.keys() - old.parameters.keys():
        now = new.parameters[name]
        if now.kind is not now.KEYWORD_ONLY or now.default is not None:
            return (
                f"{name} is new: make it keyword-only with the default None, and pass it by `hints`"
            )
    return None


@pytest.mark.parametrize("point", CLASSES)
def test_every_method_takes_what_it_took(point: str) -> None:
    frozen = getattr(load(), CLASSES[point])
    checked = 0
    for name, method in vars(frozen).items():
        base = inspect.getattr_static(BASES[point], name, None)
        if name.startswith("__") or not inspect.isroutine(method) or base is None:
            continue
        old, new = (inspect.signature(getattr(cls, name)) for cls in (frozen, BASES[point]))
        assert grown(old, new) is None, f"{BASES[point].__name__}.{name}: {grown(old, new)}"
        checked += 1
    assert checked >= 2


@pytest.mark.parametrize("point", CLASSES)
def test_no_method_became_abstract(point: str) -> None:
    assert not inspect.isabstract(getattr(load(), CLASSES[point]))


@pytest.mark.parametrize(
    ("now", "breaks"),
    [
        ("(a, b=1, *, c=None)", False),
        ("(a, b=1, *, c=None, d=None)", False),
        ("(a, b=1, *, c=None, d)", True),
        ("(a, b=1, *, c=None, d=0)", True),
        ("(a, b=1, d=None, *, c=None)", True),
        ("(a, b=2, *, c=None)", True),
        ("(a, *, c=None)", True),
        ("(a, b=1, c=None)", True),
    ],
)
def test_the_measure_tells_growth_from_breakage(now: str, breaks: bool) -> None:
    scope: dict[str, Any] = {}
    exec(f"def old(a, b=1, *, c=None): ...\ndef new{now}: ...", scope)
    found = grown(inspect.signature(scope["old"]), inspect.signature(scope["new"]))
    assert (found is not None) == breaks


# ----------------------------------------------------------------------------- a core of next year


def with_a_field(cls: Any) -> Any:
    """The same named tuple with one more field, at its end and with a default."""
    fields = [(name, Any) for name in cls._fields] + [("colour", Any)]
    newer = NamedTuple(cls.__name__, fields)  # type: ignore[misc]
    required = [name for name in cls._fields if name not in cls._field_defaults]
    defaults = [cls._field_defaults.get(name) for name in cls._fields[len(required) :]]
    newer.__new__.__defaults__ = (*defaults, None)
    return newer


def test_a_new_optional_argument_reaches_only_who_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer(method: Any, **given: object) -> dict[str, Any]:
        return hints(method, storage_class="cold", **given)

    monkeypatch.setattr(guarded_backends, "hints", newer)  # the last one before the backend
    use(tmp_path, load())

    seen = []

    class Newer(bs.BlobStorageBase):
        name = "newer"

        def save(self, key, data, *, content_type=None, storage_class=None):
            seen.append(storage_class)
            return key

        def load(self, location):
            raise bs.BlobNotFound(location)

    with bs.Spot("app", directory=tmp_path, config=False, storage=Newer, strict=True) as spot:
        spot.mark(save_blob=True)(lambda: 1)()
    assert seen == ["cold"]


def test_a_new_method_has_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for base in BASES.values():
        monkeypatch.setattr(base, "describe", lambda self: f"a {self.name}", raising=False)
    spot = use(tmp_path, load())
    assert spot.storage.describe() == "a frozen"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["TaskRecord", "Entry"])
def test_a_new_field_has_a_default(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = with_a_field(getattr(contracts, name))
    for module in (bs, contracts, contracts.metadata, contracts.records):
        monkeypatch.setattr(module, name, newer)
    use(tmp_path, load())
    assert newer._fields[-1] == "colour"


def test_a_storage_as_the_specification_draws_it(tmp_path: Path) -> None:
    """`save(key, data)`: no content type, which is only a hint."""

    class Bare(bs.BlobStorageBase):
        name = "bare"

        def save(self, key, data):
            (tmp_path / "one").write_bytes(data)
            return "one"

        def load(self, location):
            return (tmp_path / location).read_bytes()

    with bs.Spot("app", directory=tmp_path, config=False, storage=Bare, strict=True) as spot:
        marked = spot.mark(save_blob=True, content_type="text/plain")(lambda: "text")
        assert marked() == marked() == "text"
        assert spot.stats()["hits"] == 1


# -------------------------------------------------------------------------------------------- hints


def test_hints_that_say_nothing_are_left_out() -> None:
    assert hints(lambda **_: None, a=None) == {}


def test_hints_go_to_whoever_takes_any() -> None:
    assert hints(lambda **_: None, a=1, b=2) == {"a": 1, "b": 2}
    assert hints(lambda *, b=None: None, a=1, b=2) == {"b": 2}
    assert hints(lambda b, /: None, b=2) == {}


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_hints_go_to_what_does_not_tell(error: type[Exception]) -> None:
    class Silent:
        @property
        def __signature__(self) -> inspect.Signature:
            raise error

        def __call__(self) -> None: ...

    assert hints(Silent(), a=1) == {"a": 1}
