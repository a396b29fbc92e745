"""Discovery, and finding a backend by name or scheme among plug-ins of which some are broken."""

from __future__ import annotations

import importlib.metadata
import logging

import beautyspot as bs
import pytest
from beautyspot.backends import registry as plugin_registry
from beautyspot.backends.discovery import Origin
from beautyspot.backends.registry import load_plugins, plugins
from beautyspot.errors import BackendNotFound, PluginConflictError
from fake_plugins import backend, dist, install, module, offering, origin

S3 = backend("s3", schemes=("s3", "s3a"))
DISK = backend("disk")


@pytest.fixture(autouse=True)
def _no_traces():
    yield
    plugin_registry.forget()


def test_installed_plugins_and_cores_own_are_found(monkeypatch):
    sqlite = backend("sqlite", "metadata")
    install(monkeypatch, origin(offering(S3), "s3"), core=offering(sqlite, point="metadata"))
    registry = load_plugins()
    assert registry.find("storage", "s3") is S3
    assert registry.find("metadata", "sqlite") is sqlite
    assert registry.by_scheme("storage", "s3a") is S3
    assert registry.names("storage") == ["s3"]
    assert registry.names("keygen") == []
    assert [one.broken for one in plugins()] == [None] * len(plugins())


def test_the_scan_is_done_once_a_process(monkeypatch):
    metadata = install(monkeypatch, origin(offering(S3)))
    assert load_plugins() is load_plugins()
    load_plugins([offering(DISK)])
    plugins()
    assert metadata.scans == 1
    plugins(rescan=True)
    assert metadata.scans == 2


def test_a_broken_plugin_is_skipped_with_one_warning(monkeypatch, caplog):
    bad = origin(RuntimeError("boom"), "bad", name="beautyspot-bad", version="0.3")
    install(monkeypatch, bad, origin(offering(S3), "s3"))
    with caplog.at_level(logging.WARNING, "beautyspot"):
        registry = load_plugins()
        load_plugins([offering(DISK)])
        load_plugins()
    (record,) = caplog.records
    assert record.name == "beautyspot"
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert "the plug-in 'bad' (beautyspot-bad 0.3) is skipped: it raised RuntimeError: boom" in text
    assert registry.find("storage", "s3") is S3
    (shown,) = [one for one in plugins() if one.broken]
    assert str(shown).startswith("bad (beautyspot-bad 0.3)")


def test_a_hook_is_asked_when_its_extension_point_is_first_looked_at(monkeypatch):
    asked = []

    def hook():
        asked.append(S3)
        return S3

    install(monkeypatch, origin(module(beautyspot_register_storage=bs.hookimpl(hook)), "s3"))
    registry = load_plugins()
    assert registry.names("limiter") == []
    assert asked == []
    assert registry.find("storage", "s3") is load_plugins().find("storage", "s3") is S3
    assert asked == [S3]


def test_a_plugin_that_states_its_names_is_asked_for_these_alone(monkeypatch):
    asked = []

    def hook():
        asked.append(S3)
        return S3

    plugin = module(
        beautyspot_register_storage=bs.hookimpl(hook), beautyspot_offers={"storage": ["s3", "s3a"]}
    )
    install(monkeypatch, origin(plugin, "s3"), origin(offering(DISK), "disk"))
    registry = load_plugins()
    assert registry.find("storage", "disk") is registry.by_scheme("storage", "disk") is DISK
    assert not registry.has("storage", "tape")
    assert asked == []
    assert registry.has("storage", "s3")
    assert registry.by_scheme("storage", "s3a") is registry.find("storage", "s3") is S3
    assert asked == [S3]
    assert plugins()[-1].offers == {"storage": ["s3"]}


def test_two_that_state_one_name_are_in_conflict(monkeypatch):
    stated = {"storage": ("s3", "s3a")}
    one, two = (offering(cls, beautyspot_offers=stated) for cls in (S3, backend("s3")))
    install(monkeypatch, origin(one, "one"), origin(two, "two"))
    with pytest.raises(PluginConflictError, match="'one'.* 'two'"):
        load_plugins().find("storage", "s3")


def test_a_hook_that_fails_leaves_the_others(monkeypatch, caplog):
    plugin = offering(S3, beautyspot_register_limiter=bs.hookimpl(lambda: 1 / 0))
    install(monkeypatch, origin(plugin, "s3"))
    registry = load_plugins()
    assert registry.find("storage", "s3") is S3
    assert caplog.records == []
    assert "Broken: 's3' (fake-dist 1.2): it raised ZeroDivision" in unknown(
        registry, "limiter", "x"
    )
    assert registry.find("storage", "s3") is S3
    (record,) = caplog.records
    assert "the plug-in 's3' (fake-dist 1.2) is skipped: it raised Zero" in record.getMessage()
    (shown,) = [one for one in plugins() if one.name == "s3"]
    assert shown.offers == {"storage": ["s3"]}
    assert shown.broken is not None


def unknown(registry, point, name) -> str:
    with pytest.raises(BackendNotFound) as caught:
        registry.find(point, name)
    return str(caught.value)


def test_an_unknown_name_says_what_is_there_and_what_is_broken(monkeypatch):
    missing = ModuleNotFoundError("No module named 'redis'", name="redis")
    install(monkeypatch, origin(offering(DISK), "disk"), origin(missing, "redis"))
    told = unknown(load_plugins(), "storage", "dsik")
    assert told.startswith("no installed plug-in brings the storage 'dsik'. Did you mean 'disk'?")
    assert "Installed: disk." in told
    assert "Broken: 'redis' (fake-dist 1.2): it needs the module 'redis'" in told
    assert told.endswith(
        "It is none of this project's: install the plug-in that brings it (if you did so just "
        "now, start Python again), or write one (docs/plugins)"
    )
    assert "beautyspot-dsik" not in told, "whoever registers that name would get its users"


@pytest.mark.parametrize("choice", ["none", "none,-a", "none,"])
def test_none_is_no_plugin_whatever_is_called_so(monkeypatch, choice):
    install(monkeypatch, origin(offering(S3), "none"), origin(offering(DISK), "a"))
    assert load_plugins(environ={"BEAUTYSPOT_PLUGINS": choice}).names("storage") == []


def test_two_distributions_that_claim_one_name(monkeypatch):
    install(
        monkeypatch,
        origin(offering(backend("s3"), DISK), "a", name="dist-a"),
        origin(offering(backend("s3", schemes=("s3",))), "b", name="dist-b"),
    )
    registry = load_plugins()
    assert registry.find("storage", "disk") is DISK
    with pytest.raises(PluginConflictError) as caught:
        registry.find("storage", "s3")
    told = str(caught.value)
    assert "the storage of the name 's3' is claimed by" in told
    assert "'a' (dist-a 1.2)" in told
    assert "'b' (dist-b 1.2)" in told
    assert "BEAUTYSPOT_PLUGINS=-b" in told
    assert registry.by_scheme("storage", "s3").schemes == ("s3",)


def test_two_distributions_that_claim_one_scheme(monkeypatch):
    one, two = backend("one", schemes=("x",)), backend("two", schemes=("x",))
    install(monkeypatch, origin(offering(one), "a"), origin(offering(two), "b"))
    with pytest.raises(PluginConflictError, match="the URL scheme 'x' is claimed by"):
        load_plugins().by_scheme("storage", "x")
    assert load_plugins().find("storage", "two") is two


def test_one_name_at_two_extension_points_is_no_conflict(monkeypatch):
    limiter = backend("s3", "limiter")
    install(monkeypatch, origin(offering(S3), "a"), origin(offering(limiter, point="limiter"), "b"))
    assert load_plugins().find("limiter", "s3") is limiter
    assert load_plugins().find("storage", "s3") is S3


def test_one_module_under_two_entry_points_is_no_conflict(monkeypatch, caplog):
    plugin = offering(S3)
    install(monkeypatch, origin(plugin, "a"), origin(plugin, "b"))
    assert load_plugins().find("storage", "s3") is S3
    assert [one.name for one in plugins()] == ["core", "a"]
    assert caplog.records == []


# ------------------------------------------------------------------- plug-ins of one Spot alone


def test_extra_plugins_are_for_one_registry_alone(monkeypatch):
    install(monkeypatch, origin(offering(S3)))
    registry = load_plugins([offering(DISK)])
    assert registry.find("storage", "disk") is DISK
    assert registry.find("storage", "s3") is S3
    assert registry.names("storage") == ["disk", "s3"]
    with pytest.raises(BackendNotFound):
        load_plugins().find("storage", "disk")


def test_extra_plugins_win_over_installed_ones(monkeypatch):
    install(monkeypatch, origin(offering(S3)))
    fake = backend("s3", schemes=("s3",))
    registry = load_plugins([offering(fake)])
    assert registry.find("storage", "s3") is fake
    assert registry.by_scheme("storage", "s3") is fake
    assert registry.by_scheme("storage", "s3a") is S3


def test_a_broken_extra_is_skipped_too(monkeypatch, caplog):
    install(monkeypatch)
    registry = load_plugins([module("mine"), offering(S3)])
    assert registry.find("storage", "s3") is S3
    assert "the plug-in 'mine' (given as plugins=) is skipped" in caplog.text


# ------------------------------------------------------------------------- BEAUTYSPOT_PLUGINS


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("a", ["a"]),
        (" a , c ", ["a", "c"]),
        ("-a", ["b", "c"]),
        ("a,b,-b", ["a"]),
        ("", []),
        ("none", []),
        (",", []),
    ],
)
def test_the_environment_limits_plugins(monkeypatch, caplog, choice, names):
    loads = []
    origins = [
        Origin(n, n, lambda n=n: loads.append(n) or offering(backend(n)), dist()) for n in "abc"
    ]
    install(monkeypatch, *origins)
    registry = load_plugins(environ={"BEAUTYSPOT_PLUGINS": choice})
    assert registry.names("storage") == names
    assert registry.names("metadata") == ["sqlite"]  # what core brings is always there
    assert loads == names  # the others are not even imported
    assert caplog.records == []
    left_out = [n for n in "abc" if n not in names]
    told = unknown(registry, "storage", "unknown")
    assert f"BEAUTYSPOT_PLUGINS={choice!r} leaves out: {', '.join(left_out)}." in told
    assert "To get it" not in unknown(registry, "storage", left_out[0])
    assert load_plugins([offering(DISK)], environ={"BEAUTYSPOT_PLUGINS": choice}).left_out == tuple(
        left_out
    )


# -------------------------------------------------------------------------------- the listing


def test_the_listing_holds_core_and_all_others(monkeypatch):
    install(monkeypatch, origin(offering(S3), "s3"), origin(RuntimeError("boom"), "bad"))
    core, bad, s3 = plugins()
    version = importlib.metadata.version("beautyspot-core")
    assert (core.name, core.distribution, core.version) == ("core", "beautyspot-core", version)
    assert core.offers == {"metadata": ["sqlite"]}
    assert s3.offers == {"storage": ["s3"]}
    assert bad.broken is not None
    assert bad.offers == {}


def test_the_real_installation_is_whole(monkeypatch):
    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "local,redis,s3")  # whatever else is installed here
    plugin_registry.forget()
    registry = load_plugins()
    assert [one.broken for one in plugins()] == [None] * len(plugins())
    assert registry.names("storage") == ["local", "memory", "s3"]
    assert registry.names("limiter") == ["combined", "gcra", "gcra-shared", "joined", "redis"]
    assert registry.names("metadata") == ["memory", "redis", "s3", "sqlite"]
    assert registry.names("serializer") == ["msgpack"]
    assert registry.names("keygen") == ["stable"]
    assert {one.distribution for one in plugins()} == {
        "beautyspot-core",
        "beautyspot-local",
        "beautyspot-redis",
        "beautyspot-s3",
    }
