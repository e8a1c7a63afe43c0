"""CEL as pipelines have it: the standard language and `parseJson`, on protobuf's values.

All numbers are doubles, as in protobuf. A program is compiled once. Upstream:
backend/src/v2/expression/expression.go; as there, a selector sees the fields of
google.protobuf.Value of which only the one is set, and `string_value` always.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sampan.kinds.pipelines.ir import values
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.lib.cel.environment import Environment, Program, combined, standard_functions
from sampan.lib.cel.faults import CompileError, EvaluationError
from sampan.lib.cel.types import BOOL, DOUBLE, DYN, STRING, declare, list_of, map_of

LONGEST = 100_000
"""Characters of an expression."""
_FIELDS = {
    "null": "null_value",
    "bool": "bool_value",
    "number": "number_value",
    "string": "string_value",
    "list": "list_value",
    "struct": "struct_value",
}
_SELECTOR = {
    "null_value": DYN,
    "bool_value": BOOL,
    "number_value": DOUBLE,
    "string_value": STRING,
    "list_value": list_of(DYN),
    "struct_value": map_of(STRING, DYN),
}
_CONDITION = {"inputs": DYN, "outputs": DYN}


def _parse_json(text: str) -> Any:
    try:
        return doubles(values.parsed(text))
    except ValueError as error:
        raise EvaluationError(f"failed to unmarshal JSON: {error}") from None


def doubles(value: Any) -> Any:
    """A value of JSON as CEL sees that of protobuf."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, value)
    if isinstance(value, list | tuple):
        return [doubles(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): doubles(each) for key, each in value.items()}
    return value


@lru_cache(maxsize=1000)
def _program(expression: str, selects: bool) -> Program:
    """Raises CompileError."""
    if len(expression) > LONGEST:
        raise CompileError(expression[:20], 0, f"longer than {LONGEST} characters")
    functions = combined(
        standard_functions(), declare([("parseJson", _parse_json, "string -> dyn")])
    )
    return Environment(_SELECTOR if selects else _CONDITION, functions).compile(expression)


def evaluated(expression: str, variables: Mapping[str, Any], *, selects: bool = False) -> Any:
    """Raises Unresolved."""
    try:
        return _program(expression, selects).run(variables)
    except CompileError as error:
        raise Unresolved(str(error)) from None
    except EvaluationError as error:
        raise Unresolved(f"evaluation error: {error}") from None


def selected(value: Any, selector: str) -> Any:
    """What a parameterExpressionSelector takes from a value. Raises Unresolved."""
    variables = {_FIELDS[values.kind_of(value)]: doubles(value)}
    variables["string_value"] = values.text_of(value)
    found = evaluated(selector, variables, selects=True)
    if isinstance(found, bool | str | list | dict | int | float | None):
        return values.whole(found)
    raise Unresolved("the result of the expression is no value of JSON")
