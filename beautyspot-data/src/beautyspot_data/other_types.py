"""Sparse matrices, graphs, labelled arrays, shapes, maps and settings: a few lines a library.

What is stored of one is what counts of it in a key: its parts, of which its constructor makes it
again. The libraries are imported by the program, or when a stored value is restored.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.parts import PICKLE_IT, check

if TYPE_CHECKING:
    from collections.abc import Callable

# ------------------------------------------------------------------------------------------ SciPy


def _sparse(value: Any) -> list[Any]:
    if value.format in ("csr", "csc", "bsr"):
        parts = [value.data, value.indices, value.indptr]
    elif value.format == "dia":
        parts = [value.data, value.offsets]
    else:
        flat = value.tocoo()
        parts = [flat.data, *flat.coords]
    return [type(value).__name__, [*value.shape], *parts]


def _read_sparse(name: str, shape: Any, data: Any, *places: Any) -> Any:
    scipy = import_module("scipy.sparse")
    kind, _, family = check([name], str)[0].partition("_")
    if family not in ("matrix", "array") or not hasattr(scipy, name):
        raise RestoreError(f"a sparse matrix of the kind {name:.40}")
    cls = getattr(scipy, name)
    if kind in ("csr", "csc", "bsr"):
        made = cls((data, *places), shape=tuple(shape))
        made.check_format(full_check=True)  # what is outside of it may end the process
        return made
    if kind == "dia":
        return cls((data, *places), shape=tuple(shape))
    flat = getattr(scipy, f"coo_{family}")((data, places), shape=tuple(shape))
    return flat if kind == "coo" else cls(flat)


# --------------------------------------------------------------------------------------- NetworkX


def _graph(value: Any) -> list[Any]:
    edges = value.edges(keys=True, data=True) if value.is_multigraph() else value.edges(data=True)
    nodes = [[node, dict(data)] for node, data in value.nodes(data=True)]
    about = [type(value).__name__, import_module("networkx").is_frozen(value), dict(value.graph)]
    # The neighbours of a node in the order by which walks go, and which the edges do not tell.
    order = [[*n] for n in (value.pred if value.is_directed() else value.adj).values()]
    return [*about, nodes, [[*edge] for edge in edges], order]


_GRAPHS: Final = frozenset({"Graph", "DiGraph", "MultiGraph", "MultiDiGraph"})


def _read_graph(name: str, frozen: bool, about: Any, nodes: Any, edges: Any, order: Any) -> Any:
    if name not in _GRAPHS:
        raise RestoreError(f"a graph of the kind {name!r:.40}")
    networkx = import_module("networkx")
    made = getattr(networkx, name)()
    made.graph.update(about)
    made.add_nodes_from(map(tuple, nodes))
    made.add_edges_from(map(tuple, edges))
    others = made._pred if made.is_directed() else made._adj
    for node, names in zip(others, order, strict=True):
        if others[node].keys() ^ {*names}:
            raise RestoreError("a graph with neighbours that are none")
        others[node] = {name: others[node][name] for name in names}
    return networkx.freeze(made) if frozen else made


# ----------------------------------------------------------------------------------------- xarray


def _variables(value: Any) -> dict[Any, list[Any]]:
    for name, variable in value.items():
        is_lazy = type(variable._data).__module__.partition(".")[0] in ("dask", "xarray")
        if is_lazy and not (variable._in_memory or hasattr(variable, "level_names")):
            raise SerializationError(
                f"has {name!r} in a file: pass or return what its load() gives, or pass the path, "
                'with mark(key={"…": KeyGen.from_path_stat})'
            )
    return {n: [[*v.dims], _values(v), dict(v.attrs)] for n, v in value.items()}


def _values(variable: Any) -> Any:
    """The array, as which it may have a unit; of labels the index, which tells zones and the like.

    An index of several levels is refused, and one of texts of NumPy would lose their type.
    """
    if not hasattr(variable, "level_names"):
        return variable.data
    is_told = variable.level_names is None and variable.dtype.kind not in "US"
    return variable.to_index() if is_told else variable.values


def _dataset(value: Any) -> list[Any]:
    data = {name: each.variable.to_base_variable() for name, each in value.data_vars.items()}
    coords = {name: each.variable for name, each in value.coords.items()}
    return [_variables(data), _variables(coords), dict(value.attrs)]


def _read_dataset(*parts: Any) -> Any:
    data, coords, attrs = check([*parts], dict, dict, dict)
    made = [{name: tuple(each) for name, each in some.items()} for some in (data, coords)]
    return import_module("xarray").Dataset(*made, attrs)


def _is_whole(value: Any, made: Any) -> bool:
    """Whether all that xarray compares is there again, and the data types of coordinates."""
    types = [{name: each.dtype for name, each in one.coords.items()} for one in (value, made)]
    return types[0] == types[1] and value.identical(made)


_ALONE: Final = "<array>"  # the name of an array in a dataset of its own


# --------------------------------------------------------------------------- Shapely and GeoPandas


def _read_shape(is_ring: bool, wkb: bytes) -> Any:
    shapely = import_module("shapely")
    made = shapely.from_wkb(check([wkb], bytes)[0])
    return shapely.LinearRing(made) if is_ring else made


_AUTHORITY: Final = re.compile(r"[A-Za-z]{2,20}:\d{1,10}")
"""How a system of coordinates is named, as EPSG:4326; others count by all of their text."""

_RING: Final = 2  # Shapely's number of the type that WKB writes as a line


def _place(crs: Any) -> str | None:
    if crs is None or _AUTHORITY.fullmatch(crs.srs):
        return crs and str(crs.srs)
    return str(crs.to_wkt())


def _shapes(value: Any) -> list[Any]:
    shapely, shapes = import_module("shapely"), value.to_numpy()
    rings = (shapely.get_type_id(shapes) == _RING).nonzero()[0].tolist()
    return [[*shapely.to_wkb(shapes, include_srid=True)], rings, _place(value.crs)]


def _read_shapes(wkb: Any, rings: Any, place: str | None) -> Any:
    made = import_module("shapely").from_wkb(wkb)
    for number in rings:
        made[number] = import_module("shapely").LinearRing(made[number])
    crs: Any = import_module("pyproj").CRS if place else None
    if place:
        crs = crs.from_user_input(place) if _AUTHORITY.fullmatch(place) else crs.from_wkt(place)
    return import_module("geopandas.array").GeometryArray(made, crs=crs)


def _map(value: Any) -> list[Any]:
    frame = import_module("pandas").DataFrame(value)
    places = [_place(x.array.crs) for _, x in frame.items() if hasattr(x.array, "crs")]
    return [frame, value._geometry_column_name, places]


# ------------------------------------------------------------------------------------------- all

FORMS: Final[dict[str, tuple[Callable[[Any], list[Any]], Callable[..., Any]]]] = {
    "scipy.sparse._base:_spbase": (_sparse, _read_sparse),
    "networkx.classes.graph:Graph": (_graph, _read_graph),
    "xarray.core.dataset:Dataset": (_dataset, _read_dataset),
    "xarray.core.dataarray:DataArray": (
        lambda value: [value.name, *_dataset(value.to_dataset(name=_ALONE))],
        lambda name, *parts: _read_dataset(*parts)[_ALONE].rename(name),
    ),
    "shapely.geometry.base:BaseGeometry": (
        lambda value: [
            *(
                value.geom_type == "LinearRing",
                import_module("shapely").to_wkb(value, include_srid=True),
            )
        ],
        _read_shape,
    ),
    "geopandas.array:GeometryArray": (_shapes, _read_shapes),
    "geopandas.geoseries:GeoSeries": (
        lambda value: [import_module("pandas").Series(value), _place(value.crs)],
        lambda series, _crs: import_module("geopandas").GeoSeries(series),
    ),
    "geopandas.geodataframe:GeoDataFrame": (
        _map,
        lambda frame, name, _places: import_module("geopandas").GeoDataFrame(frame, geometry=name),
    ),
    "omegaconf.basecontainer:BaseContainer": (
        lambda value: [import_module("omegaconf").OmegaConf.to_container(value, resolve=True)],
        lambda *_: None,  # which refuses it: no settings are stored
    ),
}
"""The class below which the others are: how they are taken apart, and made again."""


def _named(value: Any) -> str:
    names = (f"{base.__module__}:{base.__qualname__}" for base in type(value).__mro__)
    return next(name for name in names if name in FORMS)


def key(value: Any) -> object:
    """See `TypeSupport.key`: what is stored."""
    try:
        return FORMS[_named(value)][0](value)
    except SerializationError as error:
        raise UnstableKeyError(str(error)) from error


_SET: Final = frozenset(
    {"coords", "data", "dtype", "frozen", "graph", "has_canonical_format", "indices", "indptr",
     "maxprint", "offsets", "rows"}
)  # fmt: skip
"""The attributes that graphs and sparse matrices set, and their classes have not."""


def own_names(cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`."""
    libraries = {name.partition(".")[0] for name in FORMS}
    base = next(b for b in cls.__mro__ if b.__module__.partition(".")[0] in libraries)
    known = {*dir(base), *_SET}
    return lambda name: name[:1] == "_" or name in known


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    name = _named(value)
    library = name.partition(".")[0]
    if library == "omegaconf":
        raise SerializationError("reads other settings: return OmegaConf.to_container(…) of it")
    is_below = library == "networkx" and type(value).__name__ not in _GRAPHS
    if is_below or type(value).__module__.partition(".")[0] != library:
        raise SerializationError(f"is of a class below that of {library}: {PICKLE_IT}")
    form = [name, *FORMS[name][0](value)]
    if library == "xarray" and not _is_whole(value, decode(form)):
        raise SerializationError(
            "has an index that its coordinates do not tell: reset_index(…), drop_vars(…) or "
            f"assign_coords(…) with plain values, or, {PICKLE_IT}"
        )
    return form


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    name, *parts = form
    return FORMS[name][1](*parts)
