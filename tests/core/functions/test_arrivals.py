"""Classes of another process's `__main__`: they keep the names that they have there."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import cloudpickle
import pytest
from beautyspot.functions import arrivals
from beautyspot.functions.names import identifier_of, is_anonymous, sent_classes

SCRIPT = """
import dataclasses

@dataclasses.dataclass
class Data:
    x: int = 1

class Outer:
    class Inner: ...

class Bare: ...

bare = Bare
Bare = None
Same = Outer
"""


def main(name: str) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = f"/somewhere/{name}.py"
    return module


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(arrivals, "_known", {})
    monkeypatch.setattr(arrivals, "_mains", set())
    module = main("script")
    monkeypatch.setitem(sys.modules, "__main__", module)
    exec(compile(SCRIPT, module.__file__ or "", "exec"), vars(module))
    return module


def test_the_names_of_classes_go_along(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = [script.Data, script.Outer.Inner, script.bare]
    cloudpickle.dumps(classes)
    sent = sent_classes()
    monkeypatch.setitem(sys.modules, "__main__", main("worker"))
    assert [identifier_of(cls) for cls in classes[1:]] == ["worker:Outer.Inner", "worker:Bare"]
    assert all(map(is_anonymous, classes))
    arrivals.take(sent)
    names = ["script:Data", "script:Outer.Inner", "script:Bare"]
    assert [identifier_of(cls) for cls in classes] == names
    assert [is_anonymous(cls) for cls in classes] == [False, False, True]


def test_senders_of_several_names_do_not_name_what_they_did_not_say(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", main("worker"))
    for name in ("one", "other"):
        arrivals.take((name, {}))
    assert identifier_of(script.bare) == "worker:Bare"


def test_a_class_brings_its_script_along_in_its_methods(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", main("worker"))
    assert identifier_of(script.Data) == "script:Data"


@pytest.mark.parametrize("module", [ModuleType("__main__"), None])
def test_nothing_goes_along_where_main_has_no_file(
    script: Any, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", module)
    assert sent_classes() == ("", {})
    arrivals.take(sent_classes())
    assert arrivals.main() is None
