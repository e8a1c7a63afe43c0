"""The template of an Experiment's trials: from where it is, and with what in its placeholders.

`${trialParameters.NAME}` stands for the assignment that the parameter refers to, or for metadata of
the trial (`${trialSpec.Name}`, `…Namespace`, `…Kind`, `…APIVersion`, `…Labels[k]`,
`…Annotations[k]`). The replacement is made in the text, JSON or YAML, as upstream does: a value
with quotes in it has to be written so that the text stays one.
Upstream: pkg/controller.v1beta1/experiment/manifest/generator.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from sampan.kinds.katib.types import TrialParameter, TrialTemplate
from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.lib import yaml

_META = re.compile(r"\$\{trialSpec\.(.+?)\}")
_INDEXED = re.compile(r"(.+)\[(.+)]")
_PLACE = re.compile(r"\$\{trialParameters\.([^{}]+)\}")
_LEFT = re.compile(r"\$\{trialParameters\..+?\}")
_PLAIN = ("Name", "Namespace", "Kind", "APIVersion")
_SHARED = "trial-templates"
_AMONG = f"among those with label {names.LABEL_KATIB_COMPONENT}: {_SHARED}"
_MAPS = {"Annotations": "annotations", "Labels": "labels"}


class Unusable(ValueError):
    """The template, or what it is to be filled with, makes no trial."""


class Missing(Unusable):
    """The template is not there, which may change."""


def find(view: View, template: TrialTemplate, namespace: str) -> str:
    """The text of the template of an Experiment in this namespace. Missing. Of other namespaces
    only such ConfigMaps are read that are for everybody, by their label; upstream reads any."""
    if template.trialSpec is not None:
        return json.dumps(template.trialSpec, ensure_ascii=False)
    source = template.configMap
    if source is None:
        raise Unusable("spec.trialTemplate has neither trialSpec nor configMap")
    where = Key(names.CONFIG_MAP, source.configMapNamespace or "", source.configMapName or "")
    found = view.get(where)
    if found is None or (where.namespace != namespace and not _is_for_everybody(found)):
        among = "" if where.namespace == namespace else f" in {where.namespace} {_AMONG}"
        raise Missing(f'configMap not found: configmaps "{where.name}" not found{among}')
    text = (found.get("data") or {}).get(source.templatePath or "")
    if text is None:
        raise Missing(
            "unable to find trial template in ConfigMap: "
            f"TemplatePath: {source.templatePath}, ConfigMap: {where.namespace}/{where.name}"
        )
    return str(text)


def _is_for_everybody(found: Manifest) -> bool:
    worn = found["metadata"].get("labels") or {}
    return bool(worn.get(names.LABEL_KATIB_COMPONENT) == _SHARED)


def parsed(text: str) -> Manifest:
    """What the text says, JSON or YAML. Unusable."""
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else _first(text)
    except (ValueError, RecursionError) as wrong:
        raise Unusable(f"failed to convert string to unstructured: {wrong}") from wrong
    if not isinstance(document, dict):
        raise Unusable("failed to convert string to unstructured: it is no object")
    return document


def _first(text: str) -> object:
    return next(iter(yaml.load_all(text)), None)


def placed(text: str) -> frozenset[str]:
    """The names of parameters that have a placeholder in the text."""
    return frozenset(_PLACE.findall(text))


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """The text with values of parameters, by name, in their placeholders. What a value brings along
    is no placeholder."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def left(text: str) -> list[str]:
    """Placeholders that are in the text still."""
    return _LEFT.findall(text)


def is_meta(reference: str) -> bool:
    """Whether a reference means metadata of the trial, whatever there is of it."""
    match = _META.search(reference)
    if match is None:
        return False
    indexed = _INDEXED.search(match[1])
    return match[1] in (*_PLAIN, *_MAPS) or (
        indexed is not None and indexed[1] in (*_PLAIN, *_MAPS)
    )


def render(
    text: str,
    parameters: Sequence[TrialParameter],
    assignments: Mapping[str, str],
    *,
    name: str,
    namespace: str,
    unset: Mapping[str, str] | None = None,
) -> Manifest:
    """The object of the trial `name`. `unset`: what stands for parameters that have no value in
    this trial. Unusable."""
    assignments = {**assignments, **(unset or {})}
    values = dict(_values(_original(text, parameters), parameters, assignments,
                          {"Name": name, "Namespace": namespace}))  # fmt: skip
    used = sum(_META.search(each.reference or "") is None for each in parameters)
    if used != len(assignments):
        raise Unusable(
            "unable to find parameter from ParameterAssignment in TrialParameters: parameter "
            f"assignments: {_shown(assignments)}, non-meta trial parameter count: {used}"
        )
    made = parsed(filled_in(text, values))
    about = made.get("metadata")
    about = dict(about) if isinstance(about, dict) else {}
    return {**made, "metadata": {**about, "name": name, "namespace": namespace}}


def _original(text: str, parameters: Sequence[TrialParameter]) -> Manifest:
    """The template before anything is replaced, where a parameter asks for something in it."""
    asks = any(_META.search(each.reference or "") for each in parameters)
    return parsed(text) if asks else {}


def _values(
    template: Manifest,
    parameters: Sequence[TrialParameter],
    assignments: Mapping[str, str],
    about: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    for each in parameters:
        reference = each.reference or ""
        if match := _META.search(reference):
            yield each.name or "", _of_meta(template, reference, match[1], about)
        elif reference in assignments:
            yield each.name or "", assignments[reference]
        else:
            raise Unusable(
                "unable to find non-meta parameter from TrialParameters in ParameterAssignment: "
                f"parameter: {reference}, parameter assignment: {_shown(assignments)}"
            )


def _of_meta(template: Manifest, reference: str, key: str, about: Mapping[str, str]) -> str:
    index = ""
    if match := _INDEXED.search(key):
        key, index = match[1], match[2]
    if key in about:
        return about[key]
    if key in ("Kind", "APIVersion"):
        return str(template.get("kind" if key == "Kind" else "apiVersion") or "")
    if key not in _MAPS:
        raise Unusable(f"illegal reference of trial metadata: {reference}")
    values = (template.get("metadata") or {}).get(_MAPS[key]) or {}
    if index not in values:
        raise Unusable(
            f"illegal reference of trial metadata: {reference}; "
            f"failed to fetch {key.removesuffix('s')}: {index}"
        )
    return str(values[index])


def _shown(assignments: Mapping[str, str]) -> str:
    return f"map[{' '.join(f'{name}:{value}' for name, value in assignments.items())}]"
