"""The networks of a neural architecture search: what layers there may be, and how they are written.

Upstream: pkg/suggestion/v1beta1/nas/common (what is refused, in its words) and enas/Operation.py.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from sampan.lib.search.problem import Architecture, Operation, Parameter, Refused

SKIP = "skip_connection"
"""An operation that needs no parameters."""

_MOST_LAYERS = 4096  # different ones
_LISTED = ("categorical", "discrete")


class Layer(Struct, frozen=True):
    """An operation with a value for each of its parameters: text of a list, else a number."""

    kind: str
    parameters: Mapping[str, str | int | float]


def verify(operations: Sequence[Operation]) -> None:
    """Raises Refused for operations that are none."""
    for operation in operations:
        if not operation.kind:
            raise Refused("Missing operationType in Operation:\n" + _operation(operation))
        if not operation.parameters and operation.kind != SKIP:
            raise Refused("Missing ParameterConfigs in Operation:\n" + _operation(operation))
        for parameter in operation.parameters:
            _verify(parameter)
        for text in _texts(operation):
            if "'" in text or '"' in text:
                raise Refused(f"operation {operation.kind}: {text} must not have a quotation mark")


def _verify(parameter: Parameter) -> None:
    about = "in ParameterConfig.feasibleSpace:\n" + _parameter(parameter)
    if not parameter.name:
        raise Refused("Missing Name in ParameterConfig:\n" + _parameter(parameter))
    if parameter.kind in _LISTED:
        if not parameter.choices:
            raise Refused(f"Missing List {about}")
        return
    if parameter.min is None or parameter.max is None:
        raise Refused(f"Missing Max and Min {about}")
    if (parameter.kind == "double" and not parameter.step) or (parameter.step or 0) < 0:
        raise Refused(f"Step parameter should be > 0 {about}")
    if parameter.min > parameter.max:
        raise Refused(f"Max is below Min {about}")


def layers_of(operations: Sequence[Operation]) -> tuple[Layer, ...]:
    """Each operation with each combination of its parameters' values, the last one moves first.
    Raises Refused where there is none, or too many."""
    count = sum(math.prod(map(_count, each.parameters)) for each in operations)
    if not 0 < count <= _MOST_LAYERS:
        raise Refused(f"operations: there are {count} of them, but may be 1 to {_MOST_LAYERS}")
    return tuple(
        Layer(operation.kind, dict(zip(_names(operation), combined, strict=True)))
        for operation in operations
        for combined in itertools.product(*map(values, operation.parameters))
    )


def values(parameter: Parameter) -> Sequence[str | int | float]:
    """All that it may have, in order."""
    if parameter.kind in _LISTED:
        return parameter.choices
    first, step = _first_and_step(parameter)
    found = [first + step * number for number in range(_count(parameter))]
    return [int(each) if parameter.kind == "int" else float(each) for each in found]


def quoted(value: Any) -> str:
    """JSON as upstream hands it to trials: with blanks, and single quotes for the double ones."""
    return json.dumps(value).replace('"', "'")


def graph(architecture: Architecture) -> str:
    """Its sizes, as protobuf writes them."""
    found = f"num_layers: {architecture.layers}\n" if architecture.layers else ""
    found += "".join(f"input_sizes: {size}\n" for size in architecture.inputs)
    return found + "".join(f"output_sizes: {size}\n" for size in architecture.outputs)


def _count(parameter: Parameter) -> int:
    if parameter.kind in _LISTED:
        return len(parameter.choices)
    first, step = _first_and_step(parameter)
    return max(0, int((Decimal(repr(parameter.max)) - first) / step) + 1)


def _first_and_step(parameter: Parameter) -> tuple[Decimal, Decimal]:
    first, step = Decimal(repr(parameter.min)), Decimal(repr(parameter.step or 1.0))
    if parameter.kind == "int":
        return Decimal(math.ceil(first)), Decimal(max(1, int(step)))
    return first, step


def _texts(operation: Operation) -> Sequence[str]:
    choices = itertools.chain.from_iterable(each.choices for each in operation.parameters)
    return [operation.kind, *_names(operation), *choices]


def _names(operation: Operation) -> list[str]:
    return [each.name for each in operation.parameters]


def _operation(operation: Operation) -> str:
    """As protobuf writes it."""
    found = f'operation_type: "{operation.kind}"\n' if operation.kind else ""
    if operation.parameters:
        inner = "".join(
            f"parameters {{\n{_deeper(_parameter(p))}}}\n" for p in operation.parameters
        )
        found += f"parameter_specs {{\n{_deeper(inner)}}}\n"
    return found


def _parameter(parameter: Parameter) -> str:
    found = f'name: "{parameter.name}"\n' if parameter.name else ""
    found += f"parameter_type: {parameter.kind.upper()}\n"
    ends = {"max": parameter.max, "min": parameter.min, "step": parameter.step}
    space = "".join(f'{name}: "{end:g}"\n' for name, end in ends.items() if end is not None)
    space += "".join(f'list: "{choice}"\n' for choice in parameter.choices)
    return found + (f"feasible_space {{\n{_deeper(space)}}}\n" if space else "")


def _deeper(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
