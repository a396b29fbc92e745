"""Sparse matrices, graphs, named arrays, shapes; more libraries are tried in `tests/frameworks`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shapely
import xarray
from beautyspot import RestoreError, SerializationError
from beautyspot_data import other_types
from supported import SERIALIZER, canonical

from tests.made import findable

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


@findable
class Graph(nx.DiGraph):
    """A class of the program's."""


@findable
class Matrix(scipy.sparse.csr_matrix):
    """The same."""


@pytest.mark.parametrize("cls", [Graph, Matrix, nx.Graph, scipy.sparse.dok_array])
def test_what_a_program_sets_on_one_counts(cls: Any) -> None:
    one, other = cls(SQUARE[:, :2]), cls(SQUARE[:, :2])
    assert canonical(one) == canonical(other)
    one.source, other.source = "a", "b"
    assert canonical(one) != canonical(other)


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


def _graph(kind: str) -> Any:
    graph = getattr(nx, kind)([(1, 2), (2, (3, "c"))], name="g")
    graph.add_node("alone", color="red")
    graph.edges[next(iter(graph.edges))]["weight"] = 2.5
    return graph


def _dataset() -> Any:
    data = {"t": (("x",), SQUARE[0], {"unit": "K"})}
    return xarray.Dataset(data, coords={"x": [10, 20, 30]}, attrs={"made": "here"})


OTHERS: dict[str, Callable[[], Any]] = {
    **{k: partial(_graph, k) for k in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph")},
    "dataset": _dataset,
    "array": lambda: _dataset()["t"],
    "coordinate": lambda: _dataset()["x"],
    "point": lambda: shapely.set_srid(shapely.Point(1, 2, 3), 4326),
    "ring": lambda: shapely.LinearRing([(0, 0), (1, 0), (1, 1)]),
    "collection": lambda: shapely.GeometryCollection([shapely.Point(1, 2), shapely.Polygon()]),
}


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, nx.Graph):
        return bool(nx.utils.graphs_equal(one, other) and one.graph == other.graph)
    if isinstance(one, xarray.Dataset | xarray.DataArray):
        return one.identical(other)
    return bool(one == other and shapely.get_srid(one) == shapely.get_srid(other))


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_one_of_another_library_comes_back(make: Callable[[], Any]) -> None:
    value = make()
    back = SERIALIZER.loads(SERIALIZER.dumps(value))
    assert type(back) is type(value)
    assert _is_equal(back, value)
    assert canonical(back) == canonical(make())


def _ways(graph: Any) -> list[Any]:
    return [[*graph.adj[node]] for node in graph] + [
        [*graph.pred[node]] for node in (graph if graph.is_directed() else ())
    ]


@pytest.mark.parametrize("kind", ["Graph", "DiGraph", "MultiGraph", "MultiDiGraph"])
def test_walks_of_a_graph_go_as_before(kind: str) -> None:
    graph = getattr(nx, kind)()
    graph.add_nodes_from("abcd")
    graph.add_edges_from([("d", "c"), ("b", "c"), ("a", "c"), ("d", "a"), ("c", "b")])
    for value in (graph, graph.subgraph("dcb")):
        assert _ways(SERIALIZER.loads(SERIALIZER.dumps(value))) == _ways(value)


def test_a_frozen_graph_stays_so() -> None:
    back = SERIALIZER.loads(SERIALIZER.dumps([nx.freeze(_graph("Graph")), _graph("Graph")]))
    assert [*map(nx.is_frozen, back)] == [True, False]


@pytest.mark.parametrize("value", [_graph("DiGraph"), scipy.sparse.csr_matrix(SQUARE)])
def test_one_with_attributes_of_the_program_is_refused(value: Any) -> None:
    value.position = {1: (0, 0)}
    with pytest.raises(SerializationError, match=r"attributes of its own \(position\)"):
        SERIALIZER.dumps(value)


INDICES = [
    *(
        pd.CategoricalIndex([1, 2, 3]),
        pd.Index([*"abc"]),
        pd.RangeIndex(3),
        pd.interval_range(0, 3),
    ),
    *(pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo"), pd.Index([1, 2, 3], dtype="f4")),
]


@pytest.mark.parametrize("index", INDICES, ids=lambda index: str(index.dtype))
def test_an_index_of_pandas_comes_back_with_an_array(index: Any) -> None:
    value = _dataset()["t"].assign_coords(x=index)
    back = SERIALIZER.loads(SERIALIZER.dumps(value))
    pd.testing.assert_index_equal(back.indexes["x"], value.indexes["x"], exact=True)
    assert getattr(back.indexes["x"], "freq", None) == getattr(index, "freq", None)
    assert back.identical(value)
    assert canonical(back) == canonical(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.drop_indexes("x"),
        lambda array: array.assign_coords(name=("x", ["a", "b", "c"])).set_xindex("name"),
        lambda array: array.expand_dims(y=[1]).stack(both=["x", "y"]),
    ],
)
def test_an_index_that_the_coordinates_do_not_tell_is_refused(change: Any) -> None:
    with pytest.raises(SerializationError, match="an index that its coordinates do not tell"):
        SERIALIZER.dumps(change(_dataset()["t"]))


def test_an_array_in_a_file_is_refused(tmp_path: Path) -> None:
    xarray.Dataset({"t": ("x", SQUARE[0])}).to_netcdf(tmp_path / "a.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "a.nc", engine="scipy") as opened:
        with pytest.raises(SerializationError, match=r"'t' in a file: .*load\(\)"):
            SERIALIZER.dumps(opened)
        loaded = opened.load()
    assert _is_equal(SERIALIZER.loads(SERIALIZER.dumps(loaded)), loaded)


@findable
class Quantity(np.ndarray[Any, Any]):
    """Numbers with a unit, as of Astropy."""

    unit = ""

    def __array_finalize__(self, made: Any) -> None:
        self.unit = getattr(made, "unit", "")


@findable
class Beneath:
    """Numbers with a unit around an array, as of Pint."""

    def __init__(self, numbers: Any, unit: str) -> None:
        self.numbers, self.unit, self.shape = numbers, unit, numbers.shape
        self.dtype, self.ndim = numbers.dtype, numbers.ndim

    def __array_function__(self, *_: Any) -> Any: ...

    def __array_ufunc__(self, *_: Any) -> Any: ...


def quantity(unit: str) -> Any:
    made = np.arange(3.0).view(Quantity)
    made.unit = unit
    return made


UNITS: list[Callable[[str], Any]] = [
    lambda unit: xarray.DataArray(quantity(unit), dims="x"),
    lambda unit: xarray.DataArray(Beneath(np.arange(3.0), unit), dims="x"),
    lambda unit: xarray.Dataset({"a": ("x", quantity(unit))}),
    lambda unit: xarray.DataArray(np.ones(3), {"at": ("x", quantity(unit))}, "x"),
]


@pytest.mark.parametrize("make", UNITS)
def test_the_unit_of_what_an_array_holds_counts(make: Callable[[str], Any]) -> None:
    assert canonical(make("m")) == canonical(make("m"))
    assert canonical(make("m")) != canonical(make("km"))
    with pytest.raises(SerializationError, match="the unit of a quantity|plain values"):
        SERIALIZER.dumps(make("m"))


def test_a_graph_of_an_unknown_kind_is_refused() -> None:
    data = SERIALIZER.dumps(_graph("Graph")).replace(b"\xa5Graph", b"\xa5graph")
    with pytest.raises(RestoreError):
        SERIALIZER.loads(data)


def test_a_graph_of_a_class_below_is_refused() -> None:
    _, embedding = nx.check_planarity(nx.path_graph(3))
    with pytest.raises(SerializationError, match="is of a class below that of networkx"):
        SERIALIZER.dumps(embedding)


def test_a_row_with_neighbours_that_are_none_is_a_miss() -> None:
    *form, order = other_types.encode(nx.path_graph(3))
    assert other_types.decode([*form, order]).adj == nx.path_graph(3).adj
    with pytest.raises(RestoreError, match="neighbours that are none"):
        other_types.decode([*form, [*order[:-1], [0]]])


def test_what_has_no_chart_of_ours_has_no_form() -> None:
    from beautyspot_data import figure_types

    with pytest.raises(RestoreError):
        figure_types.decode(["plotly", [], 1, {}])
