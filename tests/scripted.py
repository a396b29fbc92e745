"""A backend of any class whose operations fail, wait, answer nonsense or are counted, as told.

    store = scripted(MemoryMetadataStore, fail={"find": MetadataError("down: start it")})
    store.script.fail.clear()               # it works again

What the script does not name is the class's own, signature included. An operation that another one
of the same backend asks for counts as a part of that one.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


class Foreign(Exception):
    """An error that no contract allows."""


@dataclass
class Script:
    """By the names of operations; each table may change at any time.

    Attributes:
        fail: the error that is raised in place of the operation.
        slow: called before the operation, with its arguments: it may wait, or raise.
        answer: given back in place of what the operation answers, which it does all the same.
        count: how often each operation was asked for.
    """

    fail: dict[str, BaseException] = field(default_factory=dict)
    slow: dict[str, Callable[..., object]] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)


def scripted(
    cls: type[Any],
    *args: Any,
    fail: dict[str, BaseException] | None = None,
    slow: dict[str, Callable[..., object]] | None = None,
    answer: dict[str, Any] | None = None,
    count: Iterable[str] = (),
    attributes: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """An instance of a subclass of `cls`; its `script` has what is given here.

    Args:
        cls: the class of the backend.
        args: for its constructor.
        fail: see `Script`.
        slow: see `Script`.
        answer: see `Script`.
        count: further operations to count, or to be scripted later.
        attributes: class attributes of the subclass, such as ``{"blocking": True}``.
        options: for its constructor.
    """
    script = Script(dict(fail or {}), dict(slow or {}), dict(answer or {}))
    inside = threading.local()
    names = {*script.fail, *script.slow, *script.answer, *count}
    wrapped = {name: _scripted(getattr(cls, name), name, script, inside) for name in names}
    backend = type(cls.__name__, (cls,), {**wrapped, **(attributes or {})})(*args, **options)
    backend.script = script
    return backend


def _scripted(real: Any, name: str, script: Script, inside: threading.local) -> Any:
    getter = real.fget if isinstance(real, property) else None

    @functools.wraps(getter or real)
    def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = functools.partial(getter or real, self, *args, **kwargs)
        if getattr(inside, "depth", 0):
            return work()
        script.count[name] += 1
        inside.depth = 1
        try:
            if name in script.slow:
                script.slow[name](*args, **kwargs)
            if name in script.fail:
                raise script.fail[name]
            answered = work()
        finally:
            inside.depth = 0
        return script.answer.get(name, answered)

    return property(operation) if getter else operation
