"""Random edits of a small project: with `version="auto"` no result of older code is ever returned.

The project is edited, imported afresh and run, again and again, on one directory. Each time the
marked functions give what the project as it now is gives; and a call runs only where a change of
meaning lies between it and every run before: an edit of a comment, of layout or of what the
function does not use is no reason to run.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

APP = """
    {comment}
    from dataclasses import dataclass
    from enum import Enum
    from typing import NamedTuple

    from shop import prices
    from shop.tools import Scale, {imported}

    class Pair(NamedTuple):
        left: object
        right: object

    class Tone(Enum):
        KIND = {tone}

    @dataclass
    class Config:
        text: str
        extra: object = None

    @dataclass
    class Item:
        size: int = {size}

    @dataclass
    class Answer:
        items: "list[Item]"

    PROMPTS = {{"a": ["Say", {prompt}], Tone.KIND: {{1, 2}}}}
    PAIR = Pair(1, [{pair}])
    CONFIG = Config("text", Config("inner", {config}))
    TONE = Tone.KIND
    HANDLERS = [prices.price]

    RAN = []
    FACTOR = {factor}
    {space}

    def _near(x):
        {docstring}
        return x {near} FACTOR

    def work(x):
        RAN.append(x)
        return [_near(x), {imported}(x), prices.price(x), Scale().of(x)]

    async def later(x):
        RAN.append(x)
        return prices.price(x)  {comment}

    def stream(x):
        RAN.append(x)
        for n in range({items}):
            yield prices.price(n)

    def table(x):
        RAN.append(x)
        return repr([PROMPTS, PAIR, CONFIG, TONE.value, [handler(x) for handler in HANDLERS]])

    def tool(x):
        {tool}
        return prices.price(x)

    def apply(x, what=None):
        RAN.append(x)
        return [what(x), what.__name__, what.__doc__]

    def schema(x, what=None):
        RAN.append(x)
        return repr(what([Item()]))

    def unrelated():
        return {unrelated}

    ARGUMENTS = {{"apply": (tool,), "schema": (Answer,)}}
    FUNCTIONS = {{
        "table": table, "apply": apply, "schema": schema, "work": work,
        "later": later, "stream": stream,
        "closure": (lambda k: lambda x: (RAN.append(x), k * x)[1])({factor}),
    }}
"""

PRICES = """
    {comment}
    TAX = {tax}

    def unrelated():
        return {unrelated}

    def price(x, rate={rate}):
        return x * rate {price} TAX
"""

TOOLS = """
    class Base:
        limit = {limit}
        def of(self, x):
            return self._own(x)

    class Scale(Base):
        def _own(self, x):
            return min(x, self.limit) {scale} 1

    def one(x):
        return x + 1

    def two(x):
        return x + 2
"""

# What runs in the other process: import the project, and call each function, marked and not.
RUNNER = """
    import asyncio, importlib, inspect, linecache, pickle, sys
    import beautyspot

    sys.dont_write_bytecode = True
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer

    def given(value):
        if inspect.isawaitable(value):
            return asyncio.run(value)
        return list(value) if inspect.isgenerator(value) else value

    while True:
        order = pickle.load(incoming)
        if order is None:
            break
        root, directory, calls = order
        sys.path.insert(0, root)
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        linecache.clearcache()
        app = importlib.import_module("shop.app")
        with beautyspot.Spot("app", directory=directory, config=False, strict=True) as spot:
            reply = []
            for name, x in calls:
                function = app.FUNCTIONS[name]
                more = app.ARGUMENTS.get(name, ())
                expected = given(function(x, *more))
                app.RAN.clear()
                got = given(spot.mark(version="auto")(function)(x, *more))
                reply.append((expected, got, len(app.RAN)))
        sys.path.remove(root)
        pickle.dump(reply, outgoing)
        outgoing.flush()
"""


@dataclass(frozen=True)
class Source:
    """The project: what its code means, and below that what it only looks like."""

    factor: int = 2
    near: str = "+"
    imported: str = "one"
    items: int = 2
    tax: int = 1
    rate: int = 3
    price: str = "+"
    limit: int = 5
    scale: str = "*"
    prompt: int = 1
    pair: int = 1
    config: int = 1
    tone: int = 1
    size: int = 1
    tool: str = '"""Tool."""'
    comment: str = ""
    docstring: str = '"""Near."""'
    space: str = ""
    unrelated: int = 0

    def write(self, root: Path) -> None:
        """Write its files."""
        fields = vars(self)
        (root / "shop").mkdir(exist_ok=True)
        (root / "shop" / "__init__.py").touch()
        for name, text in (("app", APP), ("prices", PRICES), ("tools", TOOLS)):
            (root / "shop" / f"{name}.py").write_text(textwrap.dedent(text).format(**fields))

    def meanings(self) -> dict[str, tuple[object, ...]]:
        """What each function's results follow from."""
        price = (self.tax, self.rate, self.price)
        return {
            "work": (self.factor, self.near, self.imported, *price, self.limit, self.scale),
            "later": price,
            "stream": (self.items, *price),
            "closure": (self.factor,),
            "table": (self.prompt, self.pair, self.config, self.tone, *price),
            "apply": (self.tool, *price),
            "schema": (self.size,),
        }


_edits = st.one_of(
    st.tuples(st.sampled_from(["factor", "tax", "rate", "limit", "items"]), st.integers(1, 3)),
    st.tuples(
        st.sampled_from(["prompt", "pair", "config", "tone", "size"]),
        st.integers(1, 3),
    ),
    st.tuples(st.just("tool"), st.sampled_from(['"""Tool."""', '"""Better tool."""'])),
    st.tuples(st.sampled_from(["near", "price", "scale"]), st.sampled_from("+-*")),
    st.tuples(st.just("imported"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("comment"), st.sampled_from(["", "# once", "# twice"])),
    st.tuples(st.just("docstring"), st.sampled_from(['"""Near."""', '"""Far."""'])),
    st.tuples(st.just("space"), st.sampled_from(["", "\n\n\n"])),
    st.tuples(st.just("unrelated"), st.integers(0, 3)),
)
_calls = st.lists(
    st.tuples(st.sampled_from([*Source().meanings()]), st.integers(0, 1)),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield process
    pickle.dump(None, process.stdin)
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@settings(
    max_examples=10 if "PROGRAMS" not in os.environ else int(os.environ["PROGRAMS"]),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(st.tuples(_edits, _calls), min_size=2, max_size=6))
def test_no_result_of_older_code_is_returned(
    steps: list[tuple[tuple[str, Any], list[tuple[str, int]]]], runner: subprocess.Popen[bytes]
) -> None:
    assert runner.stdin is not None
    assert runner.stdout is not None
    root = Path(tempfile.mkdtemp())
    source, known = Source(), set()
    try:
        for (field, value), calls in steps:
            source = replace(source, **{field: value})
            source.write(root)
            pickle.dump((str(root), str(root / "cache"), calls), runner.stdin)
            runner.stdin.flush()
            reply = pickle.load(runner.stdout)
            for (name, x), (expected, got, runs) in zip(calls, reply, strict=True):
                assert (type(got), got) == (type(expected), expected), (source, name, x)
                call = (name, x, source.meanings()[name])
                assert runs == (call not in known), (source, name, x)
                known.add(call)
    finally:
        shutil.rmtree(root, ignore_errors=True)
