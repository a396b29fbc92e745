"""Sparse matrices, figures and named tensors; other libraries are tried in `tests/frameworks`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from beautyspot import RestoreError
from beautyspot_data import other_types
from supported import SERIALIZER, canonical

SQUARE = np.array([[1, 0, 2], [0, 0, 3]])
KINDS = [
    f"{kind}_{family}"
    for kind in ("csr", "csc", "bsr", "coo", "dia", "lil", "dok")
    for family in ("matrix", "array")
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sparse_matrix_comes_back(kind: str) -> None:
    value = getattr(scipy.sparse, kind)(SQUARE)
    back = SERIALIZER.loads(SERIALIZER.dumps(value))
    assert (type(back), back.dtype, back.shape) == (type(value), value.dtype, value.shape)
    assert (back.toarray() == SQUARE).all()
    assert canonical(back) == canonical(value)
    assert canonical(getattr(scipy.sparse, kind)(2 * SQUARE)) != canonical(value)


BASE = "scipy.sparse._base:_spbase"
ONE = np.array([1])


@pytest.mark.parametrize(
    "parts",
    [
        ("csr_matrix", [1, 1], ONE, np.array([2**30]), np.array([0, 1])),
        ("csr_matrix", [2**40, 1], ONE, np.array([0]), np.array([0, 1])),
        ("coo_array", [1, 1], ONE, np.array([5]), np.array([0])),
        ("load_npz", [1], "/etc/passwd"),
        ("eye_array", [1], 1),
    ],
    ids=lambda parts: parts[0],
)
def test_a_hostile_one_does_not(parts: Any) -> None:
    with pytest.raises((ValueError, RestoreError, OverflowError)):
        other_types.decode([BASE, *parts])


def test_the_attributes_of_an_ordered_dict_come_back() -> None:
    state: Any = OrderedDict(weight=np.ones(2))
    state._metadata = OrderedDict({"": {"version": 1}})
    back = SERIALIZER.loads(SERIALIZER.dumps([state, OrderedDict(a=1)]))
    assert [*map(type, back)] == [OrderedDict, OrderedDict]
    assert (back[0]["weight"] == 1).all()
    assert vars(back[0]) == {"_metadata": OrderedDict({"": {"version": 1}})}
    assert back[1] == OrderedDict(a=1)
    assert vars(back[1]) == {}
