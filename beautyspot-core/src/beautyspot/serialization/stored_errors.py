"""Errors that are results: they are stored as any value, and made again as one.

They are written by our own serializer, whatever that of the function is, so that nothing of a class
runs when one is made. Its class is one that the mark names, or a loaded one below. The traceback
and the errors behind it (`__cause__`, `__context__`) are not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.errors import BeautyspotError, RestoreError, SerializationError
from beautyspot.messages import error_shown
from beautyspot.serialization.classes import is_below

if TYPE_CHECKING:
    from beautyspot.contracts import Data
    from beautyspot.serialization.serializer import MsgpackSerializer


def written(serializer: MsgpackSerializer, error: Exception) -> Data:
    """The bytes of an error, of which one that is equal has been made as a test.

    Args:
        serializer: see `MsgpackSerializer.vouching` and its `errors`.
        error: what the function raised.

    Raises:
        SerializationError: the error has no faithful stored form; says what can't be stored.
    """
    try:
        data = serializer.dumps(error)
        made = serializer.loads(data)
        is_it = type(made) is type(error) and str(made) == str(error)
        if not is_it or bytes(serializer.dumps(made)) != bytes(data):
            raise RestoreError("what its name, arguments and attributes lead to is not equal")
    except Exception as why:
        shown = str(why) if isinstance(why, BeautyspotError) else error_shown(why)
        raise SerializationError(f"the error {type(error).__qualname__}: {shown}") from why
    return data


def restored(
    serializer: MsgpackSerializer, data: Data, classes: tuple[type[Exception], ...]
) -> Exception | None:
    """An error that is equal to the stored one; None where it is of none of these classes.

    Raises:
        RestoreError: the data are damaged, the class has changed, or does not count.
    """
    made = serializer.loads(data)
    return made if is_below(type(made), *classes) else None
