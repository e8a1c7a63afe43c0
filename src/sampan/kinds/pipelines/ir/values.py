"""Values of parameters: their text, their types, and what of one type may stand for another."""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines.ir.messages import InputParameter


def text_of(value: Any) -> str:
    """A value as text: numbers without exponent or needless zeros, true/false, JSON; null: ""."""
    raise NotImplementedError


def of_text(text: str, type_: str) -> Any:
    """What a program wrote for an output of a ParameterType. Raises Unresolved."""
    raise NotImplementedError


def coerced(name: str, value: Any, definition: InputParameter, *, null: bool = False) -> Any:
    """As an input of that type. null: whether null may be passed. Raises Unresolved."""
    raise NotImplementedError
