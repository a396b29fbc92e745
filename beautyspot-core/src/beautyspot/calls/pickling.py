"""Spots and marked functions on their way to another process, by pickle or cloudpickle.

A Spot travels as the arguments that it was made with, and is made again where it arrives: no lock,
connection or thread is sent. It is made once a process however often it arrives, stays there until
the process ends, and in the process that it came from it is the same one. Where its arguments are
plain values, its pickle is the same in every process, so that Dask's tokens are, too.

Its observers stay where they are: they have locks, queues and registries of their process.

What is secret does not travel: pickles lie in queues, in the memory of schedulers and in logs.
A Spot that was given a password or a key as an argument is refused, and the message says how every
process gets its own: from its environment, or a configuration file.

A marked function of an importable module travels as its name. One of ``__main__`` or of another
function's inside can be sent by cloudpickle alone (joblib, Dask, …), with its code; it keeps its
key, so that all processes share its results. With it goes which classes of ``__main__`` have names,
so that as arguments and results they have these names in all processes, too.
"""

from __future__ import annotations

import copyreg
import os
import re
import weakref
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends.registry import BASES
from beautyspot.calls.engine import Engine, Owner
from beautyspot.concurrency.locks import Lock
from beautyspot.config.settings import SETTINGS
from beautyspot.contracts import Backend
from beautyspot.functions.names import sent_classes, take_classes
from beautyspot.messages import masked
from beautyspot.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_SENT_AS: Final = "_sent_as"
"""The attribute of a Spot that holds the name under which it travels.

Spots that were made with the same arguments have one name, and are one where they arrive.
"""

_known: weakref.WeakValueDictionary[str, Owner] = weakref.WeakValueDictionary()
_arrived: dict[str, Owner] = {}
_locks: Final[dict[int, Lock]] = {}  # by process: a child's may be held in its parent


def sent_spot(spot: Owner, name: str, options: Mapping[str, Any]) -> tuple[Any, ...]:
    """How to make `spot` again, for pickle.

    Raises:
        pickle.PicklingError: an argument can't travel; says which, and what to give instead.
    """
    import hashlib

    options = {option: value for option, value in options.items() if option != "observers"}
    for option, value in options.items():
        _check(name, option, value)
    made_of = repr([type(spot).__module__, type(spot).__qualname__, name, sorted(options.items())])
    token = hashlib.sha256(made_of.encode("utf-8", "backslashreplace")).hexdigest()
    token = vars(spot).setdefault(_SENT_AS, token)
    _known[token] = spot
    return make_spot, (type(spot), token, name, options)


def _check(spot: str, option: str, value: object) -> None:
    why = ""
    # Whatever has no __reduce__ of its own would send its secrets, too.
    if isinstance(value, Backend) and type(value).__reduce__ is object.__reduce__:
        why = (
            f"its {option}={value!r} is an object whose class has no __reduce__: give {option}= as "
            'a URL, as a table {"use": …} with its name and its options, or as a class'
        )
    elif (option == "signing_key" and value) or (
        option in BASES and _shown(masked(value)) != _shown(value)
    ):
        why = (
            f"its {option}= holds a secret, and secrets are not sent: leave {option}= out, and set "
            f"{SETTINGS[option].variable} in the environment of this and the other processes, or "
            f"{option} in a configuration file"
        )
    if why:
        from pickle import PicklingError

        raise PicklingError(f"the Spot {spot!r} can't be sent to another process: {why}")


def _shown(value: object) -> str:
    """What an option says, less the names of users: one without a password is no secret."""
    return re.sub(_USER, "", repr([*value] if isinstance(value, tuple) else value))


_USER: Final = r"(?<=://)[^/?#@:\s]+@"
"""A name without a password."""


def make_spot(cls: Callable[..., Owner], token: str, name: str, options: dict[str, Any]) -> Owner:
    """The Spot that arrives: the one that is known here by its token, or a new one."""
    with _locks.setdefault(os.getpid(), Lock()):
        spot = _known.get(token)
        if spot is None or spot._engine.closed:
            spot = _known[token] = _arrived[token] = cls(name, **options)
            vars(spot)[_SENT_AS] = token
        return spot


def _sent_engine(engine: Engine) -> tuple[Any, ...]:
    return attrgetter("_engine"), (engine.owner(),)


def _sent_task(task: Task) -> tuple[Any, ...]:
    # Its function may refer to itself: what the task is made of comes as its state, set later.
    state = task.owner(), task.function, task.options, (task.addressing.sent(), sent_classes())
    return object.__new__, (Task,), state, None, None, _fill


def _fill(task: Task, state: tuple[Any, ...]) -> None:
    spot, function, options, (identity, classes) = state
    take_classes(classes)
    vars(task).update(vars(spot._task(function, options)))
    task.addressing.take(identity)
    task.func_identifier = task.addressing.func_identifier
    task.counted = spot._engine.counting.of(task.func_identifier)


copyreg.pickle(Engine, _sent_engine)
copyreg.pickle(Task, _sent_task)
