"""Admission: what the API server says when one of the kinds is written.

A version and a run have to be pipelines that can run, and a run has to be given what it takes:
nothing that can never begin is stored. What a run refers to by name is looked up when it begins.
Pipelines themselves do not change: of a version only what is shown of it, of a run what asks
something of it (to end, to be tried again) and what is shown. Words about versions are upstream's.
Upstream: backend/src/apiserver/webhook/pipelineversion_webhook.go, resource_manager.go.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import arguments, locations, validation
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kube import labels, meta, names, runs
from sampan.kube.component import Rules
from sampan.kube.errors import BadRequest, Problem, forbidden, invalid, required
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

LONGEST_NAME = 128
"""Of a pipeline and an experiment, in characters: what upstream's database holds."""
_PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_OF_VERSION = ("displayName", "tags")
_OF_RUN = ("displayName", "description", "experimentId", "storageState", "terminate", "retries")
_LONGEST_LABEL = 63


def _spec(manifest: Manifest) -> Mapping[str, Any]:
    return manifest.get("spec") or {}


def _available(manifest: Manifest) -> None:
    """Default: an object that was not put away."""
    manifest["spec"] = {"storageState": runs.AVAILABLE, **_spec(manifest)}


def _changed(new: Mapping[str, Any], old: Mapping[str, Any], free: Collection[str]) -> list[str]:
    """Fields of a spec that differ and may not."""
    every = sorted({*new, *old} - set(free))
    return [name for name in every if new.get(name) != old.get(name)]


# -- experiments and pipelines --------------------------------------------------------------------
def _short(manifest: Manifest, _: Manifest | None) -> list[Problem]:
    name = _spec(manifest).get("displayName") or ""
    if len(name) <= LONGEST_NAME:
        return []
    fault = f"must have no more than {LONGEST_NAME} characters"
    return [invalid("spec.displayName", name[:LONGEST_NAME] + "…", fault)]


# -- versions -------------------------------------------------------------------------------------
def _admit_version(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """As upstream's webhooks: the version becomes its pipeline's, with labels to find it by."""
    spec = _spec(manifest)
    if old is not None:
        if _changed(spec, _spec(old), _OF_VERSION):
            fault = "only mutable fields (display_name, tags) can be updated"
            raise BadRequest(f"Pipeline spec is immutable; {fault}")
        return
    name = spec.get("pipelineName") or ""
    owner = view.get(Key(names.PIPELINE, meta.namespace_of(manifest), name))
    if owner is None:
        raise BadRequest("The spec.pipelineName doesn't map to an existing Pipeline object")
    document = spec.get("pipelineSpec") or {}
    if not legacy.is_workflow(document):  # which its own admission reads, when it is run
        _check_pipeline(document, spec.get("platformSpec"))
    _own(manifest, owner)


def _check_pipeline(document: Manifest, platform: Manifest | None) -> None:
    try:
        read = validation.validate(document, platform)
    except Invalid as error:
        raise BadRequest(f"The pipeline spec is invalid: {error.message}") from None
    _check_name(read.name)


def _check_name(name: str) -> None:
    """Upstream: ValidatePipelineName."""
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"pipeline's name must contain no more than {LONGEST_NAME} characters")
    if not _PIPELINE_NAME.fullmatch(name):
        raise BadRequest(
            "pipeline's name must contain only lowercase alphanumeric characters or '-' "
            "and must start with alphanumeric characters"
        )


def _own(manifest: Manifest, owner: Manifest) -> None:
    about = manifest["metadata"]
    about.setdefault("labels", {}).update(
        {
            names.LABEL_PIPELINE_ID: meta.uid_of(owner),
            names.LABEL_PIPELINE: meta.name_of(owner)[:_LONGEST_LABEL],
        }
    )
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta.name_of(owner),
        "uid": meta.uid_of(owner),
        "blockOwnerDeletion": True,
    }
    others = [each for each in about.get("ownerReferences") or () if each["kind"] != owner["kind"]]
    about["ownerReferences"] = [*others, reference]


# -- runs -----------------------------------------------------------------------------------------
def _validate_run(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = _spec(manifest)
    if old is None:
        return list(_of_new_run(spec))
    before = _spec(old)
    fault = "a run does not change once it is made"
    found = [forbidden(f"spec.{name}", fault) for name in _changed(spec, before, _OF_RUN)]
    if (spec.get("retries") or 0) < (before.get("retries") or 0):
        found.append(invalid("spec.retries", spec.get("retries"), "must not become less"))
    own = [labels.of(each).get(names.LABEL_RUN_ID) for each in (manifest, old)]
    if own[0] != own[1]:
        found.append(forbidden(f"metadata.labels[{names.LABEL_RUN_ID}]", fault))
    return found


def _of_new_run(spec: Mapping[str, Any]) -> Iterator[Problem]:
    reference = spec.get("pipelineRef")
    if spec.get("pipelineSpec") is None:
        if not (reference or {}).get("pipeline") and not (reference or {}).get("version"):
            yield required("spec.pipelineSpec", "or spec.pipelineRef")
        return
    if reference is not None:
        yield forbidden("spec.pipelineRef", "may not be given with spec.pipelineSpec")
        return
    try:
        read = validation.validate(spec["pipelineSpec"], spec.get("platformSpec"))
    except Invalid as error:
        yield Problem("spec.pipelineSpec", "FieldValueInvalid", error.message)
        return
    yield from _of_arguments(read, spec.get("runtimeConfig") or {})


def _of_arguments(read: Pipeline, config: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        if root := config.get("pipelineRoot"):
            locations.check_root(root)
    except Invalid as error:
        yield Problem("spec.runtimeConfig.pipelineRoot", "FieldValueInvalid", error.message)
    try:
        arguments.check(read, config.get("parameters") or {})
    except Invalid as error:
        yield Problem("spec.runtimeConfig.parameters", "FieldValueInvalid", error.message)


RULES: Mapping[str, Rules] = {
    names.EXPERIMENT: Rules(default=_available, validate=_short),
    names.PIPELINE: Rules(validate=_short),
    names.PIPELINE_VERSION: Rules(admit=_admit_version),
    names.RUN: Rules(default=_available, validate=_validate_run),
}
