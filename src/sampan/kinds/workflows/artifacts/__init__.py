"""Artifacts that go away again: when, and by which pod. Where they go is told by `repository`."""
