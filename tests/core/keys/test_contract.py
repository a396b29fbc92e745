"""Our key generators keep the contract; and the suite finds those that don't."""

from __future__ import annotations

import json
from types import NoneType

import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import KeyGen
from beautyspot_testing.keygen import KeyGenContract
from beautyspot_testing.values import ids, print_ids


class TestKeyGen(KeyGenContract):
    def make(self):
        return KeyGen()


class TestKeyGenWithMd5(KeyGenContract):
    def make(self):
        return KeyGen(digest="md5")

    def source(self):
        return "from beautyspot.keys.generator import KeyGen\nkeygen = KeyGen(digest='md5')"


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


def test_what_another_process_says(capsys):
    print_ids(Picky())
    said = json.loads(capsys.readouterr().out)
    assert said == list(ids(Picky()))
    assert None in said


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
    (Refusing, "test_every_basic_value_has_an_id"),
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
    (ByRepr, "test_a_value_that_contains_itself_is_refused"),
    (ByPickle, "test_an_id_is_a_text"),
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


def test_a_process_that_fails_is_shown():
    class Suite(TestKeyGen):
        def source(self):
            return "raise SystemExit('no such module')"

    with pytest.raises(AssertionError, match="no such module"):
        Suite().test_the_same_in_another_process()


def test_generators_that_no_other_process_can_make_are_skipped():
    class Local(KeyGen):
        pass

    class Suite(KeyGenContract):
        def make(self):
            return Local()

    with pytest.raises(pytest.skip.Exception, match="override source"):
        Suite().test_the_same_in_another_process()


def test_generators_without_canonical_text_are_skipped():
    class Silent(KeyGen):
        def canonical(self, value):
            return super(KeyGen, self).canonical(value)

    class Suite(KeyGenContract):
        def make(self):
            return Silent()

    with pytest.raises(pytest.skip.Exception, match="no canonical text"):
        Suite().test_texts_agree_where_ids_agree()


def test_the_factory_has_to_be_given():
    with pytest.raises(NotImplementedError, match="give the suite a factory"):
        KeyGenContract().test_an_id_is_a_text()
