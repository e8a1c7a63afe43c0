"""What is wrong in the template of an Experiment's trials. The words are upstream's.

Whether a Job in it has only fields that Jobs have is checked by the API server, which knows
(`Rules.contains`).
Upstream: pkg/webhook/v1beta1/experiment/validator/validator.go validateTrialTemplate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampan.kinds.katib import template
from sampan.kinds.katib.settings import Settings, Unknown
from sampan.kinds.katib.template import Unusable
from sampan.kinds.katib.types import Parameter, Spec, TrialParameter, TrialTemplate
from sampan.kube.errors import Problem, invalid, required
from sampan.kube.keys import Manifest, kind_of
from sampan.kube.plan import View
from sampan.lib import gjson

AT = "spec.trialTemplate"
_PARAMETERS = f"{AT}.trialParameters"
_FILLED = "test-value"


def problems(view: View, spec: Spec, namespace: str, settings: Settings) -> Iterator[Problem]:
    given = spec.trialTemplate
    if given is None:
        yield required(AT, "must be specified")
        return
    if not given.primaryContainerName:
        yield required(f"{AT}.primaryContainerName", "must be specified")
    if not given.successCondition or not given.failureCondition:
        yield required(AT, "successCondition and failureCondition must be specified")
    yield from _of_conditions(given)
    if (fault := _of_source(given)) is not None:
        yield fault
        return
    try:
        text = template.find(view, given, namespace)
    except Unusable as wrong:
        yield invalid(AT, "", f"unable to parse spec.trialTemplate: {wrong}")
        return
    yield from _of_text(text, given.trialParameters or [], spec.parameters or [])
    if (made := filled(view, given, namespace)) is not None:
        yield from _of_kind(made, settings)


def filled(view: View, given: TrialTemplate, namespace: str) -> Manifest | None:
    """The object that the template makes, with some value in each placeholder."""
    try:
        text = template.find(view, given, namespace)
        values = {each.name or "": _FILLED for each in given.trialParameters or ()}
        return template.parsed(template.filled_in(text, values))
    except Unusable:
        return None


def _of_conditions(given: TrialTemplate) -> Iterator[Problem]:
    """What no look could ever evaluate. Upstream lets it pass, and its trials never end."""
    for field in ("successCondition", "failureCondition"):
        path = getattr(given, field) or ""
        try:
            gjson.look({}, path)
        except gjson.Mistake as wrong:
            yield invalid(f"{AT}.{field}", path, str(wrong))


def _of_source(given: TrialTemplate) -> Problem | None:
    if given.trialParameters is None:
        return required(_PARAMETERS, "must be specified")
    source = given.configMap
    if given.trialSpec is None and source is None:
        fault = "spec.trialTemplate.trialSpec or spec.trialTemplate.configMap must be specified"
        return required(f"{AT}.TrialSource", fault)
    if given.trialSpec is not None and source is not None:
        both = "spec.trialTemplate.trialSpec or spec.trialTemplate.configMap"
        return required(AT, f"only one of {both} can be specified")
    if source is not None and not (
        source.configMapName and source.configMapNamespace and source.templatePath
    ):
        fault = "configMapName, configMapNamespace and templatePath must be specified"
        return required(f"{AT}.configMap", fault)
    return None


def _of_text(
    text: str, given: Sequence[TrialParameter], parameters: Sequence[Parameter]
) -> Iterator[Problem]:
    known = {each.name for each in parameters}
    shown, placed = ", ".join(sorted(filter(None, known))), template.placed(text)
    names: set[str] = set()
    references: set[str] = set()
    for place, each in enumerate(given):
        at, name, reference = f"{_PARAMETERS}[{place}]", each.name or "", each.reference or ""
        fault = _of_parameter(at, name, reference, names, references)
        if fault is not None:
            yield fault
            continue
        names.add(name)
        references.add(reference)
        if known and not template.is_meta(reference) and reference not in known:
            fault_text = (
                f"parameter reference {reference} does not exist in spec.parameters: {shown}"
            )
            yield invalid(f"{at}.reference", reference, fault_text)
        if name not in placed:
            what = f"parameter name: {name} in spec.trialParameters not found in spec.trialTemplate"
            yield invalid(f"{at}.name", name, f"{what}: {text}")
            return
    text = template.filled_in(text, dict.fromkeys(names, _FILLED))
    if left := template.left(text):
        shown = ", ".join(each.name or "" for each in given)
        fault_text = (
            f"parameters: [{' '.join(left)}] in spec.trialTemplate not found in "
            f"spec.trialParameters: [{shown}]"
        )
        yield invalid(AT, "", fault_text)
    yield from _of_object(text)


def _of_parameter(
    at: str, name: str, reference: str, names: set[str], references: set[str]
) -> Problem | None:
    if not name or not reference or "{" in name or "}" in name:
        fault = "name and reference must be specified and name must not contain '{' or '}'"
        return invalid(at, "", fault)
    for what, value, taken in (("name", name, names), ("reference", reference, references)):
        if value in taken:
            fault = f"parameter {what} {value} can't be duplicated in {_PARAMETERS}"
            return invalid(f"{at}.{what}", value, fault)
    return None


def _of_object(text: str) -> Iterator[Problem]:
    try:
        made = template.parsed(text)
    except Unusable:
        yield invalid(AT, "", f"unable to convert spec.trialTemplate: {text} to unstructured")
        return
    about = made.get("metadata")
    about = about if isinstance(about, dict) else {}
    if about.get("name") or about.get("namespace"):
        fault = "metadata.name and metadata.namespace in spec.trialTemplate must be omitted"
        yield invalid(AT, "", fault)
    if not _is_text(made.get("apiVersion")) or not _is_text(made.get("kind")):
        yield required(AT, "APIVersion and Kind in spec.trialTemplate must be specified")


def _of_kind(made: Manifest, settings: Settings) -> Iterator[Problem]:
    """Values may make another kind of it, which the Trial finds out."""
    version, kind = made.get("apiVersion"), made.get("kind")
    if not _is_text(version) or not _is_text(kind):
        return
    try:
        settings.check_trial(kind_of(str(version), str(kind)))
    except Unknown as fault:
        yield invalid(AT, kind, str(fault))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
