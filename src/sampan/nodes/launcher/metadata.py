"""`output_metadata.json`: what a program itself says of its outputs. Pure.

    {"parameterValues": {k: value},
     "artifacts": {k: {"artifacts": [{"name", "uri", "metadata", "customPath", …}]}}}

Read as protocol buffers read JSON: names in either spelling, null is as good as nothing, an unknown
field is a mistake. Upstream: ExecutorOutput in api/v2alpha1/pipeline_spec.proto.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from sampan.kube import parameters


class Nonsense(ValueError):
    """The text is no ExecutorOutput; the message says where it goes wrong."""


class Said(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An artifact as the program describes it."""

    name: str = ""
    type: dict[str, Any] = field(default_factory=dict)
    uri: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    custom_properties: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    custom_path: str = ""


class SaidList(Struct, frozen=True, forbid_unknown_fields=True):
    artifacts: list[Said] = field(default_factory=list)


class ExecutorOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    parameter_values: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, SaidList] = field(default_factory=dict)


_SPELLED = {
    "parameter_values": "parameterValues",
    "custom_properties": "customProperties",
    "custom_path": "customPath",
}


def parsed(text: bytes) -> ExecutorOutput:
    """Nonsense."""
    try:
        found = parameters.strict_json(text)
        return msgspec.convert(_spelled(found), ExecutorOutput)
    except (ValueError, RecursionError) as error:
        raise Nonsense(str(error) or "it is nested too deeply") from None


def _spelled(found: Any) -> Any:
    """Only messages are spelled anew; what is in maps and values is the program's."""
    whole = _fields(found)
    if isinstance(whole, dict) and isinstance(whole.get("artifacts"), dict):
        whole["artifacts"] = {name: _list(each) for name, each in whole["artifacts"].items()}
    return whole


def _list(found: Any) -> Any:
    several = _fields(found)
    if isinstance(several, dict) and isinstance(several.get("artifacts"), list):
        several["artifacts"] = [_fields(each) for each in several["artifacts"]]
    return several


def _fields(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {_SPELLED.get(name, name): each for name, each in found.items() if each is not None}
