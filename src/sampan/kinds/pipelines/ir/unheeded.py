"""What a pipeline says without any effect, so that its runs can say so.

    fields that are declared UNHEEDED       `messages`
    fields of executors that nobody knows   written by a newer SDK, or mistyped
    settings of executors that are not there

Refusing them would refuse what upstream runs, which passes over all of them without a word. The
documents have been read already (`decoding`): nothing here is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, get_args, get_origin

from sampan.kinds.pipelines.ir.decoding import declared, present
from sampan.kinds.pipelines.ir.messages import Message, PipelineSpec, PlatformSpec

MOST = 20
"""Places that are told; what is wrong with the first is wrong with the others."""


def places(
    spec: Mapping[str, Any], platform: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[str, ...]:
    """Where they are in the two documents. settings: of kfp-kubernetes, by executor label."""
    return tuple(islice(_places(spec, platform, settings), MOST))


def _places(
    spec: Mapping[str, Any], platform: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[str]:
    yield from _within(PipelineSpec, spec, "")
    yield from _within(PlatformSpec, platform, "")
    deployment = spec.get("deploymentSpec") or spec.get("deployment_spec") or {}
    for label in settings.keys() - (deployment.get("executors") or {}).keys():
        yield f"platforms.kubernetes.deploymentSpec.executors.{label}"


def _within(type_: Any, value: Any, path: str) -> Iterator[str]:
    if not value or not _matters(type_):
        return
    if _is_message(type_):
        yield from _of_message(type_, value, path)
    elif get_origin(type_) is list:
        for index, each in enumerate(value):
            yield from _within(get_args(type_)[0], each, f"{path}[{index}]")
    elif get_origin(type_) is dict:
        for key, each in value.items():
            yield from _within(get_args(type_)[1], each, f"{path}.{key}")
    else:
        yield from _within(present(type_), value, path)


def _of_message(cls: type[Message], value: Mapping[str, Any], path: str) -> Iterator[str]:
    names = declared(cls)
    for key, each in value.items():
        name, type_ = names.get(key, ("", None))
        place = f"{path}.{name or key}" if path else name or key
        if not name or (name in cls.UNHEEDED and each):
            yield place
        else:
            yield from _within(type_, each, place)


@cache
def _matters(type_: Any) -> bool:
    """Whether there can be such a thing in a value of the type. Most of a pipeline is tasks, in
    which there cannot."""
    if _is_message(type_):
        inner = (each for _, each in declared(type_).values())
        return type_.LENIENT or bool(type_.UNHEEDED) or any(map(_matters, inner))
    return any(map(_matters, get_args(type_)))


def _is_message(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Message)
