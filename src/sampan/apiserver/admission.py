"""Between a decoded body and the store: identity, types, defaults, rules, validation.

    identify -> check (types, unknown fields) -> default -> inject -> prepare -> validate -> admit
    -> default

A component's rules run in the order of the components. `admit` comes after validation, so that it
sees objects whose shape is right; defaults are filled in again behind it, because it may add parts
(a token volume, what a PodDefault injects).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sampan.apiserver import metadata
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.resources import Resource
from sampan.apiserver.schemas import Schema, Subresource, counting, facts
from sampan.kube.component import Contained
from sampan.kube.errors import BadRequest, Problem, invalid
from sampan.kube.keys import Manifest

if TYPE_CHECKING:
    from sampan.apiserver.expressions.rules import Place

_BLOCKING = frozenset(
    {"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
)


def identify(resource: Resource, namespace: str, name: str, manifest: Manifest) -> None:
    """Check apiVersion, kind, namespace and name against the URL, and fill in what is absent.

    `name` is "" for a create. Raises BadRequest.
    """
    api_version = manifest.setdefault("apiVersion", resource.api_version)
    kind = manifest.setdefault("kind", resource.object_kind)
    if not isinstance(api_version, str) or not isinstance(kind, str):
        raise BadRequest("apiVersion and kind must be strings")
    if (api_version, kind) != (resource.api_version, resource.object_kind):
        raise _other_kind(resource, api_version, kind)
    meta = manifest.get("metadata")
    if meta is None:
        meta = manifest["metadata"] = {}
    metadata.check_types(meta, kind)
    given = meta.get("namespace")
    if not resource.namespaced:
        if given:
            raise BadRequest(
                "namespace is not allowed on this type: the object belongs to the whole cluster"
            )
        meta.pop("namespace", None)
    elif given and given != namespace:
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    else:
        meta["namespace"] = namespace
    if name and meta.setdefault("name", name) != name:
        raise BadRequest(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
        )


def check(
    resource: Resource, manifest: Manifest, call: Call, duplicated: list[str] | None = None
) -> None:
    """Types and unknown fields. Unknown fields are pruned; Strict refuses, Warn warns."""
    kind, version = resource.object_kind, resource.version
    said = _examined(resource.schema, kind, version, manifest, call, duplicated)
    if said and resource.custom:
        raise BadRequest(said)
    if said:
        raise BadRequest(f'{kind} in version "{version}" cannot be handled as a {kind}: {said}')


def check_posted(
    subresource: Subresource, manifest: Manifest, call: Call, duplicated: list[str] | None = None
) -> None:
    """The same for what is posted to a subresource, which has a kind of its own."""
    kind, version = subresource.kind, subresource.version
    schema = facts().schema(subresource.group, version, kind)
    said = schema and _examined(schema, kind, version, manifest, call, duplicated)
    if said:
        raise BadRequest(f'{kind} in version "{version}" cannot be handled as a {kind}: {said}')


def _examined(
    schema: Schema,
    kind: str,
    version: str,
    manifest: Manifest,
    call: Call,
    duplicated: list[str] | None,
) -> str:
    """What a strict reader says to unknown and duplicate fields; others are warned here."""
    unknown = schema.examine(manifest, kind, version)
    if unknown:
        schema.unknown(manifest, prune=True)
    if call.validation == "Ignore":
        return ""
    faults = [f'unknown field "{path}"' for path in unknown]
    faults += [f'duplicate field "{path}"' for path in duplicated or ()]
    if faults and call.validation == "Strict":
        return f"strict decoding error: {', '.join(faults)}"
    for fault in faults:
        call.warn(fault)
    return ""


def stored_form(
    backend: Backend, resource: Resource, manifest: Manifest, call: Call
) -> tuple[Resource, Manifest]:
    """What is written instead, where a version has other words than the stored one."""
    if resource.conversion is None:
        return resource, manifest
    stored = backend.resources.stored(resource.kind)
    assert stored is not None
    converted = resource.conversion.to_stored(manifest)
    check(stored, converted, call)  # annotations may have become fields
    return stored, converted


def check_again(
    resource: Resource, namespace: str, name: str, manifest: Manifest, call: Call
) -> None:
    """The same for what webhooks made of an object. The client is not told of their mistakes:
    what nobody declared is dropped. Raises BadRequest."""
    identify(resource, namespace, name, manifest)
    check(resource, manifest, msgspec.structs.replace(call, validation="Ignore"))


def fill(backend: Backend, resource: Resource, manifest: Manifest) -> None:
    """Defaults, in place."""
    resource.schema.fill(manifest)
    for rules in backend.rules.get(resource.kind, ()):
        if rules.default is not None:
            rules.default(manifest)


def admit(backend: Backend, resource: Resource, manifest: Manifest, old: Manifest | None) -> None:
    """Everything from defaults to admission, for a write to the object itself. In place."""
    rules = backend.rules.get(resource.kind, ())
    fill(backend, resource, manifest)
    if old is None:
        _inject(backend, resource, manifest)
    for rule in rules:
        if rule.prepare is not None:
            rule.prepare(manifest, old)
    validate(backend, resource, manifest, old)
    admitting = [rule.admit for rule in rules if rule.admit is not None]
    for admitted in admitting:
        admitted(backend.view, manifest, old)
    for rule in rules:
        for contained in rule.contains(backend.view, manifest) if rule.contains else ():
            _read_strictly(contained)
    if admitting:
        fill(backend, resource, manifest)


def _inject(backend: Backend, resource: Resource, manifest: Manifest) -> None:
    """What other objects add to a new one. They may be wrong: its types are looked at again, and
    what nobody declared is dropped. Raises BadRequest."""
    changed = False
    for rule in backend.rules.get(resource.kind, ()):
        if rule.inject is not None:
            changed = rule.inject(backend.view, manifest) or changed
    if not changed:
        return
    if resource.schema.examine(manifest, resource.object_kind, resource.version):
        resource.schema.unknown(manifest, prune=True)
    fill(backend, resource, manifest)


def _read_strictly(contained: Contained) -> None:
    """Raises what the rule makes of a wrong type or an unknown field."""
    manifest = contained.manifest
    group, _, version = str(manifest["apiVersion"]).rpartition("/")
    kind = str(manifest["kind"])
    schema = facts().schema(group, version, kind)
    if schema is None:
        return
    try:
        unknown = schema.examine(manifest, kind, version)
    except BadRequest as fault:
        raise contained.refused(fault.message) from None
    if unknown:
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise contained.refused(f"strict decoding error: {listed}")


def validate(
    backend: Backend,
    resource: Resource,
    manifest: Manifest,
    old: Manifest | None,
    subresource: str = "",
) -> None:
    """Raise Invalid with everything that is wrong."""
    meta: dict[str, Any] = manifest["metadata"]
    custom = resource.custom is not None
    found: list[Problem] = metadata.problems(meta, resource.trait.name, custom=custom)
    shape = resource.schema.problems(manifest)
    found += counting(shape, manifest, old) if shape and old is not None else shape
    if resource.custom and resource.rules is not None:
        found += _ruled(resource.rules, manifest, old, found)
    if not found or not resource.custom:
        for rules in backend.rules.get(resource.kind, ()):
            check = rules.parts.get(subresource, rules.validate)
            if check is not None:
                found += check(manifest, old)
    if found:
        raise resource.invalid(meta.get("name") or "", list(dict.fromkeys(found)))


def warn(
    backend: Backend,
    resource: Resource,
    manifest: Manifest,
    call: Call,
    old: Manifest | None = None,
) -> None:
    """What a writer should know: what is accepted, but has no effect here. Whoever leaves the spec
    as it was is not told of it again."""
    told = old is not None and old.get("spec") == manifest.get("spec")
    for rules in () if told else backend.rules.get(resource.kind, ()):
        for text in rules.warn(manifest) if rules.warn is not None else ():
            call.warn(text)
    if resource.trait.notice:
        call.warn(resource.trait.notice)
    if resource.custom and resource.custom.deprecation:
        call.warn(resource.custom.deprecation)


def _ruled(
    rules: Place, manifest: Manifest, old: Manifest | None, found: list[Problem]
) -> list[Problem]:
    """What the CEL rules say; they are run on objects only whose shape is right."""
    if any(problem.reason in _BLOCKING for problem in found):
        text = "some validation rules were not checked because the object was invalid; correct the"
        return [invalid("<nil>", None, f"{text} existing errors to complete validation")]
    return rules.problems(manifest, old)


def _other_kind(resource: Resource, api_version: str, kind: str) -> BadRequest:
    group, _, version = api_version.rpartition("/")
    if (group, kind) == (resource.group, resource.object_kind) or resource.custom:
        if kind != resource.object_kind:
            return BadRequest(
                f"the kind in the data ({kind}) does not match the expected kind"
                f" ({resource.object_kind})"
            )
        return BadRequest(
            f"the API version in the data ({api_version}) does not match the expected API version"
            f" ({resource.api_version})"
        )
    source = f"{group.partition('.')[0] or ''}"
    source = f"{source}/{version}" if source else version
    internal = resource.group.partition(".")[0] or "core"
    return BadRequest(
        f'{kind} in version "{version}" cannot be handled as a {resource.object_kind}: converting'
        f" ({source}.{kind}) to ({internal}.{resource.object_kind}): unknown conversion"
    )
