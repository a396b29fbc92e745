"""Whether two frames are the same in all that a caller can see; pandas itself compares by value.

For pandas, two zones of one name are equal, as are two columns of strings that are kept in
different ways, and the labels 1, 1.0 and True.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # it ships no types

_PARAMETERS: Final = ("tz", "storage", "na_value", "pyarrow_dtype", "subtype", "fill_value")
"""What the data types of pandas have, one or the other of them."""


def difference(frame: Any, restored: Any) -> str | None:
    """What differs between two frames of the same columns; None if nothing does."""
    if not _same_index(frame.index, restored.index):
        return f"its index of the data type {frame.index.dtype}"
    for label, dtype in frame.dtypes.items():
        column = restored[label]
        if not _same_type(dtype, column.dtype) or not frame[label].equals(column):
            return f"a column of the data type {dtype}"
    return None


def _same_index(left: Any, right: Any) -> bool:
    if type(left) is not type(right) or not left.identical(right):
        return False
    if [*map(_seen, left.names)] != [*map(_seen, right.names)]:
        return False
    if isinstance(left, pd.MultiIndex):
        pairs = [(left.get_level_values(n), right.get_level_values(n)) for n in range(left.nlevels)]
        return all(_same_index(*pair) for pair in pairs)
    if left.dtype == np.dtype(object) and [*map(type, left)] != [*map(type, right)]:
        return False
    same_frequency = _offset(getattr(left, "freq", None)) == _offset(getattr(right, "freq", None))
    return _same_type(left.dtype, right.dtype) and same_frequency


def _seen(value: object) -> tuple[type, str]:
    return type(value), repr(value)


def _offset(offset: Any) -> object:
    """All of a frequency; its text lacks the holidays, among others."""
    if offset is None:
        return None
    parameters = {name: x for name, x in offset.kwds.items() if name != "calendar"}
    return type(offset), offset.n, offset.normalize, repr(sorted(parameters.items()))


def _same_type(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, pd.CategoricalDtype):
        return left.ordered == right.ordered and _same_index(left.categories, right.categories)
    if left != right:
        return False
    return all(
        _seen(getattr(left, name, None)) == _seen(getattr(right, name, None))
        for name in _PARAMETERS
    )
