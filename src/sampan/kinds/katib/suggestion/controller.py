"""Suggestion: ask who searches, and keep the answers.

    Created -> DeploymentReady -> Running -> Succeeded (the Experiment is over, unless LongRunning)
                                          -> Failed (the algorithm does not take the Experiment)

What was suggested is in the status before a trial of it begins, and stays there: nobody is asked
for the same trial twice, whoever is restarted. Who cannot answer is asked again (`unanswered`).
The Experiment writes `spec.requests`; all else is written here, from the Experiment's status.
Upstream: pkg/controller.v1beta1/suggestion/suggestion_controller.go.
"""

from __future__ import annotations

from sampan.kinds.katib import conditions, restarts, unanswered, words
from sampan.kinds.katib import settings as configured
from sampan.kinds.katib.settings import Settings
from sampan.kinds.katib.suggestion import facade, snapshot, status, waiting
from sampan.kinds.katib.suggestion.snapshot import Answer, Request, Service
from sampan.kinds.katib.suggestion.status import Status
from sampan.kube import meta, names, searching
from sampan.kube.conditions import is_true
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import NOTHING, Controller, Emit, Plan, Unanswered, View
from sampan.kube.searching import SuggestAnswer, SuggestQuestion


def see(view: View, key: Key) -> Request | None:
    manifest = view.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    experiment = view.get(key.as_kind(names.KATIB_EXPERIMENT))
    if experiment is None or not meta.is_owned_by(manifest, experiment):
        return None
    where = Key("", key.namespace, snapshot.facade_of(manifest))
    found = {kind: view.get(where.as_kind(kind)) for kind in facade.KINDS}
    service, fault = _service(configured.find(view), manifest)
    said = manifest.get("status") or {}
    pause = max(
        unanswered.left(said, view.now()),
        waiting.left(said, experiment.get("status") or {}, view.now()),
    )
    checked: Answer = None
    more: Answer = None
    if service is not None and not pause and _is_asking(manifest, experiment):
        checked, more = _asked(view, manifest, service)
    return Request(
        manifest=manifest,
        experiment=experiment,
        service=service,
        found={kind: each for kind, each in found.items() if each is not None},
        checked=checked,
        more=more,
        pause=pause,
        fault=fault,
        now=view.now(),
    )


def _service(settings: Settings, suggestion: Manifest) -> tuple[Service | None, str]:
    algorithm = str(((suggestion.get("spec") or {}).get("algorithm") or {}).get("algorithmName"))
    try:
        entry = settings.service(algorithm)
    except configured.Unknown as fault:
        return None, str(fault)
    return Service(entry=entry, claim=settings.claim(algorithm)), ""


def _is_asking(suggestion: Manifest, experiment: Manifest) -> bool:
    said = (suggestion.get("status") or {}).get("conditions")
    over = restarts.is_completed(experiment.get("status") or {})
    return not over and not is_true(said, conditions.FAILED)


def _asked(view: View, suggestion: Manifest, service: Service) -> tuple[Answer, Answer]:
    """Both at once: the first suggestions are there as soon as they may be used."""
    where, name = meta.namespace_of(suggestion), snapshot.facade_of(suggestion)
    endpoint = facade.endpoint(where, name) if service.entry else ""

    def ask(have: int, want: int) -> Answer:
        question = SuggestQuestion(
            namespace=where,
            name=meta.name_of(suggestion),
            uid=meta.uid_of(suggestion),
            have=have,
            want=want,
            endpoint=endpoint,
        )
        answer: Answer = view.consult(searching.SUGGESTIONS, question)
        return answer

    have, want = snapshot.wants(suggestion)
    said = (suggestion.get("status") or {}).get("conditions")
    checked = None if is_true(said, conditions.RUNNING) else ask(0, 0)
    return checked, ask(have, want) if want > have else None


def decide(request: Request) -> Plan:
    said = status.begun(request)
    if not request.searching:
        return _over(request, said)
    if request.holds(conditions.FAILED):
        return NOTHING
    if request.service is None:
        return Plan(status=status.failed(request, said, f"Validation failed: {request.fault}"))
    if request.holds(conditions.SUCCEEDED):
        said = status.restarting(request, said)
    made = tuple(facade.made(request))
    is_ready = facade.is_ready(request)
    said = status.ready(request, said, is_ready)
    if not is_ready:
        return Plan(status=said, actions=made)
    told = _told(request, said)
    return Plan(status=told.status, actions=(*made, *told.actions), again_in=told.again_in)


def _told(request: Request, said: Status) -> Plan:
    """What the answers make of the status."""
    answers = [each for each in (request.checked, request.more) if each is not None]
    for each in answers:
        if isinstance(each, Unanswered):
            return _untold(request, said, each)
    answered = [each for each in answers if isinstance(each, SuggestAnswer)]
    for answer in answered:
        if answer.refused:
            return Plan(status=status.failed(request, said, f"Validation failed: {answer.refused}"))
    if answered:
        said = {**said, "conditions": unanswered.over(said.get("conditions"))}
    if not request.holds(conditions.RUNNING):
        if not isinstance(request.checked, SuggestAnswer):
            return Plan(status=said, again_in=request.pause or None)
        said = status.running(request, said)
    if isinstance(request.more, SuggestAnswer):
        return _extended(request, said, request.more)
    return Plan(status=said, again_in=request.pause or None)


def _extended(request: Request, said: Status, answer: SuggestAnswer) -> Plan:
    extended = status.extended(request, said, answer)
    if extended["suggestionCount"] > len(request.suggested) or answer.over:
        return Plan(status=waiting.over(extended))
    if answer.ended is not None:
        return Plan(status=waiting.told(said, answer.ended, request.now), again_in=waiting.LONGEST)
    return _untold(request, said, Unanswered("the answer has no suggestion in it"))


def _untold(request: Request, said: Status, answer: Unanswered) -> Plan:
    told = unanswered.told(said.get("conditions"), answer, request.now)
    event = Emit("Warning", words.RECONCILE_ERROR, answer.message)
    return Plan(status={**said, "conditions": told}, actions=(event,), again_in=unanswered.SHORTEST)


def _over(request: Request, said: Status) -> Plan:
    """Its Experiment has ended."""
    if request.policy == "LongRunning":
        return NOTHING
    if not request.holds(conditions.FAILED):
        said = status.succeeded(request, said)
    return Plan(status=said, actions=tuple(facade.removed(request)))


SUGGESTION = Controller(name="suggestion", of=names.SUGGESTION, see=see, decide=decide)
