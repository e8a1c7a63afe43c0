"""Upstream's own workflows, unmodified, with what should become of each."""
