"""The Suggestion of an Experiment: made, asked for more, told which suggestions are taken back.

Upstream: pkg/controller.v1beta1/experiment/{experiment_controller.go,suggestion/suggestion.go}.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kinds.katib.conditions import EXHAUSTED
from sampan.kinds.katib.experiment.snapshot import Search
from sampan.kube import meta, names
from sampan.kube.conditions import without_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Create, Patch


def waiting(search: Search) -> Iterator[Mapping[str, Any]]:
    """Suggestions that are no trial yet, each name once."""
    known = {trial.name for trial in search.trials}
    for each in search.suggested:
        if each.get("name") and each["name"] not in known:
            known.add(each["name"])
            yield each


def warm_start(search: Search) -> dict[str, Any] | None:
    """Of how many trials of an earlier Experiment the algorithm knows."""
    said = ((search.suggestion or {}).get("status") or {}).get("warmStart")
    if not said:
        return None
    return {
        "experiment": said.get("experiment"),
        "trialsSeen": said.get("trialsSeen"),
        "trialsKnown": len(said.get("trials") or ()),
    }


def asked(search: Search, wanted: int) -> list[Action]:
    """So that there are that many. A number that was asked for is not taken back here."""
    suggestion = search.suggestion
    if suggestion is None:
        return [Create(_made(search, wanted))]
    if meta.deleting(suggestion):
        return []
    if ((suggestion.get("spec") or {}).get("requests") or 0) >= wanted:
        return []
    return [Patch(_key(search), {"spec": {"requests": wanted}})]


def taken_back(search: Search, gone: Collection[str]) -> tuple[list[Action], bool]:
    """Without these suggestions, and whether that is so when this is carried out. First there are
    fewer requests, so that no more is suggested meanwhile; then, exactly from that state, fewer
    suggestions."""
    suggestion = search.suggestion
    kept = [each for each in search.suggested if each.get("name") not in gone]
    if suggestion is None or len(kept) == len(search.suggested):
        return [], True
    if ((suggestion.get("spec") or {}).get("requests") or 0) > len(kept):
        return [Patch(_key(search), {"spec": {"requests": len(kept)}})], False
    said = suggestion.get("status") or {}
    body = {
        "metadata": {"resourceVersion": suggestion["metadata"].get("resourceVersion")},
        "status": {
            "suggestions": kept,
            "suggestionCount": len(kept),
            "conditions": without_condition(said.get("conditions"), EXHAUSTED),
        },
    }
    return [Patch(_key(search), body, "status")], True


def _made(search: Search, wanted: int) -> Manifest:
    experiment, spec = search.manifest, search.manifest["spec"]
    about = experiment["metadata"]
    notes = {
        name: value
        for name, value in (about.get("annotations") or {}).items()
        if name != names.ANNOTATION_LAST_APPLIED
    }
    said = {
        "algorithm": spec.get("algorithm"),
        "earlyStopping": spec.get("earlyStopping"),
        "requests": wanted,
        "resumePolicy": spec.get("resumePolicy"),
    }
    return {
        "apiVersion": experiment["apiVersion"],
        "kind": "Suggestion",
        "metadata": {
            "name": search.name,
            "namespace": meta.namespace_of(experiment),
            **({"labels": dict(about["labels"])} if about.get("labels") else {}),
            **({"annotations": notes} if notes else {}),
            "ownerReferences": [meta.controlled_by(experiment)],
        },
        "spec": {name: value for name, value in said.items() if value is not None},
    }


def _key(search: Search) -> Key:
    return Key(names.SUGGESTION, meta.namespace_of(search.manifest), search.name)
