"""What can be wrong with values.

Missing         a value cannot be had; the text is the node's message
└─ NotFound     a ConfigMap or a key of it is not there: a default may stand in
"""

from __future__ import annotations


class Missing(Exception):
    """A value cannot be had; the text says why."""


class NotFound(Missing):
    """A ConfigMap or a key of it is not there."""
