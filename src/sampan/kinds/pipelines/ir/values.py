"""Values of parameters: their text, their types, and what of one type may stand for another.

Values are those of google.protobuf.Value as JSON: a number is a number, whether it was written as
1 or 1.0.
Upstream: backend/src/v2/metadata/converter.go, backend/src/v2/driver/resolve.go.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import InputParameter, ParameterType
from sampan.kube import parameters

_STRUCTS = ("STRUCT", "TASK_FINAL_STATUS", "TASK_CONFIG")
_NUMBERS = ("NUMBER_DOUBLE", "NUMBER_INTEGER")


def kind_of(value: Any) -> str:
    """In upstream's words: null, bool, number, string, list, struct."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list | tuple) else "struct"


def fits(kind: str, type_: str) -> bool:
    """Whether a value of this kind is one of the ParameterType."""
    if kind == "number":
        return type_ in _NUMBERS
    if kind == "struct":
        return type_ in _STRUCTS
    return type_ == {"bool": "BOOLEAN", "string": "STRING", "list": "LIST"}.get(kind)


def text_of(value: Any) -> str:
    """A value as text: numbers without exponent or needless zeros, true/false, JSON; null: ""."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return json_text(value)


def number_text(value: float) -> str:
    """As Go's FormatFloat(value, 'f', -1, 64)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_text(value: Any) -> str:
    """Compact JSON; whole numbers without fraction."""
    return json.dumps(whole(value), separators=(",", ":"), ensure_ascii=False)


def whole(value: Any) -> Any:
    """The value with 1.0 as 1: of protobuf's numbers one cannot tell."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, list | tuple):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    return value


def of_text(text: str, type_: ParameterType) -> Any:
    """What people or programs wrote for a parameter of that type. Raises Unresolved."""
    if type_ == "PARAMETER_TYPE_ENUM_UNSPECIFIED":
        return text
    try:
        return parameters.parsed(text, type_)
    except parameters.BadValue as error:
        raise Unresolved(str(error)) from None


def parsed(text: str) -> Any:
    """JSON of which all numbers are numbers of protobuf. Raises ValueError."""
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _no_number(text)


def coerced(name: str, value: Any, definition: InputParameter, *, null: bool = False) -> Any:
    """As an input of that type: text takes anything, else kinds have to be the same.
    null: whether null may be passed. Raises Unresolved in upstream's words."""
    type_ = definition.parameterType
    if value is None and null:
        return None
    if type_ == "STRING":
        return text_of(value)
    if value is None:
        raise Unresolved(f'got null for input parameter "{name}"')
    kind = kind_of(value)
    if not fits(kind, type_):
        raise Unresolved(f'input parameter "{name}" type mismatch: expect {type_}, got {kind}')
    return value


def not_literal(name: str, value: Any, literals: list[Any]) -> str:
    """What is wrong with a value that is none of the literals; "" where there are none.
    Upstream: ValidateLiteralParameter."""
    if not literals or any(same(value, each) for each in literals):
        return ""
    return (
        f'input parameter "{name}" value {json_text(value)} does not match any of the allowed '
        f"literal values: {json_text(literals)}"
    )


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: True is not 1."""
    return kind_of(one) == kind_of(other) and bool(one == other)
