"""The test suites of Kubernetes' Python clients, unmodified, run against a fresh Sampan.

`python -m conformance` takes each suite's sources from its repository, makes an environment for it,
starts a Sampan of its own, runs the suite's own tests and prints one table. Not a copy of anybody's
tests: nothing of them is kept here but the names of those that no current server can pass.
"""
