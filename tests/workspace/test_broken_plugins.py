"""Broken plug-ins as tiny distributions, installed for real: none of them stops anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from workspace.environments import build_wheels

PLUGINS = Path(__file__).parent / "plugins"

_PROGRAM = """
import json, logging, sys
from pathlib import Path

warnings = []
handler = logging.Handler()
handler.emit = lambda record: warnings.append(record.getMessage())
logging.getLogger("beautyspot").addHandler(handler)

import beautyspot
from beautyspot.contracts import Context
from beautyspot.backends.registry import load_plugins, plugins
from beautyspot.backends.selection import select

heavy = {"importlib.metadata", "asyncio", "boto3"} & set(sys.modules)
assert not heavy, heavy  # nothing is looked for before a Spot is made
context = Context("app", Path("."), Path("app.db"))
asked = {}
for spec in json.loads(sys.argv[1]):
    try:
        made, _ = select("storage", spec, registry=load_plugins(), context=context)
        asked[spec] = [type(made).__name__, vars(made)]
    except beautyspot.errors.BeautyspotError as exc:
        asked[spec] = [type(exc).__name__, str(exc)]
found = {one.name: [str(one), one.offers, one.broken] for one in plugins()}
print(json.dumps({"warnings": warnings, "asked": asked, "found": found}, default=str))
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A folder in which all of them are installed."""
    target, wheels = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("wheels")
    build_wheels(wheels, *sorted(PLUGINS.iterdir()))
    for path in wheels.iterdir():
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(target)
    return target


def run(site: Path, *specs: str, **environ: str):
    """Ask for these storages in a fresh process that finds the plug-ins."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BEAUTYSPOT")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps(specs)],
        cwd=site.parent,  # of itself, `-c` would find them by the folder it runs in
        env={**clean, "PYTHONPATH": str(site), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def outcome(site):
    """What a process tells that finds all of them."""
    return run(site, "dict://x?size=5", "spelt", "twin", "twin://x", "half", "local", "raises")


BROKEN = {
    "raises": ("0.1", "it raised RuntimeError: the moon is full"),
    "exits": ("0.2", "it raised SystemExit: 3"),
    "lacks": ("0.3", "it needs the module 'module_that_nobody_has', which is not installed"),
    "signature": ("0.5", "it raised PluginValidationError: Plugin "),
    "open": (
        "0.6",
        "beautyspot_register_storage: beautyspot_open.HalfStorage leaves load() of BlobStorageBase",
    ),
    "old": ("0.8", "it is built for the plug-in API 0, and this beautyspot-core has 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_skipped_with_one_warning_that_says_all(outcome, name):
    version, cause = BROKEN[name]
    (warning,) = [text for text in outcome["warnings"] if f"plug-in {name} " in text]
    assert warning.startswith(
        f"the plug-in {name} (beautyspot-{name} {version}) is skipped: {cause}"
    )


@pytest.mark.parametrize("name", BROKEN)
def test_the_listing_says_what_is_broken(outcome, site, name):
    version, cause = BROKEN[name]
    shown, offers, broken = outcome["found"][name]
    assert shown.startswith(f"{name} (beautyspot-{name} {version})\n")
    assert f"from {site}" in shown
    assert offers == {}
    assert broken.startswith(cause)


def test_the_place_where_it_raised_is_named(outcome, site):
    assert f"({site / 'beautyspot_raises.py'}, line 3)" in outcome["found"]["raises"][2]


def test_the_others_work(outcome):
    assert outcome["asked"]["dict://x?size=5"] == [
        "DictStorage",
        {"blobs": {}, "label": "x", "size": 5},
    ]


def test_a_misspelt_hook_warns_and_leaves_the_other_hooks(outcome):
    assert outcome["asked"]["spelt"][0] == "Spelt"
    (warning,) = [text for text in outcome["warnings"] if "misspelt (" in text]
    assert warning == (
        "the plug-in misspelt (beautyspot-misspelt 0.4): there is no hook "
        "'beautyspot_register_limitter', so it is never called. "
        "Did you mean 'beautyspot_register_limiter'?"
    )


@pytest.mark.parametrize("spec", ["twin", "twin://x"])
def test_two_distributions_that_claim_one_name_are_both_named(outcome, spec):
    error, told = outcome["asked"][spec]
    assert error == "PluginConflictError"
    assert "beautyspot_twin_one.Twin of twin-one (beautyspot-twin-one 0.7)" in told
    assert "beautyspot_twin_two.Twin of twin-two (beautyspot-twin-two 0.7)" in told
    assert "BEAUTYSPOT_PLUGINS=-twin-two" in told


@pytest.mark.parametrize("spec", ["half", "raises"])
def test_asking_for_what_a_broken_plugin_brings_tells_that(outcome, spec):
    error, told = outcome["asked"][spec]
    assert error == "BackendNotFound"
    version, cause = BROKEN["raises"]
    if spec == "raises":
        assert f"The plug-in raises (beautyspot-raises {version}): {cause}" in told
    else:
        assert "Broken: exits, lacks, misspelt, old, open, raises, signature (beautysp" in told


def test_blocked_plugins_are_not_even_imported(site):
    blocked = ",".join(f"-{name}" for name in (*BROKEN, "misspelt", "twin-two"))
    outcome = run(site, "twin", "spelt", BEAUTYSPOT_PLUGINS=blocked)
    assert outcome["warnings"] == []
    assert outcome["asked"]["twin"][0] == "Twin"
    assert "leaves out: exits, lacks, misspelt, old," in outcome["asked"]["spelt"][1]


def test_the_environment_limits_to_one(site):
    outcome = run(site, "dict", "local", BEAUTYSPOT_PLUGINS="whole")
    assert outcome["found"].keys() == {"core", "whole"}
    assert outcome["asked"]["dict"][0] == "DictStorage"
    assert outcome["asked"]["local"][0] == "BackendNotFound"
