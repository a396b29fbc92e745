"""The suite of key generators finds those that don't keep the contract."""

from __future__ import annotations

import pytest
from beautyspot import KeyGen
from beautyspot.errors import UnstableKeyError
from beautyspot_testing.keygen import KeyGenContract


class ByRepr(KeyGen):
    """What the suite is there to find: addresses, and values that look alike."""

    def input_id(self, args, kwargs):
        return f"{args}{kwargs}"


class ByHash(KeyGen):
    def input_id(self, args, kwargs):
        return str(hash(str(args) + str(kwargs)))


class ByPickle(KeyGen):
    """IDs that are no texts, equal values that differ, and errors that say nothing."""

    def input_id(self, args, kwargs):
        import pickle

        return pickle.dumps((args, kwargs))


class Greedy(KeyGen):
    """Uses iterators up, and recurses without end."""

    def input_id(self, args, kwargs):
        list(args[0])
        return super().input_id(args, kwargs)


class Refusing(KeyGen):
    def input_id(self, args, kwargs):
        raise UnstableKeyError("no", path="args[0]")


class Truncating(KeyGen):
    def input_id(self, args, kwargs):
        return str(args)[:3]

    def canonical(self, value):
        return str(value)


class Constant(KeyGen):
    def input_id(self, args, kwargs):
        return "the same"


BROKEN = [
    (Refusing, "test_every_basic_value_has_an_id_that_is_a_text"),
    (Truncating, "test_no_two_values_share_an_id"),
    (Truncating, "test_large_values_count_to_their_end"),
    (Truncating, "test_where_an_argument_ends_counts"),
    (Truncating, "test_texts_agree_where_ids_agree"),
    (Constant, "test_one_id_for_the_same_and_only_for_the_same"),
    (ByRepr, "test_what_has_no_stable_form_is_refused"),
    (ByRepr, "test_the_refusal_says_where"),
    (ByRepr, "test_an_address_is_no_key"),
    (ByRepr, "test_an_id_is_repeated"),
    (ByRepr, "test_the_order_of_names_does_not_count"),
    (ByPickle, "test_every_basic_value_has_an_id_that_is_a_text"),
    (Greedy, "test_an_iterator_is_left_as_it_was"),
]


@pytest.mark.parametrize(("cls", "name"), BROKEN)
def test_the_suite_finds_broken_generators(cls, name):
    class Suite(KeyGenContract):
        def make(self):
            return cls()

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(Suite(), name)()


def test_the_suite_finds_ids_that_depend_on_the_hash_seed():
    class Suite(KeyGenContract):
        def make(self):
            return ByHash()

        def source(self):
            return (
                "from beautyspot.keys.generator import KeyGen\n"
                "class ByHash(KeyGen):\n"
                "    def input_id(self, args, kwargs):\n"
                "        return str(hash(str(args) + str(kwargs)))\n"
                "keygen = ByHash()"
            )

    with pytest.raises(AssertionError, match="another ID in another process"):
        Suite().test_the_same_in_another_process()
