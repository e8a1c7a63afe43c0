"""The answer of upstream's validating webhook: a 400 with everything that is wrong.

Upstream: pkg/webhook/v1beta1/experiment/validation_webhook.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from sampan.kinds.katib import settings as configured
from sampan.kinds.katib import types
from sampan.kinds.katib.admit import changes, defaults, endpoint, fields, shapes, template, unread
from sampan.kinds.katib.extensions import faults
from sampan.kinds.katib.types import MetricsCollector, Spec
from sampan.kube import meta, names
from sampan.kube.component import Contained, Rules
from sampan.kube.errors import BadRequest, Problem
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

_MOST, _LONGEST = 50, 10_000
"""Problems of one Experiment that are told, and characters of one."""
_WHO = f"validator.experiment.katib.{names.KUBEFLOW_GROUP}"


def _admit(view: View, manifest: Manifest, old: Manifest | None) -> None:
    if meta.deleting(manifest):
        return  # whoever holds it must be able to let go
    spec = _read(manifest)
    name, namespace = meta.name_of(manifest), meta.namespace_of(manifest)
    owner = view.get(Key(names.NAMESPACE, "", namespace)) or {}
    label = ((owner.get("metadata") or {}).get("labels") or {}).get(names.LABEL_COLLECTS_METRICS)
    if label != "enabled" and not _is_of_optimization_job(manifest):
        raise _denied(
            f'Cannot create the Experiment "{name}" in namespace "{namespace}": '
            f'the namespace lacks label "{names.LABEL_COLLECTS_METRICS}: enabled"'
        )
    told = islice(map(_text, _problems(view, manifest, spec, old)), _MOST)
    if found := list(dict.fromkeys(told)):
        raise _denied(found[0] if len(found) == 1 else f"[{', '.join(found)}]")
    if old is None and spec.resumePolicy == "FromVolume" and spec.algorithm is not None:
        volume = f"{name}-{spec.algorithm.algorithmName}-{namespace}"
        if view.get(Key(names.PERSISTENT_VOLUME, "", volume)) is not None:
            raise _denied(
                f"Cannot create the Experiment: {name} in namespace: {namespace}, "
                f"PV: {volume} is not deleted"
            )


def _text(problem: Problem) -> str:
    said = str(problem)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _is_of_optimization_job(experiment: Manifest) -> bool:
    """Such a search has no pods with collectors, for which the label stands."""
    owner = meta.controller_of(experiment)
    return owner is not None and meta.owner_key(experiment, owner).kind == names.OPTIMIZATION_JOB


def _problems(
    view: View, manifest: Manifest, spec: Spec, old: Manifest | None
) -> Iterable[Problem]:
    settings = configured.find(view)
    yield from fields.of_name(meta.name_of(manifest))
    yield from fields.of_budget(spec)
    yield from fields.of_holding(spec)
    if old is not None:
        yield from changes.problems(manifest.get("spec") or {}, old)
    if objective := list(fields.of_objective(spec.objective)):
        yield from objective
        return  # as upstream: what follows reads it
    yield from fields.of_search(spec, settings)
    if spec.algorithm and settings.is_ours(spec.algorithm.algorithmName or ""):
        namespace = meta.namespace_of(manifest)

        def is_there(name: str) -> bool:
            """One that is searched already has what it needs of it."""
            key = Key(names.KATIB_EXPERIMENT, namespace, name)
            return old is not None or view.get(key) is not None

        yield from faults.problems(spec, meta.name_of(manifest), is_there)
    yield from template.problems(view, spec, meta.namespace_of(manifest), settings)
    yield from fields.of_parameters(spec)
    yield from fields.of_collector(spec.metricsCollectorSpec or MetricsCollector(), settings)
    yield from endpoint.own_problems(spec, settings)


def _read(manifest: Manifest) -> Spec:
    try:
        return types.read(manifest.get("spec"), Spec)
    except ValueError as wrong:
        raise _denied(str(wrong).replace("`$", "`spec")) from None


def _denied(why: str) -> BadRequest:
    return BadRequest(f'admission webhook "{_WHO}" denied the request: {why}')


def _contains(view: View, manifest: Manifest) -> Iterable[Contained]:
    """A Job has to be one, as strictly as upstream reads it; other kinds are not looked at. A
    container of the user's own has to be one too."""
    if meta.deleting(manifest):
        return
    spec = _read(manifest)
    collecting = spec.metricsCollectorSpec and spec.metricsCollectorSpec.collector
    if collecting and collecting.customCollector is not None:
        inside = {"containers": [collecting.customCollector]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": inside}
        yield Contained(manifest=pod, refused=_no_container)
    given = spec.trialTemplate
    made = given and template.filled(view, given, meta.namespace_of(manifest))
    if made and (made.get("apiVersion"), made.get("kind")) == ("batch/v1", "Job"):
        yield Contained(manifest=made, refused=_no_job)


def _no_container(why: str) -> BadRequest:
    return _denied(f"{fields.AT_COLLECTOR}.customCollector: {why}")


def _no_job(why: str) -> BadRequest:
    return _denied(f'{template.AT}: Invalid value: "": invalid spec.trialTemplate: {why}')


RULES: Mapping[str, Rules] = {
    names.KATIB_EXPERIMENT: Rules(
        default=defaults.fill,
        validate=shapes.experiment,
        admit=_admit,
        contains=_contains,
        warn=unread.warnings,
    )
}
