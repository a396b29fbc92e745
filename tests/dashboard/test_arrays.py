"""Arrays and images: their shape and type, and a picture of them."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from dashboard.gallery import opened
from dashboard.reading import links, words

np = pytest.importorskip("numpy")
pillow = pytest.importorskip("PIL.Image")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboard.gallery import Gallery

RECORDS = np.array([(1, 2.5, b"x"), (2, 3.5, b"y")], dtype=[("a", "i4"), ("b", "f8"), ("c", "S3")])
HOLE = np.full((10, 2), 0.5)
HOLE[:2] = [[0.0, np.nan], [np.inf, 1.0]]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("arrays")) as found:
        found.put("line", np.array([1.0, 3.0, np.nan, 2.0]))
        found.put("long", np.arange(100_000))
        found.put("hole", HOLE)
        found.put("flat", np.ones((9, 3)))
        found.put("few", np.ones((4, 4)))
        found.put("huge", np.array([[-1.7e308, 1.7e308]] + [[0.0, 0.0]] * 9))
        found.put("big", np.zeros((1200, 700), dtype=bool))
        found.put("rgb", np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
        found.put("pictures", np.arange(120, dtype=np.uint8).reshape(5, 2, 3, 4))
        found.put("cube", np.arange(24).reshape(2, 3, 2, 2))
        found.put("records", RECORDS)
        found.put("moments", np.array(["2026-01-02", "NaT"], dtype="M8[ns]"))
        found.put("texts", np.array([["a", "<b>"], ["c", "d"]]))
        found.put("complex", np.array([1 + 2j, 3j]))
        found.put("nothing", np.zeros((10**9, 0)))
        found.put("empty", np.zeros((0, 3, 3), dtype=np.uint8))
        found.put("none of four", np.zeros((0, 2, 2, 2)))
        found.put("no dimension", np.array(7))
        found.put("scalar", np.float32(1.5))
        found.put("nan", np.full((9, 2), np.nan))
        found.put("image", pillow.new("RGBA", (6, 4), (255, 0, 0, 128)))
        found.put("within", {"array": np.arange(6).reshape(2, 3), "image": pillow.new("L", (3, 2))})
        yield found


def picture(page: str) -> Any:
    """The picture on a page, as an array."""
    found = re.search(r'src="data:image/png;base64,([^"]*)"', page)
    assert found is not None
    return np.asarray(pillow.open(BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "line",
            "array · 4 · float64 Shape 4 Type float64 Lowest 1 Highest 3 Mean 2 Not finite 1",
        ),
        ("line", "value 0 1.0 1 3.0 2 nan 3 2.0"),
        ("long", "Lowest 0 Highest 99999 Mean 49999.5"),
        (
            "hole",
            "Shape 10 × 2 Type float64 Lowest 0 Highest 1 Mean 0.5 Not finite 2",
        ),
        ("big", "Lowest False Highest False Mean 0 One row and column of 3 is drawn."),
        ("records", "a int32 b float64 c |S3 0 1 2.5 0x78 1 2 3.5 0x79"),
        ("moments", "0 2026-01-02T00:00:00.000000000 1 NaT"),
        ("texts", "0 1 0 a <b> 1 c d"),
        ("complex", "0 (1+2j) 1 3j"),
        ("nothing", "array · 1,000,000,000 × 0 · float64"),
        ("empty", "array · 0 × 3 × 3 · uint8"),
        ("none of four", "array · 0 × 2 × 2 × 2 · float64"),
        ("no dimension", "ndarray 7"),
        ("scalar", "float32 1.5"),
        ("within", "array [[0, 1, 2], [3, 4, 5]] ndarray int64 image 3 × 2 Image L all of it"),
        ("image", "image · 6 × 4 · RGBA Size 6 × 4 pixels Mode RGBA"),
    ],
)
def test_an_array_is_told(gallery: Gallery, name: str, shown: str) -> None:
    assert shown in words(gallery.page(name))


def test_two_dimensions_are_colours_from_dark_to_bright(gallery: Gallery) -> None:
    seen = picture(gallery.page("hole"))
    assert seen.shape == (10, 2, 4)
    assert seen[0, 0].tolist() == [68, 1, 84, 255]
    assert seen[1, 1].tolist() == [253, 231, 37, 255]
    assert seen[0, 1, 3] == seen[1, 0, 3] == 0  # what is no number is seen through
    assert (picture(gallery.page("flat")) == seen[0, 0]).all()
    assert not picture(gallery.page("nan"))[..., 3].any()
    assert 'class="plot"' not in gallery.page("few"), "its numbers say more"
    huge = picture(gallery.page("huge"))
    assert (huge[0, 0].tolist(), huge[0, 1].tolist()) == (seen[0, 0].tolist(), seen[1, 1].tolist())


def test_of_more_dimensions_the_first_is_shown(gallery: Gallery) -> None:
    told = words(gallery.page("cube"))
    assert "Shown the first of 2 × 3 Row 0 1 0 0 1 1 2 3 Rows" in told
    assert "the first of 5" in words(gallery.page("pictures"))
    assert (picture(gallery.page("pictures")).ravel() == np.arange(24)).all()
    assert "Shown" not in words(gallery.page("rgb"))


def test_images_that_have_no_content_type_are_shown(gallery: Gallery) -> None:
    assert picture(gallery.page("image")).tolist() == [[[255, 0, 0, 128]] * 6] * 4
    page = gallery.page("within", links(gallery.page("within"), "all of it")[0])
    assert picture(page).shape == (2, 3, 3)


def test_one_dimension_is_a_line_with_its_gaps(gallery: Gallery) -> None:
    page = gallery.page("line")
    lines = re.findall(r'<polyline points="([^"]*)"', page)
    assert [len(line.split()) for line in lines] == [2, 2]
    assert lines[0].startswith("0.0,216.0 240.0,4.0")
    (long,) = re.findall(r'<polyline points="([^"]*)"', gallery.page("long"))
    assert len(long.split()) == 1022


def test_a_tensor_is_an_array_also_of_numbers_that_numpy_has_not(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def numpy() -> Any:
        raise TypeError("Got unsupported ScalarType BFloat16")

    fine = SimpleNamespace(numpy=lambda: np.arange(4.0))
    tensor = type("Tensor", (), {"__module__": "torch", "dtype": "torch.bfloat16"})()
    tensor.detach = lambda: SimpleNamespace(numpy=numpy, float=lambda: fine)
    monkeypatch.setattr("beautyspot.Store.value", lambda *_: tensor)
    assert "tensor · 4 · torch.bfloat16 Shape 4" in words(gallery.page("line"))
