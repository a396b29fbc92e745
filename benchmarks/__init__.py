"""How fast beautyspot is, and beside whom: ``python -m benchmarks`` from the repository's root.

Every library is an `adapters.Adapter`: a function in, a function that remembers out. `tables` holds
one module a question; each times its adapters in turn, round by round (`measure.compare`), so that
a busy machine is as busy for all of them, and tells medians, quartiles and ratios to a reference.
`docs/performance.md` is written from the results.
"""
