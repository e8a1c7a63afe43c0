"""Asks services of the operator's own for suggestions, by gRPC, as upstream's controller does.

An answer may take a minute, and the next one rests on what came of it, so that a question is asked
once and waited for: whoever asks again in the meantime is told to, and then given that answer. What
cannot be answered now is asked again by the controller, after growing pauses.
Upstream: pkg/controller.v1beta1/suggestion/suggestionclient/suggestionclient.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sampan.kube.errors import SampanError
from sampan.kube.searching import SuggestQuestion
from sampan.lib.proto import Message, get
from sampan.lib.search.problem import Answer, Suggestion
from sampan.lib.search.process import Reply
from sampan.services.grpc import client, messages
from sampan.services.grpc.messages import Failed
from sampan.services.katib import wire
from sampan.services.katib.api import API

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str, int, str], Awaitable[Streams]]
"""(host, port, namespace) -> a connection such as a pod of the namespace has."""
LONGEST = 60.0
"""Seconds for one answer, as upstream."""
PATIENCE = 3.0
"""Seconds in which others wait for it."""
_MOST = 1000  # questions that nobody fetched the answer of
_REFUSED = (messages.INVALID_ARGUMENT, messages.UNKNOWN)
_LATER = (messages.UNAVAILABLE, messages.RESOURCE_EXHAUSTED, messages.DEADLINE_EXCEEDED)


class Foreign:
    def __init__(self, dial: Dial, *, patience: float = PATIENCE, longest: float = LONGEST) -> None:
        self._dial = dial
        self._patience = patience
        self._longest = longest
        self._asked: dict[tuple[str, int, bool], asyncio.Task[Reply]] = {}

    async def ask(
        self, asked: SuggestQuestion, experiment: Message, trials: Sequence[Message]
    ) -> Reply:
        """Never raises: what goes wrong is in `failed`. A question that wants more than an earlier
        one has the answer to that, and fewer than it wants."""
        key = asked.uid, asked.have, bool(asked.want)
        if key not in self._asked:
            self._tidy()
            self._asked[key] = asyncio.create_task(self._answer(asked, experiment, trials))
        task = self._asked[key]
        done, _ = await asyncio.wait([task], timeout=self._patience)
        if not done:
            return Reply(failed=f"{asked.endpoint} has not answered yet")
        self._asked.pop(key, None)
        return task.result()

    async def stop(self) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _tidy(self) -> None:
        if len(self._asked) >= _MOST:
            self._asked = {key: task for key, task in self._asked.items() if not task.done()}

    async def _answer(
        self, asked: SuggestQuestion, experiment: Message, trials: Sequence[Message]
    ) -> Reply:
        try:
            async with asyncio.timeout(self._longest):
                if asked.want:
                    return await self._suggest(asked, experiment, trials)
                return await self._check(asked, experiment)
        except TimeoutError:
            return Reply(failed=f"{asked.endpoint}: no answer within {self._longest:g} s")
        except Failed as fault:
            return Reply(failed=f"{asked.endpoint}: {fault.message}")
        except (OSError, SampanError, ValueError) as fault:
            return Reply(failed=f"{asked.endpoint}: {fault}")

    async def _check(self, asked: SuggestQuestion, experiment: Message) -> Reply:
        """A service that does not know the method takes everything."""
        try:
            await self._call(asked, "ValidateAlgorithmSettings", {"experiment": experiment})
        except Failed as fault:
            if fault.code in _LATER:
                raise
            if fault.code in _REFUSED:
                return Reply(refused=f"ValidateAlgorithmSettings Error: {fault.message}")
        return Reply()

    async def _suggest(
        self, asked: SuggestQuestion, experiment: Message, trials: Sequence[Message]
    ) -> Reply:
        wanted = asked.want - asked.have
        request = {
            "experiment": experiment,
            "trials": trials,
            "current_request_number": wanted,
            "total_request_number": asked.want,
        }
        found = await self._call(asked, "GetSuggestions", request)
        listed = get(found, "parameter_assignments", default=())
        if len(listed) != wanted:
            text = f"The response contains unexpected trials: {len(listed)} instead of {wanted}"
            return Reply(failed=f"{asked.endpoint}: {text}")
        return Reply(
            answer=Answer(
                suggestions=tuple(_suggestion(each) for each in listed),
                settings=wire.settings_of(get(found, "algorithm", default={})),
            )
        )

    async def _call(self, asked: SuggestQuestion, method: str, request: Message) -> Message:
        host, _, port = asked.endpoint.rpartition(":")
        streams = await self._dial(host, int(port), asked.namespace)
        return await client.call(streams, asked.endpoint, API, ("Suggestion", method), request)


def _suggestion(given: Message) -> Suggestion:
    listed = get(given, "assignments", default=())
    return Suggestion(
        assignments={get(each, "name"): get(each, "value") for each in listed},
        name=get(given, "trial_name"),
        labels=get(given, "labels", default={}),
    )
