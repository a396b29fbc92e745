"""Runs pytest in the Python that `run.mjs` starts; see `run.py`."""

from __future__ import annotations

import sys

import pytest

NEEDS = {"can't start new thread": "threads", "does not support processes": "processes"}
"""What the errors of this Python say that starts neither, and what is missing."""

BEYOND = {
    "test_what_has_no_stable_form_is_refused[deep]": "a list 100,000 deep ends the interpreter",
    "test_stat_sees_size_time_and_name": "the file system has no nanoseconds",
}


def main(arguments: list[str]) -> int:
    """Run pytest, and return its exit code."""
    options = ["-n", "0", "-p", "no:cacheprovider", "--color=no"]
    return int(pytest.main([*options, *arguments], plugins=[sys.modules[__name__]]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what would end the interpreter, or can't be tested in it."""
    for item in items:
        reason = BEYOND.get(item.name) or BEYOND.get(getattr(item, "originalname", item.name))
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """A file that imports a library which is not here is skipped."""
    report = yield
    error = report.call.excinfo.value.__cause__ if report.failed else None
    name = getattr(error, "name", None) or ""
    if isinstance(error, ModuleNotFoundError) and not name.startswith("beautyspot"):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: there is no {name} here")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A test that starts a thread or a process is skipped."""
    report = yield
    error = call.excinfo.value if report.failed and call.excinfo is not None else None
    for text, missing in NEEDS.items() if isinstance(error, OSError | RuntimeError) else ():
        if text in str(error):
            report.outcome = "skipped"
            path, line, _ = report.location
            report.longrepr = (path, line, f"Skipped: needs {missing}")
    return report
