"""Torch's tensors, as arguments and as results; with Torch itself where it is installed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch_stand_in
from beautyspot import KeyGen, MsgpackSerializer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError
from beautyspot_data.supports import TorchTypes
from supported import stored_as

from tests.made import findable

SERIALIZER, canonical = MsgpackSerializer(), KeyGen().canonical


@pytest.fixture(params=["stand-in", "torch"])
def torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    found = pytest.importorskip("torch") if request.param == "torch" else torch_stand_in
    monkeypatch.setitem(sys.modules, "torch", found)
    monkeypatch.delitem(sys.modules, "beautyspot_data.torch_types", raising=False)
    types = dict.fromkeys(TorchTypes.classes, TorchTypes())
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "SERIALIZER", MsgpackSerializer().supporting(types))
    monkeypatch.setattr(here, "canonical", KeyGen().supporting(types).canonical)
    yield found
    sys.modules.pop("beautyspot_data.torch_types", None)


def carrying(tensor: Any, **attributes: object) -> Any:
    for name, value in attributes.items():
        setattr(tensor, name, value)
    return tensor


# --------------------------------------------------------------------------------- arguments


def test_type_shape_and_content_count(torch: Any) -> None:
    tensors = [
        torch.tensor([1, 2]),
        torch.tensor([1, 3]),
        torch.tensor([[1, 2]]),
        torch.tensor([1, 2], dtype=torch.float32),
        torch.tensor([1, 2], dtype=torch.bfloat16),
        torch.tensor([1, 2], dtype=torch.float32).requires_grad_(True),
        torch.tensor(1),
        torch.empty(0),
        torch.empty(0, 3),
    ]
    for one, other in itertools.combinations([*map(canonical, tensors), canonical([1, 2])], 2):
        assert one != other
    assert canonical(torch.tensor([1, 2])) == canonical(torch.tensor([1, 2]))
    made = torch.tensor([1], dtype=torch.float32).requires_grad_(True)
    made = carrying(made, grad_fn=object()) if torch is torch_stand_in else made * 2
    with pytest.raises(UnstableKeyError, match=r"the graph that made it: pass it with \.detach"):
        canonical(made)
    assert canonical(torch.device("cpu")) != canonical(torch.device("cuda"))
    assert canonical(torch.strided) != canonical(torch.sparse_coo)


def test_how_it_lies_in_memory_does_not_count(torch: Any) -> None:
    turned = torch.tensor([[1, 3], [2, 4]]).permute([1, 0])
    assert canonical(turned) == canonical(torch.tensor([[1, 2], [3, 4]]))


def test_what_torch_has_put_off_counts(torch: Any) -> None:
    """The bytes beneath are those of the tensor before."""
    numbers = torch.tensor([1 + 2j], dtype=torch.complex64)
    assert canonical(numbers.conj()) == canonical(torch.tensor([1 - 2j], dtype=torch.complex64))
    assert canonical(torch._neg_view(torch.tensor([1]))) == canonical(torch.tensor([-1]))


def test_a_gradient_and_attributes_count(torch: Any) -> None:
    @findable
    class Measured(torch.Tensor):
        pass

    def measured(unit: str) -> Any:
        tensor = torch.tensor([1, 2])
        if torch is torch_stand_in:
            return carrying(Measured([1, 2]), unit=unit)
        return carrying(tensor.as_subclass(Measured), unit=unit)

    def trained(gradient: Any) -> Any:
        tensor = torch.tensor([1, 2], dtype=torch.float32).requires_grad_(True)
        return carrying(tensor, grad=gradient)

    ones = torch.tensor([1, 1], dtype=torch.float32)
    twos = torch.tensor([2, 2], dtype=torch.float32)
    different = [
        *(torch.tensor([1, 2]), carrying(torch.tensor([1, 2]), unit="m")),
        *(carrying(torch.tensor([1, 2]), unit="s"), measured("m"), measured("s")),
        *(trained(None), trained(ones), trained(twos)),
    ]
    for one, other in itertools.combinations(map(canonical, different), 2):
        assert one != other
    assert canonical(measured("m")) == canonical(measured("m"))
    assert canonical(trained(ones)) == canonical(trained(ones))


def without_content(torch: Any) -> list[Any]:
    if torch is torch_stand_in:
        return [
            carrying(torch.tensor([1]), layout=torch.sparse_coo),
            carrying(torch.tensor([1]), is_quantized=True),
            carrying(torch.tensor([1]), is_nested=True),
            carrying(torch.tensor([1]), device=torch.device("meta")),
        ]
    return [torch.tensor([1]).to_sparse(), torch.empty(3, device="meta")]


def test_what_has_no_bytes_is_refused(torch: Any) -> None:
    *dense, meta = without_content(torch)
    for tensor in dense:
        with pytest.raises(UnstableKeyError, match="only dense tensors have a stable form"):
            canonical(tensor)
        with pytest.raises(SerializationError, match="only dense tensors .* in another form"):
            SERIALIZER.dumps(tensor)
    with pytest.raises(UnstableKeyError, match="quantised or without content"):
        canonical(meta)


# ----------------------------------------------------------------------------------- results


def round_trip(value: Any) -> Any:
    return SERIALIZER.loads(SERIALIZER.dumps({"a": [value]}))["a"][0]


def test_there_and_back(torch: Any) -> None:
    values = [
        torch.tensor([[1, 2, 3], [4, 5, 6]]),
        torch.tensor(5),
        torch.empty(0),
        torch.empty(2, 0, 3),
        torch.tensor([1.5, -0.0], dtype=torch.float32).requires_grad_(True),
        torch.tensor([1, 2], dtype=torch.bfloat16),
        torch.tensor([1 + 2j], dtype=torch.complex64).conj(),
        torch._neg_view(torch.tensor([1, 2])),
        torch.tensor([[[1, 2], [3, 4], [5, 6]]]).permute([2, 0, 1]),  # as in channels last
        torch.tensor([[n] * 300 for n in range(300)]),
    ]
    for value in values:
        back = round_trip(value)
        assert type(back) is torch.Tensor
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert back.requires_grad == value.requires_grad
        assert torch.equal(back.detach(), value.detach())
        axes = range(value.dim()) if 0 not in value.shape else ()
        assert [*map(back.stride, axes)] == [*map(value.stride, axes)]
    assert torch.equal(round_trip(values[0]).detach(), values[0])


def test_what_says_how_a_tensor_is_comes_back(torch: Any) -> None:
    shape, places = torch.Size([2, 0, 3]), [torch.device("cpu"), torch.device("cuda:1")]
    for value in (shape, torch.Size([]), torch.bfloat16, torch.strided, *places):
        back = round_trip(value)
        assert type(back) is type(value)
        assert back == value
    assert round_trip({"dtype": torch.int64})["dtype"] is torch.int64


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("torch:dtype", ("dtype", "torch.load")),
        ("torch:dtype", ("dtype", "torch.strided")),
        ("torch:dtype", ("load", "torch.int64")),
        ("torch:device", ("device", "nowhere:nothing")),
        ("torch:Size", ("Size", ["a"])),
        ("torch:Size", ("Size", "12")),
    ],
)
def test_what_says_no_such_thing_is_a_miss(torch: Any, name: str, parts: tuple[Any, ...]) -> None:
    if torch is torch_stand_in and "nowhere:nothing" in parts:
        pytest.skip("the stand-in takes any device")
    with pytest.raises(RestoreError):
        SERIALIZER.loads(stored_as(name, *parts))


FROZEN = (
    f"dd00000003c7010003c600000052{bytes(50).hex()}"
    "0100000000000000020000000000000003000000000000000400000000000000"
    "94d44201ac746f7263683a54656e736f72a5746f72636895a5696e7436349202"
    "02920100c292d40d0120"
)


def test_the_stored_form_is_frozen(torch: Any) -> None:
    """A change of it is a change of the format, and needs a new version beside the old one."""
    turned = torch.tensor([[1, 2], [3, 4]], dtype=torch.int64).permute([1, 0])
    assert SERIALIZER.dumps(turned).hex() == FROZEN


def test_a_hit_has_memory_of_its_own(torch: Any) -> None:
    stored = SERIALIZER.dumps(torch.tensor([1, 2]))
    first, second = SERIALIZER.loads(stored), SERIALIZER.loads(stored)
    first.numpy()[0] = 9
    assert torch.equal(second, torch.tensor([1, 2]))


def test_what_would_not_come_back_is_refused(torch: Any) -> None:
    ones = torch.tensor([1, 1], dtype=torch.float32)

    def trained() -> Any:
        return torch.tensor([1, 2], dtype=torch.float32).requires_grad_(True)

    def refused(value: Any, message: str) -> None:
        with pytest.raises(SerializationError, match=message):
            SERIALIZER.dumps(value)

    refused(carrying(trained(), grad=ones), "or a gradient: return it with .* beside it")
    refused(carrying(torch.tensor([1]), unit="m"), r"attributes of its own \(unit\)")
    if torch is torch_stand_in:
        refused(
            carrying(trained(), grad_fn=object()),
            r"the graph that made it, .* \.detach\(\)",
        )
        refused(
            carrying(ones, device=torch.device("cuda:0")),
            r"on another device, .* return it with .*\.cpu",
        )
        refused(torch.tensor([1], dtype=torch.float128), r"of torch\.float128 has no stored form")
    else:
        refused(trained() * 2, r"the graph that made it, .* \.detach\(\)")
        refused(torch.nn.Parameter(ones), "not a type that can be stored")


@pytest.mark.parametrize(
    "parts",
    [
        ("int64", [1], [0], b"12345678"),
        ("int64", [2], [0], False, b"12345678"),
        ("int64", [-1], [0], False, b"12345678"),
        ("int64", [1], [0], False, b"1234567"),
        ("int64", [1], [], False, b"12345678"),
        ("int64", [1], [0.0], False, b"12345678"),
        ("int64", [2**40, 0], [0, 1], False, b"12345678"),
        ("load", [1], [0], False, b"12345678"),
        ("int64", [1], [0], 1, b"12345678"),
    ],
)
def test_damaged_payloads_are_restore_errors(torch: Any, parts: tuple[Any, ...]) -> None:
    with pytest.raises(RestoreError):
        SERIALIZER.loads(stored_as("torch:Tensor", *parts[:-1], buffer=parts[-1]))
