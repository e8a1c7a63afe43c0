"""Early stopping: which rules a new trial is given, by the name that experiments give them."""

from __future__ import annotations

from collections.abc import Mapping

MODULES: Mapping[str, str] = {
    "medianstop": "medianstop",
    "median": "median",
    "asha": "asha",
}
"""Name -> module of this package."""
