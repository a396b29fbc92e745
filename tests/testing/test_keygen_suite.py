"""The suite of key generators finds those that don't keep the contract."""

from __future__ import annotations

import pytest
from beautyspot import KeyGen
from beautyspot.errors import UnstableKeyError
from beautyspot_testing.keygen import KeyGenContract


class ByRepr(KeyGen):
    """What the suite is there to find: addresses, and values that look alike."""

    def canonical(self, value):
        return f"{value}"


class ByHash(KeyGen):
    def canonical(self, value):
        return str(hash(str(value)))


class ByPickle(KeyGen):
    """Texts that are none, equal values that differ, and errors that say nothing."""

    def canonical(self, value):
        import pickle

        return pickle.dumps(value)


class Greedy(KeyGen):
    """Uses iterators up, and recurses without end."""

    def canonical(self, value):
        list(value)
        return super().canonical(value)


class Refusing(KeyGen):
    def canonical(self, value):
        raise UnstableKeyError("no", path="value")


class Truncating(KeyGen):
    def canonical(self, value):
        return str(value)[:3]


class Constant(KeyGen):
    def canonical(self, value):
        return "the same"


OWN_TEXT = "test_each_value_has_a_text_of_its_own"
REFUSED = "test_what_has_no_stable_form_is_refused"


class InOrder(KeyGen):
    """Tells apart what differs in the order of its names alone."""

    def canonical(self, value):
        text = super().canonical(value)
        return text + repr(list(value)) if type(value) is dict else text


class Nameless(KeyGen):
    """Refuses, and says not what."""

    def canonical(self, value):
        try:
            return super().canonical(value)
        except UnstableKeyError:
            raise UnstableKeyError("no", path="") from None


@pytest.mark.parametrize(
    ("cls", "name", "kinds"),
    [
        (Refusing, OWN_TEXT, []),
        (Truncating, OWN_TEXT, []),
        (ByRepr, OWN_TEXT, []),
        (ByPickle, OWN_TEXT, []),
        (InOrder, OWN_TEXT, []),
        (Constant, "test_one_text_for_the_same_and_only_for_the_same", []),
        (ByRepr, REFUSED, ["object"]),
        (Nameless, REFUSED, ["object"]),
        (Greedy, REFUSED, ["iterator"]),
    ],
)
def test_the_suite_finds_broken_generators(cls, name, kinds):
    class Suite(KeyGenContract):
        def make(self):
            return cls()

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(Suite(), name)(*kinds)


def test_the_suite_finds_texts_that_depend_on_the_hash_seed():
    class Suite(KeyGenContract):
        def make(self):
            return ByHash()

        def source(self):
            return (
                "from beautyspot.keys.generator import KeyGen\n"
                "class ByHash(KeyGen):\n"
                "    def canonical(self, value):\n"
                "        return str(hash(str(value)))\n"
                "keygen = ByHash()"
            )

    with pytest.raises(AssertionError, match="another text in another process"):
        Suite().test_the_same_in_another_process()
