"""The parameters of a run: what was given against what the root component takes.

Upstream: backend/src/apiserver/template/v2_template.go (validatePipelineJobInputs), with its words,
and backend/src/v2/driver/root_dag.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir import values
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.messages import ABSENT, InputParameter
from sampan.kinds.pipelines.ir.pipeline import Pipeline

_WANTED = {
    "NUMBER_DOUBLE": "requires type double or integer, but the parameter value is not of "
    "number value type",
    "NUMBER_INTEGER": "requires type double or integer, but the parameter value is not of "
    "number value type",
    "STRING": "requires type string, but the input parameter is not of string value type",
    "BOOLEAN": "requires type bool, but the input parameter is not of bool value type",
    "LIST": "requires type list, but the input parameter is not of list value type",
    "STRUCT": "requires type struct, but the input parameter is not of struct value type",
}


def check(pipeline: Pipeline, given: Mapping[str, Any]) -> None:
    """Raises Invalid: a required one is missing, one is unknown, of another type, no literal of
    its list."""
    wanted = pipeline.root.inputDefinitions.parameters
    for name, definition in wanted.items():
        if name in given:
            _check_value(name, given[name], definition)
        elif not definition.isOptional and definition.defaultValue is ABSENT:
            raise Invalid(
                f"parameter {name} is not optional, yet has neither default value "
                "nor user provided value"
            )
    extra = sorted(given.keys() - wanted.keys())
    if extra:
        raise Invalid(f"parameter(s) provided are not required by pipeline: {', '.join(extra)}")


def _check_value(name: str, value: Any, definition: InputParameter) -> None:
    type_ = definition.parameterType
    if type_ == "PARAMETER_TYPE_ENUM_UNSPECIFIED":
        raise Invalid(f"input parameter {name} has unspecified type")
    if type_ == "TASK_FINAL_STATUS":
        raise Invalid(
            f"input parameter {name} requires type TASK_FINAL_STATUS, which is "
            "invalid for root component"
        )
    if type_ not in _WANTED:
        raise Invalid(f"input parameter {name} requires type unknown")
    if not values.fits(values.kind_of(value), type_):
        raise Invalid(f"input parameter {name} {_WANTED[type_]}")
    fault = values.not_literal(name, value, definition.literals)
    if fault:
        raise Invalid(fault)


def complete(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the root DAG: what was given, else the default, else null if optional."""
    found = {}
    for name, definition in pipeline.root.inputDefinitions.parameters.items():
        if name in given:
            found[name] = given[name]
        elif definition.defaultValue is not ABSENT:
            found[name] = definition.defaultValue
        elif definition.isOptional:
            found[name] = None
    return found
