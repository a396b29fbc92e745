"""The contract suites, run by another pytest: for the manual's plug-ins, and for strangers'."""

QUICK = "not process and not thread and not interleaving and not one_id and not dict"
"""Leaves out the tests that take longest; those marked slow run the suites whole."""
