"""Every way for one plug-in to be wrong, and what the author is told."""

from __future__ import annotations

import importlib

import beautyspot as bs
import pytest
from beautyspot.backends.discovery import Loaded, Origin
from beautyspot.backends.listing import info
from beautyspot.backends.loading import HOOKS, load
from fake_plugins import BASE, backend, dist, module, offering, origin


def broken(target) -> str:
    loaded = load(origin(target))
    assert loaded.broken is not None
    assert loaded.offers == {}
    return loaded.broken


@pytest.mark.parametrize("point", BASE)
def test_a_whole_plugin_brings_its_classes(point):
    one, two = backend("one", point), backend("two", point)
    loaded = load(origin(offering(one, two, point=point)))
    assert loaded.broken is None
    assert loaded.notes == ()
    assert loaded.classes(point) == (one, two)
    assert loaded.offers == {point: ["one", "two"]}


@pytest.mark.parametrize("stated", [["one"], {"storage": "one"}, {"storage": [1]}, None])
def test_what_is_stated_has_to_be_a_table(stated):
    plugin = offering(backend("one"), beautyspot_offers=stated)
    assert "write a table of the names and schemes" in broken(plugin)


@pytest.mark.parametrize(
    ("point", "hint"), [("stroage", "Did you mean 'storage'?"), ("types", "Others are keygen, ")]
)
def test_a_statement_about_what_has_no_names_is_noted(point, hint):
    loaded = load(origin(offering(backend("one"), beautyspot_offers={point: ["one"]})))
    assert loaded.classes("storage")[0].name == "one"
    (note,) = loaded.notes
    assert note.startswith(f"beautyspot_offers has {point!r}, whose backends have no names.")
    assert hint in note


def test_an_attribute_that_raises_breaks_the_plugin():
    class Plugin:
        @property
        def beautyspot_api(self):
            raise RuntimeError("not yet")

    assert "it raised RuntimeError: not yet" in broken(Plugin())


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


def test_an_exception_at_import_is_told_with_its_place():
    def fail():
        raise RuntimeError("boom")

    loaded = load(Origin("x", "x_module", fail, dist()))
    assert "RuntimeError: boom" in loaded.broken
    assert f"({__file__}, line {fail.__code__.co_firstlineno + 1})" in loaded.broken
    assert loaded.broken.endswith("update it, or ask its author")


def test_an_exception_without_a_message():
    assert broken(RuntimeError()).startswith("it raised RuntimeError (")


def test_a_module_that_ends_the_program_is_broken():
    assert "SystemExit: 3" in broken(SystemExit(3))


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        load(origin(KeyboardInterrupt()))


def test_a_missing_dependency_is_named():
    exc = ModuleNotFoundError("No module named 'sqlalchemy.orm'", name="sqlalchemy.orm")
    assert broken(exc) == (
        "it needs the module 'sqlalchemy.orm', which is not installed: "
        "install the distribution that has it (the plug-in's own documentation says which)"
    )


def test_what_is_really_missing_is_named_and_not_what_the_plugin_claims():
    exc = ImportError("SQLAlchemy is required")
    exc.__cause__ = ModuleNotFoundError("No module named 'greenlet'", name="greenlet")
    assert "needs the module 'greenlet'" in broken(exc)
    exc = RuntimeError("install redis")
    exc.__context__ = ModuleNotFoundError("No module named 'hiredis'", name="hiredis")
    assert "needs the module 'hiredis'" in broken(exc)


def test_a_dependency_missing_inside_a_hook_is_named():
    def hook():
        import no_such_module_at_all  # noqa: F401

    plugin = module(beautyspot_register_storage=bs.hookimpl(hook))
    assert "needs the module 'no_such_module_at_all'" in broken(plugin)


def test_a_plugin_whose_own_module_is_missing():
    exc = ModuleNotFoundError("No module named 'fake_module.storage'", name="fake_module.storage")
    assert broken(exc) == (
        "its module 'fake_module.storage' is not there: install its distribution again"
    )


def test_an_import_error_that_names_no_module():
    assert "ImportError: cannot import name 'x'" in broken(ImportError("cannot import name 'x'"))


def test_a_syntax_error_names_the_plugins_file(tmp_path, monkeypatch):
    (tmp_path / "broken_syntax.py").write_text("def (:\n")
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load(
        Origin("x", "broken_syntax", lambda: importlib.import_module("broken_syntax"), dist())
    )
    assert "SyntaxError" in loaded.broken
    assert "(broken_syntax.py, line 1)" in loaded.broken


@pytest.mark.parametrize("api", [0, 2, "1", True])
def test_another_plugin_api(api):
    assert broken(offering(backend("one"), beautyspot_api=api)) == (
        f"it is built for the plug-in API {api!r}, and this beautyspot-core has 1: "
        "update the older of the two"
    )


def test_this_plugin_api():
    assert load(origin(offering(backend("one"), beautyspot_api=1))).broken is None


def test_a_misspelt_hook_is_noted_and_the_plugin_kept():
    one = backend("one")
    plugin = offering(one)
    plugin.beautyspot_register_storages = bs.hookimpl(lambda: one)
    loaded = load(origin(plugin))
    assert loaded.broken is None
    assert loaded.classes("storage") == (one,)
    (note,) = loaded.notes
    assert note == (
        "there is no hook 'beautyspot_register_storages', so it is never called."
        " Did you mean 'beautyspot_register_storage'?"
    )


def test_a_hook_like_none_of_ours_lists_ours():
    plugin = offering(backend("one"), zzz=bs.hookimpl(lambda: None))
    (note,) = load(origin(plugin)).notes
    assert all(hook in note for hook in HOOKS)


def test_a_hook_of_a_newer_core_may_be_marked_optional():
    hook = bs.hookimpl(optionalhook=True)(lambda: None)
    plugin = offering(backend("one"), beautyspot_register_dashboard=hook)
    assert load(origin(plugin)).notes == ()


def test_a_hook_without_its_decorator_is_noted():
    def hook():
        return backend("one")

    loaded = load(origin(module(beautyspot_register_storage=hook, beautyspot_register_doc="text")))
    assert loaded.broken is None
    assert loaded.notes == (
        "'beautyspot_register_storage' is never called: decorate it with @beautyspot.hookimpl",
    )


def test_a_module_without_any_hook():
    assert "registers nothing" in broken(module())
    assert "registers nothing" in broken(backend("one"))
    assert "@beautyspot.hookimpl" in broken(module())


def test_a_hook_with_arguments():
    told = broken(module(beautyspot_register_storage=bs.hookimpl(lambda config: None)))
    assert "wrong signature" in told
    assert "beautyspot_register_storage" in told
    assert "config" in told
    assert told.endswith("def beautyspot_register_...() without arguments")


def test_a_hook_that_returns_nothing():
    told = broken(module(beautyspot_register_storage=bs.hookimpl(lambda: None)))
    assert (
        told == "beautyspot_register_storage returned None: return a class, a list of them, or []"
    )


@pytest.mark.parametrize("value", [backend("one")(), "one", [backend("one"), {"a": 1}], 3])
def test_a_hook_that_returns_something_else(value):
    told = broken(module(beautyspot_register_storage=bs.hookimpl(lambda: value)))
    assert "beautyspot_register_storage returned an object of type" in told
    assert told.endswith("return the backend's class itself")


def test_a_class_with_the_wrong_base():
    told = broken(offering(backend("one", "limiter")))
    assert told.endswith(
        "FakeOne, which is no BlobStorageBase: derive it from that, or return it from the hook for "
        "its own base class"
    )


def test_a_class_without_a_name():
    nameless = backend("one")
    del nameless.name
    assert "FakeOne has no name: give the class one" in broken(offering(nameless))


@pytest.mark.parametrize("name", ["", "S3", "a:b", "a b", 3, property(lambda self: "one"), "x\n"])
def test_a_class_with_a_bad_name(name):
    told = broken(offering(_named(name)))
    assert "has the name" in told
    assert told.endswith("use lower-case letters, digits, '_', '.' and '-'")


def _named(name):
    cls = backend("one")
    cls.name = name
    return cls


@pytest.mark.parametrize("schemes", ["s3", ["s3"], ("S3",), (3,), None, ("s3://",)])
def test_a_class_with_bad_schemes(schemes):
    told = broken(offering(backend("one", schemes=schemes)))
    assert told.endswith('write a tuple, such as ("foo",)')


def test_a_class_with_an_abstract_method_left_open():
    class Half(bs.BlobStorageBase):
        name = "half"

        def save(self, key, data, *, content_type=None):
            return key

    told = broken(offering(Half))
    assert "Half leaves load() of BlobStorageBase open: write that" in told


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
