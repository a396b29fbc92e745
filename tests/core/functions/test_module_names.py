"""What a module is called: `__main__` as the module that it would be if imported."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from beautyspot.functions.identity import Identity
from beautyspot.functions.names import module_name

PRINT = "from beautyspot.functions.identity import Identity\ndef run(): pass\n"
SHOW = "print(Identity(run).func_identifier, Identity(run).anonymous)\n"


def python(*args: object, cwd: Path, text: str | None = None) -> list[str]:
    """What a fresh interpreter prints, word by word."""
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A script, and a package that can be run."""
    (tmp_path / "job.py").write_text(PRINT + SHOW)
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "task.py").write_text(PRINT + SHOW)
    (package / "__main__.py").write_text(PRINT + SHOW)
    return tmp_path


def main_module(
    monkeypatch: pytest.MonkeyPatch, name: str = "__main__", **attributes: object
) -> None:
    module = ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


def test_an_imported_module_has_its_own_name():
    assert module_name("os.path") == "os.path"


def test_a_main_without_a_module_keeps_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "__mp_main__", raising=False)
    assert module_name("__mp_main__") == "__mp_main__"


@pytest.mark.parametrize("name", ["__main__", "__mp_main__"])
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"__file__": "/a/job.py"}, "job"),
        ({"__file__": "job"}, "job"),
        ({"__file__": "/a/my.job.py"}, "my.job"),
        ({"__file__": "/a/app/__main__.py"}, "app.__main__"),
        ({"__file__": "/a/app.pyz/__main__.py"}, "app.__main__"),
        ({"__file__": "__main__.py"}, "__main__"),
        ({"__file__": "/a/x.py", "__spec__": ModuleSpec("p.x", None)}, "p.x"),
        (
            {"__file__": "/a/p/__main__.py", "__spec__": ModuleSpec("p.__main__", None)},
            "p.__main__",
        ),
        (
            {"__file__": "/a/app/__main__.py", "__spec__": ModuleSpec("__main__", None)},
            "app.__main__",
        ),
        ({"__loader__": SimpleNamespace(path="/a/job.py")}, "job"),
        ({"__file__": "<stdin>"}, "__main__"),
        ({"__file__": 3}, "__main__"),
        ({}, "__main__"),
    ],
)
def test_main_is_called_what_it_would_be_if_imported(
    monkeypatch: pytest.MonkeyPatch, name: str, attributes: dict[str, object], expected: str
):
    main_module(monkeypatch, name, **attributes)
    assert module_name(name) == expected


def test_a_function_of_a_script_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch):
    main_module(monkeypatch, __file__="/a/job.py")
    namespace = vars(sys.modules["__main__"])
    exec(compile("def f(): pass", "/a/job.py", "exec"), namespace)
    found = Identity(namespace["f"])
    assert (found.func_identifier, found.anonymous) == ("job:f", False)


def test_a_script_is_called_like_its_import(project: Path):
    assert python("job.py", cwd=project) == ["job:run", "False"]
    assert python(project / "job.py", cwd=project.parent) == ["job:run", "False"]
    assert python("-c", "import job", cwd=project) == ["job:run", "False"]


def test_a_module_run_by_name_is_called_like_its_import(project: Path):
    assert python("-m", "pack.task", cwd=project) == ["pack.task:run", "False"]
    assert python("-c", "import pack.task", cwd=project) == ["pack.task:run", "False"]


def test_a_package_that_is_run_has_one_name_by_name_and_by_folder(project: Path):
    assert python("-m", "pack", cwd=project) == ["pack.__main__:run", "False"]
    assert python("pack", cwd=project) == ["pack.__main__:run", "False"]


@pytest.mark.parametrize("way", ["command line", "standard input"])
def test_code_without_a_file_is_part_of_the_identity(project: Path, way: str):
    first, second = PRINT, PRINT.replace("pass", "return 2")
    show = SHOW + "print(Identity(run).code)\n"
    outputs = [
        python("-c", text + show, cwd=project)
        if way == "command line"
        else python("-", cwd=project, text=text + show)
        for text in (first, second, first)
    ]
    assert outputs[0][:2] == ["__main__:run", "True"]
    assert outputs[0] == outputs[2]
    assert outputs[0][2] != outputs[1][2]


def test_a_spawned_process_names_the_script_like_its_parent(tmp_path: Path):
    (tmp_path / "job.py").write_text(
        PRINT
        + textwrap.dedent("""
        import multiprocessing
        at_import = Identity(run).func_identifier, Identity(run).anonymous
        def tell():
            now = Identity(run)
            return __name__, *at_import, now.func_identifier, now.anonymous
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(*tell())
                print(*pool.apply(tell))
        """)
    )
    here = ["job:run", "False", "job:run", "False"]
    assert python("job.py", cwd=tmp_path) == ["__main__", *here, "__mp_main__", *here]


@pytest.mark.parametrize("options", ["", ", run_name='job'"])
def test_scripts_that_runpy_runs_are_told_by_their_code(tmp_path: Path, options: str):
    """It calls each of them by one name: two of other code share no result."""
    script = """
        import beautyspot as bs
        spot = bs.Spot("app", directory="cache", config=False)
        @spot.mark
        def f(x): return {}
        print(f(5), spot.stats()["hits"])
        spot.shutdown()
    """
    for name, body in (("a", "x + 1"), ("b", "x * 100")):
        (tmp_path / name).mkdir()
        text = textwrap.dedent(script).format(body)
        (tmp_path / name / "job.py").write_text(text)
    run = "import runpy, sys; runpy.run_path(sys.argv[1]" + options + ")"
    printed = [python("-c", run, f"{name}/job.py", cwd=tmp_path) for name in "abab"]
    assert printed == [["6", "0"], ["500", "0"], ["6", "1"], ["500", "1"]]
