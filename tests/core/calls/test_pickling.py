"""Spots and marked functions in other processes: by fork, spawn, pickle and cloudpickle."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from beautyspot.memory import MemoryStorage
from beautyspot.spot import Spot

DEADLINE = 60.0


def run(program: str, *arguments: object, cwd: Path | None = None) -> str:
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, timeout=DEADLINE, check=False, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_spot_comes_back_as_itself_in_its_own_process(spot: Spot) -> None:
    for module in (pickle, cloudpickle):
        assert module.loads(module.dumps(spot)) is spot
    assert pickle.dumps(spot) == pickle.dumps(spot)


ARRIVE = """
    import pickle, sys
    data = bytes.fromhex(sys.argv[1])
    spot = pickle.loads(data)
    assert pickle.loads(data) is spot, "made once a process"
    print(spot.name, spot.db_path, spot.config["ttl"], spot.metadata.store_id)
"""


def test_a_spot_is_made_again_elsewhere(
    make_spot: Callable[..., Spot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spot = make_spot("one", directory="relative", ttl="1h", db_path="mine.db")
    (tmp_path / "elsewhere").mkdir()
    told = run(ARRIVE, pickle.dumps(spot).hex(), cwd=tmp_path / "elsewhere").split()
    assert told == ["one", str(tmp_path / "mine.db"), "3600.0", spot.metadata.store_id]


def test_a_backend_that_can_not_travel_is_named(make_spot: Callable[..., Spot]) -> None:
    class Local(MemoryStorage):
        pass

    pickle.dumps(make_spot(storage=MemoryStorage))
    spot = make_spot(storage=Local())
    with pytest.raises(pickle.PicklingError, match="its storage=<Local> is an object"):
        pickle.dumps(spot)

    class Remade(MemoryStorage):
        def __reduce__(self) -> Any:
            return MemoryStorage, ()

    pickle.dumps(make_spot(storage=Remade()))


# --------------------------------------------------------------------------------- functions

MODULE = """
    import beautyspot as bs

    spot = bs.Spot("app", directory=__file__ + ".cache", config=False)

    @spot.mark
    def double(x):
        return x * 2

    class Model:
        def __init__(self, factor):
            self.factor = factor

        @spot.mark
        def times(self, x):
            return self.factor * x

        @classmethod
        @spot.mark
        def name(cls, x):
            return [cls.__name__, x]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "sent_module.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "sent_module", raising=False)
    import sent_module  # type: ignore[import-not-found]  # made above

    yield sent_module
    sent_module.spot.shutdown()
    del sys.modules["sent_module"]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_functions_of_a_module_travel_by_name(module: Any, method: str) -> None:
    assert pickle.loads(pickle.dumps(module.double)) is module.double
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        assert list(pool.map(module.double, range(20))) == [x * 2 for x in range(20)]
        assert list(pool.map(module.Model(3).times, range(5))) == [0, 3, 6, 9, 12]
        assert list(pool.map(module.Model.name, range(2))) == [["Model", 0], ["Model", 1]]
    assert module.spot.stats()["entries"] == 27
    assert module.double(7) == 14
    assert module.spot.stats()["hits"] == 1


BY_CODE = """
    import asyncio, os, pickle, sys, threading
    import cloudpickle
    import beautyspot as bs

    spot = bs.Spot("app", directory=sys.argv[1], config=False, limiter="1000/s")
    offset = 100

    @spot.mark
    @spot.limiter(cost=lambda x: x)
    def limited(x):
        return [x, os.getpid()]

    @spot.mark
    def double(x):
        return [x * 2, os.getpid()]

    @spot.mark(version="auto", tags=("t",), ttl="1h")
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)

    def closure(y):
        @spot.mark
        def add(x):
            return [x + y + offset, os.getpid()]
        return add

    @spot.mark
    async def later(x):
        return [x, os.getpid()]

    @spot.mark
    def stream(x):
        yield [x, os.getpid()]

    @spot.mark
    async def stream_later(x):
        yield [x, os.getpid()]

    class Model:
        def __init__(self, factor):
            self.factor = factor

        @spot.mark
        def times(self, x):
            return self.factor * x

    async def listed(stream):
        return [item async for item in stream]

    everything = {
        "double": lambda: double(1),
        "limited": lambda: limited(5),
        "factorial": lambda: factorial(5),
        "closure": lambda add=closure(5): add(1),
        "lambda": lambda f=spot.mark(lambda x: [x, os.getpid()]): f(4),
        "later": lambda: asyncio.run(later(1)),
        "stream": lambda: list(stream(1)),
        "stream_later": lambda: asyncio.run(listed(stream_later(1))),
        "method": lambda: Model(3).times(5),
    }
    print(cloudpickle.dumps((everything, spot)).hex())
    print(repr({name: call() for name, call in everything.items()}))
    spot.flush()
"""

ARRIVED = """
    import pickle, sys
    everything, spot = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(repr({name: call() for name, call in everything.items()}))
    print(spot.stats()["misses"])
"""


def test_functions_of_main_travel_by_their_code_and_keep_their_keys(tmp_path: Path) -> None:
    sent, computed = run(BY_CODE, tmp_path / "cache").splitlines()
    arrived, misses = run(ARRIVED, sent).splitlines()
    assert arrived == computed, "every one a hit: what the first process computed"
    assert float(misses) == 0


SCRIPT = """
import subprocess, sys
import beautyspot as bs, cloudpickle

spot = bs.Spot("app", directory=sys.argv[1], config=False)
LIMIT = 2

@spot.mark(version="auto")
def double(x):
    return x * LIMIT

double(1)
child = "import pickle, sys; pickle.load(sys.stdin.buffer)(2)"
subprocess.run([sys.executable, "-c", child], input=cloudpickle.dumps(double), cwd="/", check=True)
rows = list(spot._parts.metadata.rows())
print(len({(row.version, row.code) for row in rows}), len(rows))
"""


def test_what_a_script_sends_keeps_its_version_and_its_code(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.split() == ["1", "2"]


CLASSES = """
    import dataclasses, enum, os, sys, typing
    import cloudpickle, pydantic
    import beautyspot as bs

    @dataclasses.dataclass
    class Data:
        x: int = 1

    class Plain:
        def __init__(self):
            self.x = 1

    class Colour(enum.Enum):
        RED = 1

    class Pair(typing.NamedTuple):
        x: int

    class Model(pydantic.BaseModel):
        x: int = 1
        children: "list[Model]" = []

    class Outer:
        class Inner(str):
            pass

    class Item(pydantic.BaseModel):
        x: int = 1

    spot = bs.Spot("app", directory=sys.argv[1], config=False)
    Result = Data | Colour | Pair | Model | Outer.Inner | Item

    @spot.mark
    def same(value) -> Result:
        return None if isinstance(value, Plain | type) else value

    @spot.mark
    def pid(value):
        return os.getpid()

    VALUES = [Data(), Plain(), Colour.RED, Pair(1), Model(), Outer.Inner("a"), Item(), Data, Item]
    print(cloudpickle.dumps((same, pid, VALUES)).hex())
    print([pid(value) for value in VALUES], [type(same(value)).__name__ for value in VALUES])
"""


CLASSES_ARRIVED = """
    import pickle, sys
    same, pid, values = pickle.loads(bytes.fromhex(sys.argv[1]))
    print([pid(value) for value in values], [type(same(value)).__name__ for value in values])
    assert all(type(same(value)) in (type(value), type(None)) for value in values)
    spot = same.__beautyspot__.owner()
    print(spot.stats()["misses"])
"""


def test_classes_of_main_keep_their_names(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(CLASSES))
    command = [sys.executable, str(script), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    sent, computed = done.stdout.splitlines()
    assert run(CLASSES_ARRIVED, sent).splitlines() == [computed, "0"]


def test_a_limit_that_arrives_limits(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter={"use": "gcra", "rate": "1/h", "max_cost": 1})
    limited = spot.limiter(timeout=0)(lambda: 5)
    program = """
        import pickle, sys
        import beautyspot as bs
        limited = pickle.loads(bytes.fromhex(sys.argv[1]))
        print(limited())
        try:
            limited()
        except bs.RateLimitError:
            print("refused")
    """
    assert run(program, cloudpickle.dumps(limited).hex()).split() == ["5", "refused"]
    assert limited() == 5


def told(_: object) -> None:
    """Its `repr` is another one in each process."""


def test_a_spot_that_comes_back_is_the_one_that_was_sent(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(on_error=told)
    program = """
        import pickle, sys
        print(pickle.dumps(pickle.loads(bytes.fromhex(sys.argv[1]))).hex())
    """
    back = run(program, pickle.dumps(spot).hex(), cwd=Path(__file__).parents[3])
    assert pickle.loads(bytes.fromhex(back)) is spot


def test_two_spots_made_alike_are_one_elsewhere(make_spot: Callable[..., Spot]) -> None:
    spots = make_spot(), make_spot()
    for spot in spots:
        assert pickle.loads(pickle.dumps(spot)) is spot
    one, other = (pickle.dumps(spot).hex() for spot in spots)
    program = """
        import pickle, sys
        one, other = (pickle.loads(bytes.fromhex(sent)) for sent in sys.argv[1:])
        print(one is other)
    """
    assert run(program, one, other) == "True\n"


def test_a_task_that_arrives_computes_and_stores(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()

    @spot.mark(version="3", tags=("a",))
    def inner(x: int) -> list[int]:
        return [x]

    program = """
        import pickle, sys
        inner = pickle.loads(bytes.fromhex(sys.argv[1]))
        print(inner(1), inner(2))
    """
    assert run(program, cloudpickle.dumps(inner).hex()).split() == ["[1]", "[2]"]
    assert [inner(1), inner(2)] == [[1], [2]]
    assert spot.stats()["hits"] == 2


def test_observers_stay_where_they_are(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(observers=[print, lambda _: None])
    program = """
        import pickle, sys
        print(pickle.loads(bytes.fromhex(sys.argv[1])).cached_run(len, "ab"))
    """
    assert run(program, pickle.dumps(spot).hex()) == "2\n"
