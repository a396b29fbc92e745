"""Our key generators keep the contract."""

from __future__ import annotations

from types import NoneType

from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import KeyGen
from beautyspot_testing.keygen import KeyGenContract


class TestKeyGen(KeyGenContract):
    def make(self):
        return KeyGen()


class Picky(KeyGen):
    """Takes what every generator takes, and refuses the rest."""

    def input_id(self, args, kwargs):
        for number, value in enumerate(args):
            if type(value) not in (NoneType, bool, int, float, str, list, tuple, dict):
                raise UnstableKeyError("refused", path=f"args[{number}]")
        return super().input_id(args, kwargs)


class TestPicky(KeyGenContract):
    def make(self):
        return Picky()

    def source(self):
        return None
