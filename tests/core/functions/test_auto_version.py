"""The version that follows the code: what makes it another one, and what does not."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import beautyspot
import pytest
from beautyspot.keys.generator import KeyGen
from beautyspot.tasks.following import Following

MAIN = '''
import abc, enum, fractions, functools, helpers, os, re
import json as codec
from typing import NamedTuple
from beautyspot.errors import ConfigError
from dataclasses import dataclass
from helpers import PATTERN, Base, Colour, clean, tool
from pack import inside

LIMIT = 3
NAMES = ("a", "b")
NOTHING = None
counter = 0
TABLE = {"a": ["prompt"], Colour.RED: {1.5}}
CHANGED = [1]
STEPS = (clean, LIMIT, os)
FAVOURITE = Colour.BLUE
part = functools.partial(helpers.partially, 1, key=helpers.keyed)

def near(x):
    """Near."""
    return later(x)

def change(x):
    CHANGED[0] = x

def f(x, how=helpers.default_helper, *, other=helpers.keyword_helper):
    """Docstring."""
    global counter
    counter += 1
    return (near(x), clean(x), helpers.deep(x), LIMIT, NAMES, TABLE, CHANGED,
            PATTERN.sub("", x), x or f(x), os.sep)

def later(x): return x + 1          # stands below

def uses_global(): return counter

def loaded(x, table=__import__("data").KEPT): return table
def coded(x): return loaded(codec.dumps(x))

def imports(x):
    from helpers import imported as renamed
    import helpers as h, pack.inside, pack.deeper.bottom as bottom, pack.aside as aside
    from pack import other
    def nested(y=()):
        return renamed(x), h.by_module(x), pack.inside.value(x), other.outer(x), bottom.low(x)
    return nested(), aside.by(x)

def enums(): return Colour.RED
def favourite(): return FAVOURITE
def uses_us(): raise ConfigError

def fails():
    import broken, made.up, pack.missing, missing_for_good.too
    from ...nowhere import thing
    from sys import path
    return broken.x(x), made.up.x(x), pack.missing.x(x), thing(x), path, missing_for_good.too

class Worker(Base):
    SIZE = 5
    _PRIVATE = 6
    def run(self, x): return self.step(x), self.SIZE, self._PRIVATE, self.inherited(x), self.prop
    def step(self, x): return [self.within(y) for y in x]
    def within(self, x): return x
    def unused(self, x): return x
    def parent(self, x): return super().inherited(x)
    @classmethod
    def of_class(cls, x): return cls.static(x)
    @staticmethod
    def static(x): return x
    @property
    def prop(self): return 1

def by_object(x): return tool.use(x)
def by_class(x): return Worker().run(x)
def by_partial(x): return part(x)
def by_type(x): return helpers.shown(x)
def by_type_of_argument(x): return Dispatching().shown(x)
class Dispatching:
    @functools.singledispatchmethod
    def shown(self, x): return "something"
    @shown.register
    def _(self, x: int): return "a whole number"
def by_tuple(x): return [step(x) for step in STEPS]

def deco(times):
    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args): return [func(*args) for _ in range(times)]
        return wrapper
    return decorate

@deco(3)
def decorated(x): return clean(x)

@functools.lru_cache
def cached(x): return clean(x)

def calls_decorated(x): return decorated(x), cached(x)

class Named:
    size: int = 1

@dataclass
class Data:
    x: int = 1
    named: Named = None
    def total(self) -> int: return self.x

def by_data(): return Data(1)
class Pair(NamedTuple):
    first: int
    second: object = None
class Part: pass
class Whole:
    part: Part
    parts: "list[Other]" = ()
class Other(Part):
    def kept(self): return 1
@dataclass
class Held:
    text: str
    inner: object = None
class Slotted:
    __slots__ = ("held", "unset")
    def __init__(self): self.held = "slot"
class Kind(enum.Enum):
    SMALL = ["s"]
PAIR = Pair(1, [2])
HELD = Held("held", Held("inner", {"deep": 3}))
SLOTTED = Slotted()
SMALL = Kind.SMALL
FRACTION = fractions.Fraction(1, 3)
LOOP = ["loop"]
LOOP.append(LOOP)
SAME = [LOOP, LOOP]
REGISTRY = {"clean": clean, "any": lambda x: [x]}
BOUND = SLOTTED.__init__
LAMBDAS = {"deep": lambda x: helpers.deep(x), "same": lambda x: x}
def by_lambda(x): return LAMBDAS["deep"](x)
def described(x: Part = None) -> "helpers.Tool":
    """Described."""
    return 1
def called(x):
    """Not read."""
def values(x):
    return (PAIR, HELD, SLOTTED, SMALL, FRACTION, SAME, REGISTRY, Whole, described, called(x),
            BOUND)
def reads_itself(x):
    """Read."""
    return reads_itself.__doc__
def doubled(x): return {**x}
def unresolved(): return missing, helpers.missing.more, helpers.Missing(), self.x
def factory(n):
    def made(): return n, clean(n), unset
    if n > 5: unset = 1
    return made
made = factory(1)
def calls_made(): return made()
'''


HELPERS = """
import enum, functools, re
from pack.inside import value as _value
PATTERN = re.compile("x+")
def clean(x): return _value(x)
def deep(x): return x
def default_helper(x): return x
def keyword_helper(x): return x
def imported(x): return x
def by_module(x): return x
@functools.singledispatch
def shown(x): return "anything"
@shown.register
def _(x: int): return "a number"
@shown.register(str)
def _of_text(x): return clean(x)
def partially(x, y, key): return x
def keyed(x): return x
class Base:
    BASE = 1
    def inherited(self, x): return self.BASE
    def of_base(self): return 1
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"
class Tool:
    def __init__(self): self.state = 1
    def use(self, x): return x
tool = Tool()
"""


INSIDE = "def value(x): return SCALE * x\nSCALE = 10\n"


OTHER = "from . import inside\ndef outer(x):\n    from .inside import value\n    return value(x)\n"


FILES = {
    "main.py": MAIN,
    "helpers.py": HELPERS,
    "pack/__init__.py": "",
    "pack/inside.py": INSIDE,
    "pack/other.py": OTHER,
    "pack/aside.py": "def by(x): return x\n",
    "data.py": "KEPT = 1\n",
    "broken.py": "raise SystemError('on import')\n",
    "pack/deeper/__init__.py": "",
    "pack/deeper/bottom.py": "def low(x): return x\n",
}


MODULES = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in FILES}


def version_auto(function: Any) -> str:
    return Following(function, KeyGen()).version()


class Project:
    """A user's project on disk; each edited copy is in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = 0
        self.known: dict[str, str] = {}

    def write(self, *edits: tuple[str, str]) -> Path:
        self.copies += 1
        copy = self.folder / str(self.copies)
        for name, text in FILES.items():
            for old, new in edits:
                text = text.replace(old, new)
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text)
        return copy

    @contextlib.contextmanager
    def imported(self, *edits: tuple[str, str]) -> Iterator[ModuleType]:
        folder = self.write(*edits)
        sys.path.insert(0, str(folder))
        try:
            yield importlib.import_module("main")
        finally:
            sys.path.remove(str(folder))
            for name in MODULES:
                sys.modules.pop(name, None)
            importlib.invalidate_caches()

    def version(self, name: str, *edits: tuple[str, str]) -> str:
        for old, _ in edits:
            assert any(old in text for text in FILES.values()), old
        with self.imported(*edits) as main:
            found: Any = main
            for part in name.split("."):
                found = getattr(found, part)
            return version_auto(found)

    def base(self, name: str) -> str:
        """The version in the project as it stands."""
        if name not in self.known:
            self.known[name] = self.version(name)
        return self.known[name]


def walked(function: Any) -> set[tuple[str, str, str]]:
    """What a version is made of."""
    following = Following(function, KeyGen())
    following.version()
    return following.records


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("f", "near(x), clean(x)", "clean(x)"),  # itself
        ("f", "x + 1  ", "x + 2  "),  # a helper of a helper, further down
        ("f", "def deep(x): return x", "def deep(x): return -x"),  # by its module
        ("f", "return SCALE * x", "return SCALE + x"),  # under another name
        ("f", "SCALE = 10", "SCALE = 11"),  # a constant of a helper
        ("f", "def clean(x)", "def clean(x: int)"),
        ("f", "LIMIT = 3", "LIMIT = 4"),
        ("f", "LIMIT = 3", "LIMIT = 3.0"),
        ("f", '["prompt"]', '["other prompt"]'),
        ("f", '["prompt"]', '("prompt",)'),
        ("f", '{"a": [', '{"b": ['),
        ("f", "{1.5}", "{2.5}"),
        ("values", "Pair(1, [2])", "Pair(1, [3])"),
        ("values", "Pair(1, [2])", "Pair(2, [2])"),
        ("values", 'Held("held"', 'Held("other"'),
        ("values", '"deep": 3', '"deep": 4'),
        ("values", '= "slot"', '= "other"'),
        ("values", 'SMALL = ["s"]', 'SMALL = ["S"]'),
        ("values", "Fraction(1, 3)", "Fraction(2, 3)"),
        ("values", '["loop"]', '["other"]'),
        ("values", "[LOOP, LOOP]", "[LOOP]"),
        ("values", "return SCALE * x", "return SCALE + x"),
        ("values", "lambda x: [x]", "lambda x: [x, x]"),
        ("values", "def kept(self): return 1", "def kept(self): return 2"),
        ("values", '"""Described."""', '"""Described otherwise."""'),
        ("values", "x: Part = None", "x: Other = None"),
        ("values", "def use(self, x): return x", "def use(self, x): return -x"),
        ("reads_itself", '"""Read."""', '"""Read otherwise."""'),
        ("doubled", "{**x}", "{None: x}"),
        ("f", '("a", "b")', '("a", "c")'),
        ("f", '"x+"', '"x*"'),
        ("f", '("x+")', '("x+", re.I)'),
        ("f", "default_helper(x): return x", "default_helper(x): return -x"),
        ("f", "keyword_helper(x): return x", "keyword_helper(x): return -x"),
        ("imports", "def imported(x): return x", "def imported(x): return -x"),
        ("imports", "def by_module(x): return x", "def by_module(x): return -x"),
        ("imports", "SCALE = 10", "SCALE = 11"),
        (
            "imports",
            "from .inside import value\n",
            "from .inside import value as v\n    value = v\n",
        ),
        ("imports", "def low(x): return x", "def low(x): return -x"),
        ("imports", "def by(x): return x", "def by(x): return -x"),
        ("coded", "KEPT = 1", "KEPT = 2"),  # a default that is no text of the code
        ("coded", "import json as codec", "import pickle as codec"),
        ("enums", '"r"', '"R"'),
        ("enums", "Colour.RED", "Colour.BLUE"),
        ("favourite", "FAVOURITE = Colour.BLUE", "FAVOURITE = Colour.RED"),
        ("Worker.run", "[self.within(y) for", "[-self.within(y) for"),
        ("Worker.run", "def within(self, x): return x", "def within(self, x): return -x"),
        ("Worker.run", "SIZE = 5", "SIZE = 6"),
        ("Worker.run", "_PRIVATE = 6", "_PRIVATE = 7"),
        ("Worker.run", "return self.BASE", "return -self.BASE"),
        ("Worker.run", "BASE = 1", "BASE = 2"),
        ("Worker.run", "def prop(self): return 1", "def prop(self): return 2"),
        ("Worker.parent", "return self.BASE", "return -self.BASE"),
        ("Worker.of_class", "def static(x): return x", "def static(x): return -x"),
        ("by_object", "def use(self, x): return x", "def use(self, x): return -x"),
        ("by_class", "def unused(self, x): return x", "def unused(self, x): return -x"),
        ("by_class", "SIZE = 5", "SIZE = 6"),
        ("by_class", "return self.BASE", "return -self.BASE"),
        ("by_class", "def of_base(self): return 1", "def of_base(self): return 2"),
        ("by_partial", "def partially(x, y, key): return x", "def partially(x, y, key): return y"),
        ("by_partial", "def keyed(x): return x", "def keyed(x): return -x"),
        ("by_partial", "partially, 1", "partially, 2"),
        ("by_type", 'return "anything"', 'return "whatever"'),
        ("by_type", 'return "a number"', 'return "numeric"'),
        ("by_type", "def _(x: int)", "def _(x: bool)"),
        ("by_type", "SCALE = 10", "SCALE = 11"),
        ("by_type_of_argument", 'return "something"', 'return "nothing"'),
        ("by_type_of_argument", 'return "a whole number"', 'return "an integer"'),
        ("by_type_of_argument", "x: int): return", "x: bool): return"),
        ("by_tuple", "return SCALE * x", "return SCALE + x"),
        ("by_lambda", "def deep(x): return x", "def deep(x): return -x"),
        ("by_lambda", "lambda x: helpers", "lambda x: -helpers"),
        ("by_tuple", "(clean, LIMIT, os)", "(clean, LIMIT, 1, os)"),
        ("decorated", "@deco(3)", "@deco(4)"),
        ("decorated", "[func(*args) for", "[func(*args) or 1 for"),
        ("decorated", "SCALE = 10", "SCALE = 11"),
        ("calls_decorated", "SCALE = 10", "SCALE = 11"),
        ("cached", "SCALE = 10", "SCALE = 11"),
        ("by_data", "x: int = 1", "x: int = 2"),
        ("by_data", "return self.x", "return -self.x"),
        ("calls_made", "factory(1)", "factory(2)"),
        ("calls_made", "SCALE = 10", "SCALE = 11"),
    ],
)
def test_an_edit_that_may_change_the_result_is_another_version(
    project: Project, name: str, old: str, new: str
):
    assert project.base(name) != project.version(name, (old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("f", '"""Docstring."""', "# a comment"),
        (
            "f",
            "def later(x): return x + 1          # stands below",
            "def later(x):\n    return (x + 1)",
        ),
        ("f", "def clean(x):", "\n\n# moved down\ndef clean(x):"),
        ("f", "def keyed(x): return x", "def keyed(x): return -x"),  # not called
        ("f", "SIZE = 5", "SIZE = 6"),
        ("f", '"""Near."""', ""),
        ("f", "CHANGED = [1]", "CHANGED = [2]"),  # by a function
        ("values", '"""Not read."""', '"""Never."""'),
        ("uses_global", "counter = 0", "counter = 1"),  # assigned by a function
        ("Worker.run", "def unused(self, x): return x", "def unused(self, x): return -x"),
        ("by_object", "self.state = 1", "self.state =  1"),
        ("unresolved", "LIMIT = 3", "LIMIT = 4"),
    ],
)
def test_an_edit_that_can_not_change_the_result_is_the_same_version(
    project: Project, name: str, old: str, new: str
):
    assert project.base(name) == project.version(name, (old, new))


def test_a_global_that_is_made_later_does_not_count_before_and_after(project: Project):
    with project.imported(("LIMIT = 3", "LIMIT = None")) as main:
        before = version_auto(main.f)
    with project.imported(("LIMIT = 3", "LIMIT = None"), ("NOTHING = None", "NOTHING = 1")) as main:
        assert version_auto(main.f) == before


def test_what_others_register_with_a_function_of_others_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
):
    def f(x: object) -> object:
        return theirs(x)

    namespace: dict[str, Any] = {"__name__": "json"}
    exec("def shown(x): return x", namespace)
    theirs = functools.singledispatch(namespace["shown"])
    theirs.__module__ = "json"
    monkeypatch.setattr(json, "shown", theirs, raising=False)
    before = version_auto(f)
    theirs.register(int, repr)
    assert version_auto(f) == before


def test_our_own_wrappers_are_looked_through(project: Project):
    namespace: dict[str, Any] = {"__name__": "beautyspot.calls.wrappers", "beneath": None}
    exec("def wrapper(*args): return beneath(*args)", namespace)
    wrapper = namespace["wrapper"]

    class Task:
        class options:  # noqa: N801 - stands for an instance
            version: str | None = None

    with project.imported() as main:
        plain = version_auto(main.f)
        calls = version_auto(main.calls_decorated)
        wrapper.__wrapped__, wrapper.__beautyspot__, wrapper.__module__ = main.f, Task, "main"
        wrapper.__qualname__ = "f"
        assert version_auto(wrapper) == plain
        # a helper that is marked says by its version when its results change
        wrapper.__wrapped__ = main.decorated
        main.decorated = wrapper
        for version in (None, "auto"):
            Task.options.version = version
            assert version_auto(main.calls_decorated) == calls
        Task.options.version = "2"
        second = version_auto(main.calls_decorated)
        wrapper.__beautyspot__ = "anything"
        assert len({calls, second, version_auto(main.calls_decorated)}) == 2


def test_bound_methods_partials_and_objects_are_followed(project: Project):
    import functools

    with project.imported() as main:
        assert version_auto(main.Worker().run) == version_auto(main.Worker.run)
        assert version_auto(functools.partial(main.f)) == version_auto(main.f)
        assert version_auto(main.tool) == version_auto(type(main.tool))


def test_functions_of_others_are_not_followed(project: Project):
    with project.imported() as main:
        records = walked(main.f)
    names = {owner.partition(":")[0] for owner, _, _ in records}
    assert names == {"main", "helpers", "pack.inside"}
    assert version_auto(len) == version_auto(str.upper)  # no code that we could follow


def test_imports_that_fail_are_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "made", ModuleType("made"))  # has no spec
    before = set(sys.modules)
    with project.imported() as main:
        assert version_auto(main.fails)
        assert "broken" not in sys.modules
    assert before == set(sys.modules)


def test_modules_of_others_are_not_imported(project: Project):
    script = (
        "import sys, main\n"
        "from beautyspot.keys.generator import KeyGen\n"
        "from beautyspot.tasks.following import Following\n"
        "Following(main.lazy, KeyGen()).version()\n"
    )
    main = "def lazy():\n    import wave, pytest\n    return wave.open, pytest.mark\n"
    folder = project.write((MAIN, main))
    shown = "print([name in sys.modules for name in ('wave', 'pytest')])"
    done = subprocess.run(
        [sys.executable, "-c", script + shown],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[False,", "False]"]


def test_what_the_body_imports_is_another_version_neither_before_nor_after(project: Project):
    """The first call of a process loads it, and was never stored."""
    main = (
        "import xml\n"
        "def lazy():\n"
        "    import wave, xml.sax.saxutils as s\n"
        "    from colorsys import ONE_THIRD, hls_to_rgb as h\n"
        "    return wave.WAVE_FORMAT_PCM, ONE_THIRD, h, s.escape, xml.dom.pulldom.COMMENT\n"
        "def other():\n"
        "    import wave, xml.sax.saxutils as s\n"
        "    from colorsys import ONE_SIXTH, hls_to_rgb as h\n"
        "    return wave.WAVE_FORMAT_PCM, ONE_SIXTH, h, s.escape, xml.dom.pulldom.COMMENT\n"
    )
    script = (
        "import sys, main\n"
        "from beautyspot.keys.generator import KeyGen\n"
        "from beautyspot.tasks.following import Following\n"
        "following = Following(main.lazy, KeyGen())\n"
        "version = following.version()\n"
        "loaded = [name for name in ('wave', 'xml.dom', 'colorsys') if name in sys.modules]\n"
        "import xml.dom.pulldom\n"
        "main.lazy()\n"
        "same = Following(main.other, KeyGen()).version() == version\n"
        "print(loaded, following.changed(version), same)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.write((MAIN, main)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[] set() False"


def test_an_installed_project_is_still_the_users_own(project: Project, tmp_path: Path):
    folder = tmp_path / "site-packages"
    versions = []
    for number, value in enumerate("112"):
        package = folder / str(number) / "installed"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "a.py").write_text("def f():\n    from . import b\n    return b.g()\n")
        (package / "b.py").write_text(f"def g(): return {value}\n")
        sys.path.insert(0, str(package.parent))
        importlib.invalidate_caches()
        try:
            versions.append(version_auto(importlib.import_module("installed.a").f))
        finally:
            sys.path.pop(0)
            for name in ("installed", "installed.a", "installed.b"):
                sys.modules.pop(name, None)
    assert versions[0] == versions[1] != versions[2]


TELL = """
import json, sys, types
package = sys.modules["beautyspot"] = types.ModuleType("beautyspot")
package.__path__ = [sys.argv[1]]
from beautyspot.keys.generator import KeyGen
from beautyspot.tasks.following import Following
import main
def version_auto(function):
    return Following(function, KeyGen()).version()
names = ["f", "imports", "enums", "by_object", "by_class", "by_partial", "by_tuple", "decorated",
         "calls_decorated", "by_data", "unresolved", "calls_made", "values", "doubled"]
found = {name: version_auto(getattr(main, name)) for name in names}
methods = ["run", "parent", "of_class", "prop"]
found |= {name: version_auto(vars(main.Worker)[name]) for name in methods}
print(json.dumps(found))
"""


def told(python: str, folder: Path, seed: str = "0") -> dict[str, str]:
    done = subprocess.run(
        [python, "-c", TELL, str(Path(beautyspot.__file__).parent)],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def other_pythons() -> list[str]:
    return [path for path in os.environ.get("BEAUTYSPOT_PYTHONS", "").split(os.pathsep) if path]


@pytest.mark.parametrize("python", other_pythons() or [sys.executable])
def test_versions_are_the_same_in_every_process_and_python(project: Project, python: str):
    folder = project.write()
    assert told(sys.executable, folder, "1") == told(python, folder, "2")


def test_an_edit_on_disk_is_seen_by_the_next_process(project: Project):
    folder = project.write()
    before = told(sys.executable, folder)
    (folder / "pack" / "inside.py").write_text("# a comment\n" + INSIDE)
    assert told(sys.executable, folder) == before
    (folder / "pack" / "inside.py").write_text(INSIDE.replace("SCALE = 10", "SCALE = 11"))
    after = told(sys.executable, folder)
    assert after["f"] != before["f"]
    assert after["enums"] == before["enums"]
