"""The contract of a type support, as a test class to subclass.

::

    class TestVersionTypes(TypeSupportContract):
        def make(self):
            return VersionTypes()

        def samples(self):
            return [Version("1.0"), Version("2.0rc1")]
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from beautyspot import KeyGen, MsgpackSerializer

from beautyspot_testing.shared import Switches, json_of_another_process, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot import KeyGenBase, SerializerBase, TypeSupport


class TypeSupportContract(Switches):
    """What every type support must do.

    Class attributes:
        storable: it has `encode` and `decode`; False if it is for arguments only.
        lazy: importing its module imports none of the modules that it names. False if the
            support is a part of the library itself.
    """

    storable: ClassVar[bool] = True
    lazy: ClassVar[bool] = True

    def make(self) -> TypeSupport:
        """Return the support, as a Spot makes it."""
        raise NotImplementedError("override make() and return your type support")

    def samples(self) -> Sequence[Any]:
        """Values of every class that it names, all different.

        Each call makes new ones, also in another process: nothing in them is random.
        """
        raise NotImplementedError("override samples() and return a list of values")

    def same(self, left: Any, right: Any) -> bool:
        """Whether two values of one class are equal; override it if ``==`` is not enough."""
        return bool(left == right)

    def source(self) -> str | None:
        """Python text that makes an instance of this class, `suite`, in another process.

        By default, it imports the class by its name. Override it if that is not enough; None skips
        the tests with other processes.
        """
        return source_of(type(self), "suite")

    # ------------------------------------------------------------------------------- names

    def test_the_samples_are_of_the_classes_that_it_names(self) -> None:
        support, left = self.make(), {*self.make().classes}
        for value in self.samples():
            names = [_name(cls) for cls in type(value).__mro__]
            fitting = names if support.subclasses else names[:1]
            assert {*fitting} & {*support.classes}, (
                f"{names[0]} is not among {support.classes}: name it as the class itself says it"
            )
            left -= {*names}
        assert not left, "these have no sample"

    def test_its_module_imports_nothing_that_it_names(self) -> None:
        self._needs("lazy")
        support = self.make()
        modules = sorted({name.partition(":")[0] for name in support.classes})
        code = (
            "import json, sys, beautyspot\n"
            "before = set(sys.modules)\n"
            f"import {type(support).__module__}\n"
            f"print(json.dumps([n for n in {modules} if n in sys.modules and n not in before]))"
        )
        assert json_of_another_process(code) == [], "import these inside the methods"

    # -------------------------------------------------------------------------------- keys

    def test_keys_tell_values_apart_and_change_none(self) -> None:
        keygen = self._keygen()
        keys: dict[str, object] = {}
        for value, fresh in zip(self.samples(), self.samples(), strict=True):
            key = keygen.canonical(value)
            assert keygen.canonical(value) == key, f"another key the second time: {value!r:.80}"
            assert self.same(value, fresh), f"it is changed: {value!r:.80}"
            assert keygen.canonical(fresh) == key, f"two keys for {value!r:.80}"
            other = keys.setdefault(key, value)
            assert other is value, f"one key: {other!r:.80}, {value!r:.80}"

    # ------------------------------------------------------------------------------ values

    def test_a_value_comes_back_equal_and_of_its_type(self) -> None:
        keygen, serializer = self._keygen(), self._serializer()
        for value, fresh in zip(self.samples(), self.samples(), strict=True):
            stored = bytes(serializer.dumps({"a": [value]}))
            assert bytes(serializer.dumps({"a": [value]})) == stored, f"other bytes: {value!r:.80}"
            assert self.same(value, fresh), f"it is changed: {value!r:.80}"
            restored = serializer.loads(stored)["a"][0]
            assert type(restored) is type(value)
            assert self.same(restored, value), f"{value!r:.200} came back as {restored!r:.200}"
            assert keygen.canonical(restored) == keygen.canonical(value), (
                f"other key: {value!r:.80}"
            )

    # -------------------------------------------------------------------------- both at work

    def test_keys_and_values_are_those_of_another_process(self) -> None:
        source = self.source()
        if source is None:
            pytest.skip("no other process can make this suite: override source()")
        keygen = self._keygen()
        keys = [keygen.canonical(value) for value in self.samples()]
        stored = []
        if self.storable:
            serializer = self._serializer()
            stored = [bytes(serializer.dumps(value)).hex() for value in self.samples()]
        made, restored = json_of_another_process(
            f"{source}\nfrom beautyspot_testing.types import report\nreport(suite, {stored})"
        )
        assert made == keys, "equal values have other keys in another process"
        assert restored == keys[: len(stored)], "another process restores other values"

    def _types(self) -> dict[str, TypeSupport]:
        support = self.make()
        return dict.fromkeys(support.classes, support)

    def _keygen(self) -> KeyGenBase:
        return KeyGen().supporting(self._types())

    def _serializer(self) -> SerializerBase:
        self._needs("storable")
        return MsgpackSerializer().supporting(self._types())


def report(
    suite: TypeSupportContract, stored: list[str]
) -> None:  # pragma: no cover - other processes are not measured
    """Print the keys of a suite's samples, and those of the values that another process stored."""
    types = suite._types()
    keygen = KeyGen().supporting(types)
    serializer = MsgpackSerializer().supporting(types)
    restored = [keygen.canonical(serializer.loads(bytes.fromhex(data))) for data in stored]
    made = [keygen.canonical(value) for value in suite.samples()]
    json.dump([made, restored], sys.stdout)


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
