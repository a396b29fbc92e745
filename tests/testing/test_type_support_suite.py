"""The suite of type supports: a right one passes, and each mistake fails the test that names it."""

from __future__ import annotations

import beautyspot as bs
import pytest
from beautyspot_testing.types import TypeSupportContract
from fake_plugins import Versions
from packaging.version import Version


class TestVersions(TypeSupportContract):
    lazy = False  # this module imports what it names

    def make(self):
        return Versions()

    def samples(self):
        return [Version("1.0"), Version("1.1")]


class Patterned:
    """A value without an equality of its own."""

    def __init__(self, text):
        self.text = text


class Keys(bs.TypeSupport):
    """For arguments alone."""

    name = "patterned"
    classes = (f"{__name__}:Patterned",)

    def key(self, value):
        return value.text


class TestKeys(TypeSupportContract):
    storable = False
    lazy = False

    def make(self):
        return Keys()

    def samples(self):
        return [Patterned("a"), Patterned("b")]

    def same(self, left, right):
        return left.text == right.text


def suite_of(**members):
    """The suite of a support with other members."""
    support = type("Wrong", (Versions,), members)
    return type("Wrong", (TestVersions,), {"make": lambda self: support()})()


@pytest.mark.parametrize(
    ("test", "members"),
    [
        ("the_samples_are_of_the_classes_that_it_names", {"classes": ("packaging:Version",)}),
        ("the_samples_are_of_the_classes_that_it_names", {"classes": (*Versions.classes, "a:B")}),
        ("keys_tell_values_apart_and_change_none", {"key": lambda self, value: id(value)}),
        ("keys_tell_values_apart_and_change_none", {"key": lambda self, value: value.major}),
        ("a_value_comes_back_equal_and_of_its_type", {"decode": lambda self, value: Version("9")}),
        ("a_value_comes_back_equal_and_of_its_type", {"encode": lambda self, v: "9"}),
        ("keys_and_values_are_those_of_another_process", {"key": lambda self, v: hash(str(v))}),
    ],
)
def test_a_mistake_is_found(test, members) -> None:
    suite = suite_of(**members)
    if "another_process" in test:
        source = TestVersions().source()
        suite.source = lambda: source
    with pytest.raises(AssertionError):
        getattr(suite, f"test_{test}")()


def test_an_import_of_the_library_is_found() -> None:
    suite = type("Eager", (TestVersions,), {"lazy": True})()
    with pytest.raises(AssertionError, match="import these inside the methods"):
        suite.test_its_module_imports_nothing_that_it_names()
