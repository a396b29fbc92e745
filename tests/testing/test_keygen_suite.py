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


BROKEN = [
    (Refusing, "test_every_basic_value_has_a_text"),
    (Truncating, "test_no_two_values_share_a_text"),
    (Truncating, "test_large_values_count_to_their_end"),
    (Constant, "test_one_text_for_the_same_and_only_for_the_same"),
    (ByRepr, "test_what_has_no_stable_form_is_refused"),
    (ByRepr, "test_the_refusal_says_where"),
    (ByRepr, "test_an_address_is_no_key"),
    (ByRepr, "test_a_text_is_repeated"),
    (ByRepr, "test_the_order_of_names_does_not_count"),
    (ByPickle, "test_every_basic_value_has_a_text"),
    (Greedy, "test_an_iterator_is_left_as_it_was"),
]


@pytest.mark.parametrize(("cls", "name"), BROKEN)
def test_the_suite_finds_broken_generators(cls, name):
    class Suite(KeyGenContract):
        def make(self):
            return cls()

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(Suite(), name)()


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
