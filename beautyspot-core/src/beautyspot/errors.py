"""Every exception that beautyspot raises, as a tree.

Each also inherits the builtin that a caller would expect, so that code which does not know
beautyspot (`except TimeoutError`, `except LookupError`) still does the right thing::

    BeautyspotError
    ├── ConfigError (ValueError)              a setting or an option is wrong
    ├── PluginError                           a plug-in is broken
    │   └── PluginConflictError               two distributions claim one name
    ├── BackendNotFound (LookupError)    no installed plug-in brings that backend
    ├── NotSupportedError (NotImplementedError)  a backend lacks an optional ability
    ├── MetadataError                         the metadata store failed
    │   ├── MetadataBusyError (TimeoutError)  locked by another connection; try again
    │   └── SchemaError                       a table of a newer release than this one
    ├── StorageError                          the blob storage failed
    │   ├── BlobNotFound (LookupError)   nothing is stored at that location
    │   └── BlobLocationError (ValueError)    a key or location outside the storage's own place
    ├── SerializationError (TypeError)        a value has no faithful stored form
    ├── RestoreError (ValueError)             stored bytes are damaged, or of an unknown class
    ├── UnstableKeyError (TypeError)          an argument has no stable form
    ├── RecordNotFound (LookupError)          no stored result has that key, or several do
    ├── ItemsError (ValueError)               a list of items, or its results, is none
    ├── CacheMissError (LookupError)          a miss where none is allowed (mode="replay")
    ├── WorkerError (RuntimeError)            what a worker process raised, and can't send
    ├── RateLimitError (TimeoutError)         no permit within the time that the caller gives
    └── CostError (ValueError)                a cost that no wait can ever grant
"""

from __future__ import annotations

from functools import partial


class BeautyspotError(Exception):
    """The root of all errors of this library."""


class ConfigError(BeautyspotError, ValueError):
    """A setting or an option is unknown, of the wrong type, or out of its range."""


class PluginError(BeautyspotError):
    """A plug-in is broken: it fails to import, or what it registers breaks the contract."""


class PluginConflictError(PluginError):
    """Two installed distributions claim one backend name."""


class BackendNotFound(BeautyspotError, LookupError):  # noqa: N818 - reads as a sentence where caught
    """No installed plug-in brings the backend that was asked for."""


class NotSupportedError(BeautyspotError, NotImplementedError):
    """A backend does not have the optional ability that was asked of it."""


class MetadataError(BeautyspotError):
    """The metadata store could not do what was asked."""


class MetadataBusyError(MetadataError, TimeoutError):
    """The metadata store is locked by another connection; the same call may succeed later."""


class SchemaError(MetadataError):
    """The table was made by a newer release than this one, and is left alone."""


class StorageError(BeautyspotError):
    """The blob storage could not do what was asked."""


class BlobNotFound(StorageError, LookupError):  # noqa: N818 - as above
    """Nothing is stored at the location."""


class BlobLocationError(StorageError, ValueError):
    """A key or a location leads outside the storage's own directory, or bucket and prefix."""


class SerializationError(BeautyspotError, TypeError):
    """A value has no stored form that would restore to an equal value of equal type."""


class RestoreError(BeautyspotError, ValueError):
    """Stored bytes can't be restored: damaged, or of a class that the program does not name."""


class UnstableKeyError(BeautyspotError, TypeError):
    """An argument has no form that is the same in another process, so it can't be in a key.

    Attributes:
        path: where in the arguments it is, such as ``args[0].session._lock``.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        # The default would lose the keyword-only `path` on its way to another process.
        return (partial(UnstableKeyError, path=self.path), (str(self),))


class RecordNotFound(BeautyspotError, LookupError):  # noqa: N818 - as above
    """No stored result has a key that begins so, or several have.

    Attributes:
        candidates: the keys that begin so, or the first of them.
    """

    def __init__(self, message: str, *, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates

    def __reduce__(self) -> tuple[object, ...]:
        return (partial(RecordNotFound, candidates=self.candidates), (str(self),))


class ItemsError(BeautyspotError, ValueError):
    """What should be a list of items is none, or the function did not return a result for each.

    Of functions with ``mark(each=)``.
    """


class CacheMissError(BeautyspotError, LookupError):
    """Nothing is stored for the call, and the mode forbids running the function."""


class WorkerError(BeautyspotError, RuntimeError):
    """In place of what a call of `spot.map` raised in another process, where that can't be sent.

    An exception whose class takes other arguments than it hands to `Exception` does not come back
    from pickle.

    Attributes:
        type_name: of the class that was raised, such as ``httpx.HTTPStatusError``.
        text: what was raised, as text.
        traceback: where it was raised, as Python prints it.
    """

    def __init__(self, message: str, *, type_name: str, text: str, traceback: str) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.text = text
        self.traceback = traceback

    def __reduce__(self) -> tuple[object, ...]:
        named = {"type_name": self.type_name, "text": self.text, "traceback": self.traceback}
        return (partial(WorkerError, **named), (str(self),))


class RateLimitError(BeautyspotError, TimeoutError):
    """The limiter could not grant a permit within the time that the caller gives.

    Attributes:
        retry_after: seconds after which the same call would be granted, as it looked when it was
            refused; None if that is not known, as when `max_concurrent` calls are under way.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return (partial(RateLimitError, retry_after=self.retry_after), (str(self),))


class CostError(BeautyspotError, ValueError):
    """A cost that is not a positive finite number, or is above the largest single cost."""
