"""Tell when a result that is returned was made by other code than its function has now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts import TaskRecord
from beautyspot.errors import MetadataBusyError
from beautyspot.logs import logger

if TYPE_CHECKING:
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.tasks.task import Call, Task


def compare_code(call: Call, found: object, store: GuardedStore, reporter: Reporter) -> None:
    """Compare the code that made a result with its function's, and say once if they differ.

    Args:
        call: the call that is given the result.
        found: its row, if that is known.
        store: gives the row.
        reporter: tells.
    """
    task, addressing, key = call.task, call.task.addressing, call.key
    task.to_compare -= 1
    if key in task.compared:
        return
    task.compared.add(key)
    try:
        record = found if isinstance(found, TaskRecord) else store.get(key)
        code = None if record is None else record.code
        changed = addressing.has_changed(code) and not addressing.is_shared()
    except MetadataBusyError:
        return  # another hit will be compared
    except Exception:  # the result was found all the same
        task.to_compare = 0
        return
    if changed:
        task.to_compare = 0
        _tell(reporter, task)


def _tell(reporter: Reporter, task: Task) -> None:
    name, version = task.func_identifier, task.options.version
    says = "added=" if task.options.added else f"version= is {version!r} as before"
    made = f"a stored result that is returned now was made by other code than {name} has now"
    from beautyspot.tasks.advice import another_file, other_code  # rarely needed

    if version is None and not task.options.added:
        reporter.once(f"edited {name}", f"{made}. {other_code(name)}")
    else:  # its author has decided
        text = "%s: %s; its author has said so by %s. %s"
        logger.info(text, reporter.spot, made, says, another_file(name))
