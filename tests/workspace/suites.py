"""The contract suites, run by another pytest: for the manual's plug-ins, and for strangers'."""

LONG = (
    "process", "thread", "interleaving", "one_id", "like_a_dict", "any", "behind", "while", "bytes",
    "large", "looked", "pages", "long", "many", "renewed", "passed",
)  # fmt: skip

QUICK = " and ".join(f"not {word}" for word in LONG)
"""Leaves out the tests that take longest; those marked slow run the suites whole."""
