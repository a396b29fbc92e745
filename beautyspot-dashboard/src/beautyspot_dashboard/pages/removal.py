"""Removals, with what they would remove first."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot import ConfigError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import board_of, shelved_of
from beautyspot_dashboard.pages.choices import read_choice
from beautyspot_dashboard.removals import Job
from beautyspot_dashboard.rendering.filters import told
from beautyspot_dashboard.rendering.kinds import kind_of
from beautyspot_dashboard.rendering.links import href, result_href, with_query, without_empty
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import function_names, offered
from beautyspot_dashboard.values.thumbnails import thumbnail_href

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot import Collected, Removal, Removed, Store, TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.pages.choices import Choice
    from beautyspot_dashboard.shelf import Shelved

FEW: Final = 100
"""So many results stand in the URL that removes them; more are remembered here."""

_SHOWN: Final = ("Type", "Arguments", "Function", "Made", "Used", "Size", "Took", "Version", "Key")
"""The columns of the first results."""

_SOON: Final = 0.5
"""Seconds that the answer waits for the end, which it then can tell at once."""

READ_ONLY: Final = (
    "this dashboard is read-only: start it with beautyspot ui --no-read-only, or mount it with "
    "dashboard(..., read_only=False)"
)


def remove(request: Request) -> Response:
    """GET shows what would be removed; POST removes what was shown, and nothing else."""
    shelved = shelved_of(request)
    if request.method != "POST":
        own = href(request, "remove", store=shelved.slug)
        return without_empty(request, own) or _preview(request, shelved)
    if shelved.read_only:
        raise HTTPException(403, f"nothing was removed: {READ_ONLY}")
    is_blobs = request.query_params.get("what") == "collect"
    name = _collected(request, shelved) if is_blobs else _removed(request, shelved)
    if name is None:
        return _preview(request, shelved, again=True)
    job = board_of(request).removals.job(name)
    if job is not None:
        job.wait(_SOON)
    return RedirectResponse(href(request, "removed", store=shelved.slug, job=name), 303)


def removed(request: Request) -> Response:
    """What was removed, or is removed so far."""
    shelved = shelved_of(request)
    job = board_of(request).removals.job(request.path_params["job"])
    if job is None or job.slug != shelved.slug:
        raise HTTPException(
            404,
            "nothing is known here of this removal: the dashboard was started since, or runs in "
            "several processes. See in the results what is left; to remove again is safe",
        )
    page = render(request, "removed.html", store=shelved, section="remove", job=job)
    if not job.is_done:
        page.headers["refresh"] = "1"
    return page


def _preview(request: Request, shelved: Shelved, *, again: bool = False) -> Response:
    """What would go, and the form that removes exactly that."""
    names = function_names(shelved)
    choice = read_choice(shelved, request.query_params, names)
    foreseen = _foreseen(request, shelved, choice) if choice.is_made else {}
    page = render(
        request,
        "remove.html",
        400 if choice.filters.problems else (409 if again else 200),
        store=shelved,
        section="remove",
        choice=choice,
        filters=choice.filters,
        names=offered(names),
        again=again,
        read_only=READ_ONLY,
        shown=_SHOWN,
        exact=False,
        kind_of=kind_of,
        thumbnail=lambda record: thumbnail_href(request, record),
        narrowed=lambda **filters: href(request, "results", filters, store=shelved.slug),
        link=lambda record: result_href(request, record.cache_key),
        own=href(request, "remove", store=shelved.slug),
        command=choice.command,
        **{"removal": None, "blobs": None, "action": "", "looks": False, **foreseen},
    )
    if foreseen.get("looks"):
        page.headers["refresh"] = "2"
    return page


def _foreseen(request: Request, shelved: Shelved, choice: Choice) -> dict[str, Any]:
    """What would go, and the query of the form that removes it."""
    store = shelved.store()
    if choice.filters.waits:
        return {"looks": True}
    if choice.rows is None:
        return _foreseen_blobs(request, shelved, choice)
    rows = choice.rows

    def look() -> tuple[list[TaskRecord], Removal]:
        few: list[TaskRecord] = []
        return few, store.removal(_noted(rows(), few))

    found = shelved.kept.get(("removal", choice.command), look, kept.LONG)
    if found is None:
        return {"looks": True}
    few, removal = found.value
    plain = all(re.fullmatch(r"[\w-]+", each.cache_key, re.ASCII) for each in few)
    told_by: dict[str, str] = {}
    if removal.entries <= FEW and plain:
        told_by = {"only": "~".join(f"{each.cache_key}~{each.made_at!r}" for each in few)}
    elif not shelved.read_only:
        told_by = {"shown": board_of(request).removals.hold(shelved.slug, removal)}
    return {"removal": removal, "action": _action(request, **told_by)}


def _noted(rows: Iterable[TaskRecord], few: list[TaskRecord]) -> Iterator[TaskRecord]:
    """The rows, of which the first are noted: no more than may stand in a URL."""
    for record in rows:
        if len(few) < FEW:
            few.append(record._replace(result_data=None))
        yield record


def _foreseen_blobs(request: Request, shelved: Shelved, choice: Choice) -> dict[str, Any]:
    grace = choice.filters.given["grace"]

    def look() -> tuple[float, Collected]:
        return time.time(), shelved.store().collect(grace, dry_run=True)

    found = shelved.kept.get(("blobs", grace), look, kept.LONG)
    if found is None:
        return {"looks": True}
    try:
        asked, blobs = found.value
    except ConfigError as error:
        choice.filters.problems["grace"] = told(error, "grace")
        return {}
    return {"blobs": blobs, "action": _action(request, asked=repr(asked))}


def _action(request: Request, **told_by: str) -> str:
    return with_query(request, **{"only": None, "shown": None, "asked": None, **told_by})


def _removed(request: Request, shelved: Shelved) -> str | None:
    """Begin to remove the results that were shown; None where they are not known any more."""
    query, held = request.query_params, board_of(request).removals.held
    removal: Removal | None = held(shelved.slug, query.get("shown", ""))
    if removal is None and query.get("only"):
        store, parts = shelved.store(), query["only"].split("~")
        shown = list(zip(parts[::2], parts[1::2], strict=False))[:FEW]
        removal = store.removal(_rows(store, shown))
    if removal is None:
        return None
    chosen = removal
    job = Job(shelved.slug, "results", chosen.entries)
    return _started(request, shelved, job, lambda: chosen.carry_out(job.at))


def _rows(store: Store, shown: list[tuple[str, str]]) -> Iterator[TaskRecord]:
    """The rows of these keys that were made when it was shown, and are no others since."""
    for key, made in shown:
        record = store.metadata.get(key)
        if record is not None and repr(record.made_at) == made:
            yield record


def _collected(request: Request, shelved: Shelved) -> str | None:
    """Begin to remove blobs, and none that has become old enough only since they were shown."""
    query, store = request.query_params, shelved.store()
    asked = _time(query.get("asked", ""))
    if not asked:
        return None
    grace = _longer(query.get("grace") or "1h", max(0, math.ceil(time.time() - asked)))
    store.rows(limit=1, unused=grace)  # it checks, and reads nothing
    job = Job(shelved.slug, "blobs", 0)
    return _started(request, shelved, job, lambda: store.collect(grace))


def _started(
    request: Request, shelved: Shelved, job: Job, work: Callable[[], Removed | Collected]
) -> str:
    def carry_out(_: Job) -> Removed | Collected:
        try:
            return work()
        finally:
            shelved.kept.forget()  # what was counted before

    return board_of(request).removals.start(job, carry_out)


def _longer(grace: str, seconds: int) -> str | float:
    try:
        return float(grace) + seconds
    except ValueError:
        return f"{grace} {seconds}s"


def _time(text: str) -> float:
    """A Unix time; 0 where the text is none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


routes = [
    Route("/store/{store}/remove", remove, methods=["GET", "POST"], name="remove"),
    Route("/store/{store}/removed/{job}", removed, name="removed"),
]
