"""The classes of `datetime` beneath those that a test has put in their place."""

from __future__ import annotations


def genuine(cls: type) -> type:
    """The class of `datetime` for which `cls` passes; `cls` itself if it passes for none.

    While freezegun holds the time, `datetime.datetime` is a subclass of its own, of which each time
    is an instance.
    """
    for base in cls.__mro__:
        if base.__module__ == "datetime":
            return base if issubclass(base, cls) else cls
    return cls
