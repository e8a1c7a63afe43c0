"""Suggestions: their facade, what they ask, and what is kept of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kinds.katib.making import (
    DEPLOYMENT,
    EXPERIMENT,
    SUGGESTION,
    World,
    budget,
    condition,
    events,
    experiment,
    said,
    started,
    status,
    suggested,
)
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import Assignment, Earlier, SuggestAnswer, SuggestQuestion, Tried

SERVICE = DEPLOYMENT.as_kind(names.SERVICE)
CLAIM = DEPLOYMENT.as_kind(names.PERSISTENT_VOLUME_CLAIM)


def born(manifest: Manifest | None = None, **world: Any) -> World:
    """Before anything is available."""
    made = World()
    for field, value in world.items():
        setattr(made, field, value)
    made.create(manifest or experiment())
    made.settle()
    return made


# -- the facade -----------------------------------------------------------------------------------
def test_a_deployment_of_nothing_and_a_service() -> None:
    world = born()
    deployment = world.objects[DEPLOYMENT]
    assert deployment["spec"]["replicas"] == 0
    assert meta.is_controlled_by(deployment, world.objects[SUGGESTION])
    worn = deployment["spec"]["template"]["metadata"]["labels"]
    assert worn == {
        "katib.kubeflow.org/deployment": "square-random",
        "katib.kubeflow.org/experiment": "square",
        "katib.kubeflow.org/suggestion": "square",
        "sidecar.istio.io/inject": "false",
    }
    assert world.objects[SERVICE]["spec"] == {
        "selector": worn,
        "ports": [{"name": "suggestion-api", "port": 6789}],
        "type": "ClusterIP",
    }
    assert CLAIM not in world.objects
    assert said(world, SUGGESTION) == ["Created", "-DeploymentReady"]


def test_it_begins_when_the_deployment_is_available() -> None:
    world = started()
    assert said(world, SUGGESTION) == ["Created", "DeploymentReady", "Running"]
    assert status(world, SUGGESTION)["suggestionCount"] == 2


def test_early_stopping_has_a_port() -> None:
    world = born(experiment(earlyStopping={"algorithmName": "medianstop"}))
    ports = world.objects[SERVICE]["spec"]["ports"]
    assert [each["port"] for each in ports] == [6789, 6788]


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ("Never", set()),
        ("FromVolume", {CLAIM}),
        ("LongRunning", {DEPLOYMENT, SERVICE}),
    ],
)
def test_what_is_left_in_the_end(policy: str, left: set[Key]) -> None:
    world = started(experiment(resumePolicy=policy)).go()
    assert {DEPLOYMENT, SERVICE, CLAIM} & world.objects.keys() == left
    if policy == "LongRunning":
        assert said(world, SUGGESTION) == ["Created", "DeploymentReady", "Running"]
        return
    assert said(world, SUGGESTION) == ["Created", "-Running", "-DeploymentReady", "Succeeded"]
    again = "can't be restarted"
    if policy == "FromVolume":
        again = "suggestion volume is not deleted, can be restarted"
    assert condition(world, SUGGESTION)["message"] == f"Suggestion is succeeded, {again}"
    assert condition(world, SUGGESTION)["reason"] == "Experiment is succeeded"


def test_trials_that_leave_checkpoints_have_a_claim() -> None:
    settings = [{"name": "suggestion_trial_dir", "value": "/data"}]
    algorithm = {"algorithmName": "random", "algorithmSettings": settings}
    world = born(experiment(algorithm=algorithm))
    assert CLAIM in world.objects
    assert "volumes" not in world.objects[DEPLOYMENT]["spec"]["template"]["spec"]


def test_a_volume_is_as_the_operator_wants_it() -> None:
    world = World()
    document = (
        "runtime: {suggestions: [{algorithmName: random, image: "
        "ghcr.io/kubeflow/katib/suggestion-hyperopt:latest, persistentVolumeClaimSpec: "
        "{accessModes: [ReadWriteMany]}}]}"
    )
    where = {"name": "katib-config", "namespace": "kubeflow"}
    world.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": where,
               "data": {"katib-config.yaml": document}})  # fmt: skip
    world.create(experiment(resumePolicy="FromVolume"))
    world.settle()
    assert world.objects[CLAIM]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert world.objects[DEPLOYMENT]["spec"]["replicas"] == 0, "upstream's image is ours"


def test_a_service_of_the_operators_own_is_run_and_asked() -> None:
    world = World()
    document = (
        "runtime: {suggestions: [{algorithmName: random, image: mine:1, "
        "serviceAccountName: searcher, env: [{name: A, value: b}]}]}"
    )
    where = {"name": "katib-config", "namespace": "kubeflow"}
    world.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": where,
               "data": {"katib-config.yaml": document}})  # fmt: skip
    world.create(experiment())
    world.settle()
    spec = world.objects[DEPLOYMENT]["spec"]
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["serviceAccountName"] == "searcher"
    container = spec["template"]["spec"]["containers"][0]
    assert container == {
        "name": "suggestion", "image": "mine:1", "env": [{"name": "A", "value": "b"}],
        "ports": [{"name": "suggestion-api", "containerPort": 6789}],
    }  # fmt: skip
    world.step(lambda _: None)
    assert {each.endpoint for each in world.asked} == {"square-random.u:6789"}


def test_a_restart_from_a_volume_makes_all_of_it_again() -> None:
    world = started(experiment(resumePolicy="FromVolume")).go()
    budget(world, maxTrialCount=6)
    assert said(world, SUGGESTION)[-1] == "-DeploymentReady"
    assert condition(world, SUGGESTION, "Running")["reason"] == "Experiment is restarting"
    world.step(lambda _: None)
    assert said(world, SUGGESTION) == ["Created", "DeploymentReady", "Running"]
    world.go()
    assert said(world, SUGGESTION)[-1] == "Succeeded"


# -- asking ---------------------------------------------------------------------------------------
def test_nobody_is_asked_twice_for_the_same() -> None:
    world = started().go()
    asked = {(each.have, each.want) for each in world.asked if each.want}
    assert asked == {(0, 2), (2, 4)}
    names = [each["name"] for each in suggested(world)]
    assert names == sorted(set(names)) == [f"square-{place:03}" for place in range(4)]


def test_settings_that_the_algorithm_tells_are_kept() -> None:
    world = started(settings={"s": "1", "t": "2"})
    world.settings = {"t": "3"}
    world.go()
    assert status(world, SUGGESTION)["algorithmSettings"] == [
        {"name": "s", "value": "1"},
        {"name": "t", "value": "3"},
    ]


def test_what_is_refused_fails_for_good_and_leaves_nothing() -> None:
    world = started(refused="unknown setting speed").go()
    assert said(world, SUGGESTION)[-1] == "Failed"
    assert condition(world, SUGGESTION)["message"] == "Validation failed: unknown setting speed"
    assert condition(world, SUGGESTION)["reason"] == "SuggestionFailed"
    assert suggested(world) == []
    assert DEPLOYMENT not in world.objects


def test_an_algorithm_that_is_gone_fails() -> None:
    world = born(experiment(algorithm={"algorithmName": "guess"}))
    message = condition(world, SUGGESTION)["message"]
    assert message.startswith("Validation failed: failed to find suggestion config")


def test_an_exhausted_search_is_not_asked_any_more() -> None:
    world = started(experiment(maxTrialCount=9), space=3).go()
    assert condition(world, SUGGESTION, "Exhausted")["reason"] == "SuggestionEndReached"
    asked = len(world.asked)
    world.settle()
    assert len(world.asked) == asked
    assert condition(world)["reason"] == "ExperimentSuggestionEndReached"


def test_who_cannot_answer_is_asked_again() -> None:
    world = started(silent=Unanswered("the process that searches has ended"))
    assert said(world, SUGGESTION) == ["Created", "DeploymentReady", "-Answered"]
    assert condition(world, SUGGESTION)["message"] == "the process that searches has ended"
    assert "ReconcileError" in events(world)
    world.silent = None
    world.advance()
    assert said(world, SUGGESTION) == ["Created", "DeploymentReady", "Running"]
    assert len(suggested(world)) == 2


def test_an_empty_answer_is_none() -> None:
    world = started(space=0)
    world2 = started()
    world2.answer = lambda source, question: type(world2._answer(source, question))()
    budget(world2, parallelTrialCount=4)
    assert said(world2, SUGGESTION)[-1] == "-Answered"
    assert condition(world)["reason"] == "ExperimentSuggestionEndReached"


def test_a_suggestion_of_nobody_is_left_alone() -> None:
    world = World()
    world.create({"apiVersion": "kubeflow.org/v1beta1", "kind": "Suggestion",
                  "metadata": {"name": "square"}, "spec": {"requests": 3}})  # fmt: skip
    world.settle()
    assert "status" not in world.objects[SUGGESTION]
    assert EXPERIMENT not in world.objects


# -- a warm start ---------------------------------------------------------------------------------
def test_what_the_first_suggestions_rest_on_is_kept() -> None:
    tried = Tried(name="before-1", parameterAssignments=(Assignment(name="x", value="1"),),
                  metrics=(Assignment(name="loss", value="0.5"),))  # fmt: skip
    first = Earlier(experiment="before", uid="u-1", trialsSeen=3, trials=(tried,))
    world = started(earlier=first)
    kept = status(world, SUGGESTION)["warmStart"]
    assert kept == {
        "experiment": "before", "uid": "u-1", "trialsSeen": 3,
        "trials": [
            {"name": "before-1", "parameterAssignments": [{"name": "x", "value": "1"}],
             "metrics": [{"name": "loss", "value": "0.5"}]},
        ],
    }  # fmt: skip
    world.earlier = Earlier(experiment="before", uid="u-1", trialsSeen=9)
    world.go()
    assert status(world, SUGGESTION)["warmStart"] == kept
    assert status(world)["warmStart"] == {
        "experiment": "before", "trialsSeen": 3, "trialsKnown": 1,
    }  # fmt: skip


class Twice(World):
    """Suggests the first one again, each time."""

    def _suggested(self, asked: SuggestQuestion) -> SuggestAnswer:
        answer = super()._suggested(asked)
        return replace(answer, suggestions=(*answer.suggestions, *answer.suggestions[:1]))


def test_a_name_that_is_suggested_twice_is_one_trial() -> None:
    world = Twice()
    world.create(experiment())
    world.go()
    listed = [each["name"] for each in suggested(world)]
    assert len(listed) == len(set(listed)) == 4
    assert condition(world, EXPERIMENT)["type"] == "Succeeded"
