"""Modules that are loaded when they are first needed: for what most runs never need, and what
would take a part of the time that a start may take. Everything else is imported at the top."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def later(name: str) -> Any:
    """The module, imported now if it has not been yet."""
    return import_module(name)
