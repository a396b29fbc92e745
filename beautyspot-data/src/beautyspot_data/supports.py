"""Which classes of each library are supported, and by which module of this package.

A module is imported when the first value of its library is met, or restored, and imports that. It
has the functions `key`, `encode` and `decode`, and some of the others of a `TypeSupport`.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any, ClassVar, Final

from beautyspot.contracts import TypeSupport

_METHODS: Final = (
    *("key", "counted_as", "own_names", "encode", "decode", "to_media", "from_media"),
)

_TORCH_NAMED: Final = (
    *("aminmax", "cummax", "cummin", "frexp", "kthvalue", "max", "median", "min", "mode", "qr"),
    *("nanmedian", "slogdet", "sort", "svd", "topk", "triangular_solve", "histogram"),
    *("linalg_eig", "linalg_eigh", "linalg_lu", "linalg_qr", "linalg_slogdet", "linalg_svd"),
    *("linalg_lstsq", "linalg_cholesky_ex", "linalg_inv_ex", "lu_unpack", "unique_consecutive"),
)


def _of_module(name: str) -> Any:
    """A method that is the function of this name in the library's module, else the base class's."""

    def method(self: Library, *given: Any) -> Any:
        has = vars(import_module(f"beautyspot_data.{self.module}"))
        for each in _METHODS:  # in the place of these methods from now on
            vars(self)[each] = has.get(each) or partial(getattr(TypeSupport, each), self)
        return vars(self)[name](*given)

    return method


class Library(TypeSupport):
    """The types of one library, whose subclasses count as well."""

    subclasses = True
    for_looking = True
    module: ClassVar[str]

    key = _of_module("key")
    counted_as = _of_module("counted_as")
    own_names = _of_module("own_names")
    encode = _of_module("encode")
    decode = _of_module("decode")
    to_media = _of_module("to_media")
    from_media = _of_module("from_media")

    def __reduce__(self) -> tuple[type[TypeSupport], tuple[()]]:
        return type(self), ()


class NumpyTypes(Library):
    """Arrays, scalars and data types of NumPy; functions and seeds as arguments alone."""

    name = "numpy"
    module = "numpy_types"
    classes = (
        *("numpy:ndarray", "numpy:generic", "numpy:dtype", "numpy:ufunc", "numpy:busdaycalendar"),
        *("numpy.random._generator:Generator", "numpy.random.mtrand:RandomState"),
        "numpy.random.bit_generator:SeedSequence",
    )


class PandasTypes(Library):
    """Frames, series, indices, scalars, arrays and data types of pandas."""

    name = "pandas"
    module = "pandas_types"
    # Those of pandas 2 have longer names.
    classes = (
        *("pandas:DataFrame", "pandas:Series", "pandas:Index"),
        *("pandas:Timestamp", "pandas:Timedelta", "pandas:Period", "pandas:Interval"),
        *("pandas.api.typing:NaTType", "pandas.api.typing:NAType"),
        *("pandas.api.extensions:ExtensionArray", "pandas.api.extensions:ExtensionDtype"),
        *("pandas.api.typing:DataFrameGroupBy", "pandas.api.typing:SeriesGroupBy"),
        *("pandas.core.frame:DataFrame", "pandas.core.series:Series"),
        *("pandas.core.indexes.base:Index", "pandas._libs.interval:Interval"),
        *("pandas._libs.tslibs.timestamps:Timestamp", "pandas._libs.tslibs.timedeltas:Timedelta"),
        *("pandas._libs.tslibs.period:Period", "pandas._libs.tslibs.nattype:NaTType"),
        *("pandas._libs.missing:NAType", "pandas._libs.tslibs.offsets:BaseOffset"),
        *("pandas.core.arrays.base:ExtensionArray", "pandas.core.dtypes.base:ExtensionDtype"),
        "pandas.core.groupby.generic:DataFrameGroupBy",
        "pandas.core.groupby.generic:SeriesGroupBy",
    )


class PolarsTypes(Library):
    """Frames and series of Polars; its data types as arguments alone."""

    name = "polars"
    module = "polars_types"
    classes = (
        *("polars.dataframe.frame:DataFrame", "polars.series.series:Series"),
        *("polars.lazyframe.frame:LazyFrame", "polars.datatypes.classes:DataType"),
    )


class ArrowTypes(Library):
    """Tables of PyArrow, and its arrays, scalars, schemas and types."""

    name = "pyarrow"
    module = "arrow_types"
    classes = tuple(
        f"pyarrow.lib:{name}"
        for name in (
            *("Table", "RecordBatch", "Array", "ChunkedArray", "Scalar"),
            *("DataType", "Field", "Schema"),
        )
    )


class TorchTypes(Library):
    """Tensors of Torch; its sizes, devices and types as arguments alone."""

    name = "torch"
    module = "torch_types"
    classes = (
        *("torch:Tensor", "torch:Size", "torch:device", "torch:dtype", "torch:layout"),
        *("torch:memory_format", *(f"torch.return_types:{name}" for name in _TORCH_NAMED)),
    )


class PillowTypes(Library):
    """Images of Pillow."""

    name = "pillow"
    module = "pillow_types"
    classes = ("PIL.Image:Image",)
    media = ("image/bmp", "image/png", "image/tiff", "image/webp")


class FigureTypes(Library):
    """Figures: a function with such a content type gives the picture or the page of one."""

    name = "figure"
    module = "figure_types"
    classes = (
        *("matplotlib.figure:Figure", "plotly.basedatatypes:BaseFigure"),
        *(f"altair.vegalite.{version}.api:TopLevelMixin" for version in ("v5", "v6")),
    )
    media = ("application/pdf", "image/png", "image/svg+xml", "text/html")
    drawn = True
    for_looking = False


class OtherTypes(Library):
    """Sparse matrices, graphs, labelled arrays, shapes and maps; settings as arguments alone."""

    name = "other"
    module = "other_types"
    classes = (
        *("scipy.sparse._base:_spbase", "networkx.classes.graph:Graph"),
        *("xarray.core.dataset:Dataset", "xarray.core.dataarray:DataArray"),
        *("shapely.geometry.base:BaseGeometry", "geopandas.array:GeometryArray"),
        *("geopandas.geoseries:GeoSeries", "geopandas.geodataframe:GeoDataFrame"),
        "omegaconf.basecontainer:BaseContainer",
    )


class PytzTypes(Library):
    """The zones of pytz, each of which has a class of its own."""

    name = "pytz"
    module = "pytz_types"
    classes = ("pytz.tzinfo:BaseTzInfo", "pytz:_FixedOffset")
    by_name = True


class DateutilTypes(Library):
    """UTC and fixed offsets of dateutil; its zones of rules count by their attributes."""

    name = "dateutil"
    module = "dateutil_types"
    classes = tuple(f"dateutil.tz.tz:{name}" for name in ("tzutc", "tzoffset", "tzlocal"))


SUPPORTS: Final[tuple[type[Library], ...]] = (
    *(ArrowTypes, DateutilTypes, FigureTypes, NumpyTypes, OtherTypes, PandasTypes, PillowTypes),
    *(PolarsTypes, PytzTypes, TorchTypes),
)
