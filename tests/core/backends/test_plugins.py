"""Plug-ins: how they are found, what each brings, and every way for one to be wrong."""

from __future__ import annotations

import importlib.metadata
import sys

import beautyspot as bs
import pytest
from beautyspot.backends import registry
from beautyspot.backends.installed import installed
from beautyspot.backends.registry import Registry, load_plugins, plugins
from beautyspot.errors import BackendNotFound, ConfigError, PluginConflictError
from fake_plugins import BASE, backend, install, module, offering, point

S3 = backend("s3", schemes=("s3", "s3a"))
DISK = backend("disk")


@pytest.fixture(autouse=True)
def _no_traces():
    yield
    registry.forget()


def missed(found: Registry, kind: str, word: str) -> str:
    """The message about a backend that is not there."""
    with pytest.raises(BackendNotFound) as caught:
        found.find(kind, word)
    return str(caught.value)


# ------------------------------------------------------------------------------ what is found


def test_installed_plugins_and_cores_own_are_found(monkeypatch):
    sqlite = backend("sqlite", "metadata")
    install(monkeypatch, point(offering(S3), "s3"), core=offering(sqlite, point="metadata"))
    found = load_plugins()
    assert found.find("storage", "s3") is found.find("storage", "s3a://") is S3
    assert found.find("metadata", "sqlite") is sqlite
    assert found.words("storage") == ["s3", "s3://", "s3a://"]
    assert found.words("keygen") == []
    core, s3 = plugins()
    assert (core.offers["metadata"], s3.offers["storage"]) == (["sqlite"], ["s3"])
    assert (core.broken, s3.broken) == (None, None)
    assert str(s3) == "s3 (fake-dist 1.2)\n  storage: s3"


def test_what_is_installed_in_a_folder_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "Foo-1.0.dist-info"
    folder.mkdir()
    text = (
        "[other]\nno = json\n[beautyspot]\n# none = json\nbar = found_here\n\n[more]\nno = json\n"
    )
    (folder / "entry_points.txt").write_text(text)
    (tmp_path / "found_here.py").write_text(
        "import beautyspot as bs\n"
        "@bs.hookimpl\n"
        "def beautyspot_register_storage(): return {'bar': 'never_imported:Bar'}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry.forget()
    assert "bar" in load_plugins().words("storage")
    (found,) = [one for one in plugins() if one.name == "bar"]
    assert str(found).startswith("bar (foo 1.0)\n  storage: bar\n")
    assert found.location == str(tmp_path / "found_here.py")
    assert "No module named 'never_imported'" in str(found.broken)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_scan_finds_what_the_library_finds(monkeypatch, tmp_path, elsewhere):
    if elsewhere:
        (tmp_path / "archive.zip").touch()
        monkeypatch.syspath_prepend(tmp_path / "archive.zip")
    points = importlib.metadata.entry_points(group="beautyspot")
    expected = {(point.name, point.value, point.dist.name, point.dist.version) for point in points}
    version = importlib.metadata.version("beautyspot-core")
    expected.add(("core", "beautyspot.builtin", "beautyspot-core", version))
    found = installed()
    assert {(it.name, it.module, it.distribution, it.version) for it in found} == expected


@pytest.mark.parametrize("kind", BASE)
def test_each_kind_of_backend_is_found(monkeypatch, kind):
    one, two = backend("one", kind), backend("two", kind)
    install(monkeypatch, point(offering(one, two, one, point=kind)))
    assert [load_plugins().find(kind, name) for name in ("one", "two")] == [one, two]


# --------------------------------------------------------------------------- import strings


def test_of_a_table_what_is_asked_for_is_imported_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "its_own_module", module(S3=S3))
    table = {"s3": "its_own_module:S3", "s3a://": "its_own_module:S3", "tape": "nowhere:Tape"}
    install(monkeypatch, point(offering(table), "both"))
    found = load_plugins()
    assert found.words("storage") == ["s3", "s3://", "s3a://", "tape", "tape://"]
    assert {found.find("storage", word) for word in ("s3", "s3://", "s3a://")} == {S3}
    assert found.plugins[-1].broken is None
    told = missed(found, "storage", "tape")
    assert told.startswith(
        "the storage 'tape' of the plug-in both (fake-dist 1.2) can't be had: it raised "
        "ModuleNotFoundError: No module named 'nowhere'"
    )


# ------------------------------------------------------------------------------ conflicts


def test_two_distributions_that_claim_one_name(monkeypatch):
    install(
        monkeypatch,
        point(offering(backend("s3"), DISK), "a", name="dist-a"),
        point(offering({"s3": "elsewhere:S3"}), "b", name="dist-b"),
    )
    found = load_plugins()
    assert found.find("storage", "disk") is DISK
    with pytest.raises(PluginConflictError) as caught:
        found.find("storage", "s3")
    told = str(caught.value)
    assert "the storage 's3' is claimed by" in told
    assert "FakeS3 of a (dist-a 1.2) and elsewhere:S3 of b (dist-b 1.2)" in told
    assert "BEAUTYSPOT_PLUGINS=-b" in told


# ----------------------------------------------------------------------- what can be wrong


def _ends():
    sys.exit(3)


def _lacks():
    import no_such_module_at_all  # noqa: F401


def _blames_another():
    try:
        _lacks()
    except ImportError as error:
        raise RuntimeError("SQLAlchemy is required") from error


def _nameless():
    cls = backend("one")
    del cls.name
    return cls


def hooks(answer, kind="storage", **others):
    """A plug-in whose hook is this function, or gives this."""
    hook = answer if callable(answer) and not isinstance(answer, type) else lambda: answer
    return module(**{f"beautyspot_register_{kind}": bs.hookimpl(hook)}, **others)


NEEDS = "No module named 'no_such_module_at_all'. Install what it needs, update it, or ask its"
WRONG = {
    "it raises": (RuntimeError("boom"), "it raised RuntimeError: boom. Install what"),
    "it ends the program": (_ends, "it raised SystemExit: 3."),
    "it lacks a module": (_lacks, NEEDS),
    "it blames another": (_blames_another, "it raised RuntimeError: SQLAlchemy is required."),
    "no hook": (module(), "it registers nothing: name the module that has the hooks"),
    "no marker": (module(beautyspot_register_storage=lambda: S3), "it registers nothing"),
    "an argument": (
        hooks(lambda config: S3),
        "Argument(s) {'config'} are declared in the hookimpl",
    ),
}
WRONG_ANSWERS = {
    "the hook raises": (hooks(lambda: 1 / 0), "it raised ZeroDivisionError"),
    "the hook lacks": (hooks(_lacks), NEEDS),
    "nothing": (hooks(None), "beautyspot_register_storage: an object of type NoneType is no sub"),
    "an object": (hooks(S3()), "an object of type FakeS3 is no subclass of BlobStorageBase"),
    "another base": (hooks(backend("a", "limiter")), "FakeA is no subclass of BlobStorageBase"),
    "no name": (hooks(_nameless()), "FakeOne has no name: give the class one"),
}


@pytest.mark.parametrize("case", [*WRONG, *WRONG_ANSWERS])
def test_a_broken_plugin_is_skipped_with_one_warning(monkeypatch, caplog, case):
    target, cause = {**WRONG, **WRONG_ANSWERS}[case]
    bad = point(target, "bad", name="beautyspot-bad", version="0.3")
    install(monkeypatch, bad, point(offering(DISK), "disk"))
    for _ in range(2):
        assert load_plugins().find("storage", "disk") is DISK
        load_plugins([offering(S3)]).words("storage")
    assert [one.broken is None for one in plugins()] == [True, False, True]
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("beautyspot", "WARNING")
    told = record.getMessage()
    assert told.startswith("the plug-in bad (beautyspot-bad 0.3) is skipped, or a part of it: ")
    assert cause in told
    assert cause in str(plugins()[1]).partition("BROKEN: ")[2]


def test_a_misspelt_hook_is_told_and_the_others_are_kept(monkeypatch, caplog):
    typo = offering(S3, beautyspot_register_stroage=bs.hookimpl(lambda: DISK))
    meant = offering(DISK, beautyspot_register_more=bs.hookimpl(optionalhook=True)(lambda: S3))
    install(monkeypatch, point(typo, "typo"), point(meant, "meant"))
    assert load_plugins().find("storage", "s3") is S3
    assert load_plugins().find("storage", "disk") is DISK
    [record] = caplog.records
    told = "no hook 'beautyspot_register_stroage'. Did you mean 'beautyspot_register_storage'?"
    assert told in record.getMessage()
    assert [one.broken is None for one in plugins()] == [True, False, True]


# ------------------------------------------------------------------------ what is not there


def test_an_unknown_name_says_what_is_there_and_what_is_broken(monkeypatch):
    missing = ModuleNotFoundError("No module named 'redis'", name="redis")
    install(monkeypatch, point(offering(DISK), "disk"), point(missing, "redis"))
    told = missed(load_plugins(), "storage", "dsik")
    assert told.startswith("no installed plug-in brings the storage 'dsik'. Installed: disk. ")
    assert "The plug-in redis (fake-dist 1.2): it raised ModuleNotF" in told
    assert "Did you mean 'disk'?" in told
    assert told.endswith('A folder is given as {"use": "local", "base_dir": "path"}')
    assert "beautyspot-dsik" not in told, "whoever registers that name would get its users"


@pytest.mark.parametrize(
    ("kind", "word", "end"),
    [
        ("storage", "s3", "To get it, install beautyspot-s3 (docs/install.md)"),
        ("storage", "local", "install beautyspot-local (docs/install.md)"),
        ("limiter", "gcra", "install beautyspot-local (docs/install.md)"),
        ("metadata", "rediss://", "install beautyspot-redis (docs/install.md)"),
        ("storage", "gs://", "install docs/examples/beautyspot-fsspec (docs/install.md)"),
        ("storage", "./blobs", 'A folder is given as {"use": "local", "base_dir": "path"}'),
        ("metadata", "foo.db", 'a server as "redis://host:6379"'),
        ("limiter", "./cache", 'options as a table: {"use": "gcra", ...}'),
    ],
)
def test_what_is_not_there_says_how_to_get_it(monkeypatch, kind, word, end):
    install(monkeypatch)
    told = missed(load_plugins(), kind, word)
    assert told.endswith(end)
    assert "Did you mean" not in told


# --------------------------------------------------------------- plug-ins of one Spot alone


def test_given_plugins_are_for_one_registry_alone_and_win(monkeypatch):
    install(monkeypatch, point(offering(S3)))
    fake = backend("s3", schemes=("s3",))
    found = load_plugins([offering(DISK), offering(fake)])
    assert found.find("storage", "disk") is DISK
    assert found.find("storage", "s3") is found.find("storage", "s3://") is fake
    assert found.find("storage", "s3a://") is S3
    assert load_plugins().words("storage") == ["s3", "s3://", "s3a://"]


@pytest.mark.parametrize("extra", ["s3", offering(S3), [None], ["beautyspot_s3"], 3, [b"x"]])
def test_what_is_no_plugin_is_refused(monkeypatch, extra):
    install(monkeypatch)
    with pytest.raises(ConfigError, match=r"^plugins=.*: give a list of modules"):
        load_plugins(extra)


# ----------------------------------------------------------------------- BEAUTYSPOT_PLUGINS


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("a", ["a"]),
        (" a , c ", ["a", "c"]),
        ("-a", ["b", "c"]),
        ("-a,-c", ["b"]),
        *((nothing, []) for nothing in ("", "none", ",", "none,-a", "none,")),
    ],
)
def test_the_environment_limits_plugins(monkeypatch, caplog, choice, names):
    loads = []
    every = ["a", "b", "c"]
    points = [point(lambda n=n: loads.append(n) or offering(backend(n)), n) for n in every]
    install(monkeypatch, *points)
    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", choice)
    found = load_plugins()
    assert [word for word in found.words("storage") if "://" not in word] == names
    assert found.words("metadata") == ["sqlite"]  # what core brings is always there
    assert loads == names  # the others are not even imported
    assert caplog.records == []
    assert f"BEAUTYSPOT_PLUGINS lets in {choice!r}." in missed(found, "storage", "other")


# --------------------------------------------------------------------- what is really here


def test_the_real_installation_is_whole(monkeypatch):
    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "local,pickle,postgres,redis,s3")
    registry.forget()
    found = load_plugins()
    assert {one.name: one.broken for one in plugins() if one.broken} == {}
    assert found.words("serializer") == ["msgpack", "msgpack://", "pickle", "pickle://"]
    assert found.words("keygen") == ["stable", "stable://"]
    for kind in ("metadata", "storage", "limiter"):
        classes = {found.find(kind, word) for word in found.words(kind)}
        for cls in classes:  # a table says the same as the class that it leads to
            words = {word for word in found.words(kind) if found.find(kind, word) is cls}
            own = {cls.name, *(f"{scheme}://" for scheme in cls.schemes)}
            assert own == words - ({f"{cls.name}://"} - own), cls


def test_the_scan_is_done_once_a_process(monkeypatch):
    scans = install(monkeypatch, point(offering(S3)))
    assert load_plugins() is load_plugins()
    load_plugins([offering(DISK)])
    plugins()
    assert len(scans) == 1
    plugins(rescan=True)
    assert len(scans) == 2
