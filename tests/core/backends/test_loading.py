"""Every way for one plug-in to be wrong, and what the author is told."""

from __future__ import annotations

import beautyspot as bs
import pytest
from beautyspot.backends.discovery import Loaded, Origin
from beautyspot.backends.listing import info
from beautyspot.backends.loading import load
from fake_plugins import BASE, backend, module, offering, origin


@pytest.mark.parametrize("point", BASE)
def test_a_whole_plugin_brings_its_classes(point):
    one, two = backend("one", point), backend("two", point)
    loaded = load(origin(offering(one, two, point=point)))
    assert loaded.broken is None
    assert loaded.notes == ()
    assert loaded.classes(point) == (one, two)
    assert loaded.offers == {point: ["one", "two"]}


def test_a_hook_may_return_one_class_or_nothing():
    one = backend("one")
    plugin = module(
        beautyspot_register_storage=bs.hookimpl(lambda: one),
        beautyspot_register_limiter=bs.hookimpl(lambda: ()),
    )
    # pluggy takes the attribute's name, not the function's
    assert load(origin(plugin)).classes("storage") == (one,)
    assert load(origin(plugin)).offers == {"storage": ["one"]}


def test_an_object_with_hooks_is_a_plugin():
    one = backend("one")

    class Plugin:
        @bs.hookimpl
        def beautyspot_register_storage(self):
            return [one, one]

    assert load(origin(Plugin())).classes("storage") == (one,)


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        load(origin(KeyboardInterrupt()))


def test_a_hook_of_a_newer_core_may_be_marked_optional():
    hook = bs.hookimpl(optionalhook=True)(lambda: None)
    plugin = offering(backend("one"), beautyspot_register_dashboard=hook)
    assert load(origin(plugin)).notes == ()


def test_the_listing_of_a_whole_plugin():
    one = backend("one")
    plugin = offering(one, __file__="/site/fake_plugin.py")
    plugin.beautyspot_register_storages = bs.hookimpl(lambda: one)
    shown = info(load(origin(plugin)))
    assert (shown.name, shown.distribution, shown.version) == ("fake", "fake-dist", "1.2")
    assert (shown.module, shown.location) == ("fake_module", "/site/fake_plugin.py")
    assert shown.offers == {"storage": ["one"]}
    assert shown.broken is None
    lines = str(shown).splitlines()
    assert lines[:3] == ["fake (fake-dist 1.2)", "  storage: one", "  from /site/fake_plugin.py"]
    assert lines[3].startswith("  note: there is no hook")
    assert hash(shown) == hash(info(load(origin(plugin))))


def test_the_listing_of_a_broken_plugin():
    shown = info(load(origin(RuntimeError("boom"))))
    assert shown.location == "/site"
    assert str(shown).splitlines()[-1].startswith("  BROKEN: it raised RuntimeError: boom")


def test_the_listing_of_an_object():
    shown = info(Loaded(Origin("mine", "mine", object)))
    assert str(shown) == "mine (given as plugins=)"
    assert str(Origin("mine", "mine", object)) == "'mine' (given as plugins=)"
    assert str(origin(None)) == "'fake' (fake-dist 1.2)"
