"""Needs a module that is not installed, and blames another one."""

try:
    import module_that_nobody_has  # noqa: F401 - only tried
except ImportError as exc:
    raise RuntimeError("SQLAlchemy is required") from exc
