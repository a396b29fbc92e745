"""Objects of installed packages that say how they are copied count by that."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.testing import memory_spot

from tests.made import findable

PACKAGE = """
class Program:                    # as those of dspy: it keeps what it was asked
    def __init__(self, prompt):
        self.prompt, self.history = prompt, []
    def ask(self, text):
        self.history.append(text)
        return self.prompt + text
    def __getstate__(self):
        return {name: each for name, each in vars(self).items() if name != "history"}

    def train(self):
        self.prompt, self.weight = "better", 2
        return self.prompt

class Expression:                 # as those of sympy: it keeps what it finds out
    __slots__ = ("name", "args", "_facts")
    def __init__(self, name, *args):
        self.name, self.args, self._facts = name, args, {}
    def is_real(self):
        self._facts["real"] = True
        return all(each.is_real() for each in self.args)
    def __reduce__(self):
        return type(self), (self.name, *self.args)

class Session:                    # as those of requests: it names what is copied
    def __init__(self, headers):
        self.headers, self.pool = headers, []
    def __getstate__(self):
        return {"headers": self.headers}

class Words:                      # as the vectorizers of scikit-learn
    def __init__(self, stop_words, user_id=7):
        self.stop_words, self._stop_words_id = stop_words, id(stop_words)
        self.user, self._user_id = "a", user_id

class Link:                       # no copy of it can be made
    def __init__(self, place):
        self.place = place
    def __reduce__(self):
        raise TypeError("it is open")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "asked_programs.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(folder))
    yield import_module("asked_programs")
    del sys.modules["asked_programs"]


def text(value: object) -> str:
    return bs.KeyGen().canonical(value)


def test_what_a_package_leaves_out_of_copies_does_not_count(package: Any) -> None:
    program, expression = package.Program("a"), package.Expression("+", package.Expression("x"))
    before = text(program), text(expression)
    program.ask("why?")
    expression.is_real()
    assert (text(program), text(expression)) == before


def test_a_call_that_fills_a_cache_of_a_librarys_object_is_stored(package: Any) -> None:
    with memory_spot() as spot:

        @spot.mark
        def ask(program: Any, expression: Any) -> str:
            return f"{program.ask('why?')} {expression.is_real()}"

        program, expression = package.Program("a"), package.Expression("x")
        assert ask(program, expression) == "awhy? True"
        assert spot.peek(ask, program, expression) is not None


def test_a_changed_object_is_told_once_and_a_copy_of_it_is_left_as_it_is(
    package: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with memory_spot() as spot:

        @spot.mark
        def train(program: Any) -> str:
            return str(program.train())

        @spot.mark
        def trained(program: Any) -> str:
            program = copy.deepcopy(program)
            return str(program.train())

        train(package.Program("a"))
        assert spot.peek(train, package.Program("a")) is None
        [message] = caplog.messages
        assert message.endswith(
            "`program` changed while `train` ran (perhaps by another thread): not stored; it will "
            "run and cost again: work on a copy (`program = copy.deepcopy(program)`), or pass its "
            "fields"
        )
        trained(package.Program("a"))
        assert spot.peek(trained, package.Program("a")) is not None


def test_a_class_of_the_program_counts_by_all_that_it_adds(package: Any) -> None:
    @findable
    class Mine(package.Expression):  # type: ignore[misc]
        weight: int

    one, other = Mine("x"), Mine("x")
    one.weight, other.weight = 1, 2
    assert text(one) != text(other)


def test_what_a_package_does_not_copy_of_a_class_below_its_own_counts(package: Any) -> None:
    @findable
    class Api(package.Session):  # type: ignore[misc]
        def __init__(self, base_url: str) -> None:
            super().__init__("json")
            self.base_url = base_url

    used = package.Session("json")
    used.pool.append(1)
    assert text(used) == text(package.Session("json"))
    assert text(Api("a")) == text(Api("a")) != text(Api("b"))

    class Pooled(Api):
        def share(self, pool: list[int]) -> None:
            self.pool = pool  # which may be another thing there

    one, other = findable(Pooled)("a"), Pooled("a")
    other.share([1])
    assert text(one) != text(other)


def test_a_class_below_a_packages_leaves_out_what_that_leaves_out(package: Any) -> None:
    @findable
    class Mine(package.Program):  # type: ignore[misc]
        def __init__(self, prompt: str) -> None:
            super().__init__(prompt)
            self.first = package.Program("first")

        def run(self, words: str) -> str:
            return str(self.ask(self.first.ask(words)))

    used = Mine("a")
    used.run("why?")
    assert used.history
    assert text(used) == text(Mine("a")) != text(Mine("b"))
    used.first.prompt = "other"
    assert text(used) != text(Mine("a"))


NAMING = {
    "reads": lambda self: self.history[-1],
    "by its name": lambda self: getattr(self, "history")[-1],  # noqa: B009 - as programs may
    "within": lambda self: lambda: self.history,
    "copies": lambda self: self.__getstate__(),
    "as a whole": lambda self: vars(self),
    "in its dict": lambda self: self.__dict__,
}


@pytest.mark.parametrize("name", NAMING)
def test_what_the_class_of_a_program_names_counts(package: Any, name: str) -> None:
    """Its results may depend on that."""
    mine = findable(type(f"Mine{len(name)}", (package.Program,), {"said": NAMING[name]}))
    mine.__module__ = __name__
    used = mine("a")
    used.ask("why?")
    assert text(used) != text(mine("a"))


def test_what_a_program_sets_on_a_packages_object_counts(package: Any) -> None:
    """Its package does not copy it, and knows nothing of it."""
    texts = set()
    for made in (package.Session("json"), package.Program("a"), package.Link("a")):
        for url in ("", "a", "b"):
            made.base_url = url
            texts.add(text(made))
    assert len(texts) == 9


def test_an_address_that_a_package_keeps_does_not_count(package: Any) -> None:
    assert text(package.Words([1])) == text(package.Words([1])) != text(package.Words([2]))
    assert text(package.Words([1], user_id=7)) != text(package.Words([1], user_id=8))


def test_what_can_not_be_copied_counts_by_all_that_it_holds(package: Any) -> None:
    assert text(package.Link("a")) == text(package.Link("a"))
    assert text(package.Link("a")) != text(package.Link("b"))
