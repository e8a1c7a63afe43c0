"""A service of the operator's own is asked as upstream's controller asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampan.kube.searching import SuggestQuestion
from sampan.lib.proto import Message
from sampan.lib.search.problem import Answer, Suggestion
from sampan.lib.search.process import Reply
from sampan.services.grpc import messages
from sampan.services.grpc.messages import Failed
from sampan.services.grpc.server import Server, Service
from sampan.services.katib.api import API
from sampan.services.katib.foreign import Foreign

ENDPOINT = "e-own.u:6789"
Method = Callable[[Any, Message], Awaitable[Message]]


def question(have: int = 0, want: int = 2) -> SuggestQuestion:
    return SuggestQuestion(
        namespace="u", name="e", uid="uid", have=have, want=want, endpoint=ENDPOINT
    )


def asked(
    story: Callable[[Foreign], Awaitable[Any]],
    patience: float = 5,
    longest: float = 5,
    **methods: Method,
) -> tuple[Any, list[tuple[str, int, str]]]:
    """What comes of it with a service that has these methods, and where it was dialled."""
    dialled: list[tuple[str, int, str]] = []

    async def run() -> Any:
        server = Server([Service(API, "Suggestion", methods)])

        async def accept(reader: Any, writer: Any) -> None:
            await server.serve(reader, writer, None)

        listening = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]

        async def dial(*where: Any) -> Any:
            dialled.append(where)
            return await asyncio.open_connection("127.0.0.1", port)

        foreign = Foreign(dial, patience=patience, longest=longest)
        try:
            return await story(foreign)
        finally:
            await foreign.stop()
            listening.close()

    return asyncio.run(run()), dialled


def failing(code: int, message: str = "no") -> Method:
    async def fail(_caller: Any, _request: Message) -> Message:
        raise Failed(code, message)

    return fail


def test_suggestions_come_with_names_labels_and_settings() -> None:
    requests = []

    async def suggest(_caller: Any, request: Message) -> Message:
        requests.append(request)
        one = {"assignments": [{"name": "lr", "value": "0.1"}], "trial_name": "n"}
        other = {"assignments": [], "labels": {"a": "b"}}
        told = {"algorithm_settings": [{"name": "state", "value": "1"}]}
        return {"parameter_assignments": [one, other], "algorithm": told}

    async def story(foreign: Foreign) -> Reply:
        return await foreign.ask(question(3, 5), {"name": "e"}, [{"name": "t"}])

    reply, dialled = asked(story, GetSuggestions=suggest)
    suggestions = (
        Suggestion(assignments={"lr": "0.1"}, name="n"),
        Suggestion(assignments={}, labels={"a": "b"}),
    )
    assert reply == Reply(answer=Answer(suggestions=suggestions, settings={"state": "1"}))
    assert dialled == [("e-own.u", 6789, "u")]
    assert requests[0]["experiment"] == {"name": "e"}
    assert (requests[0]["current_request_number"], requests[0]["total_request_number"]) == (2, 5)
    assert [each["name"] for each in requests[0]["trials"]] == ["t"]


def test_another_number_than_was_asked_for_is_no_answer() -> None:
    async def suggest(_caller: Any, _request: Message) -> Message:
        return {"parameter_assignments": [{}]}

    reply, _ = asked(lambda foreign: foreign.ask(question(), {}, []), GetSuggestions=suggest)
    assert "The response contains unexpected trials: 1 instead of 2" in reply.failed


@pytest.mark.parametrize(
    ("methods", "reply"),
    [
        pytest.param({}, Reply(), id="it knows no such method"),
        pytest.param(
            {"ValidateAlgorithmSettings": failing(messages.INVALID_ARGUMENT, "a must be b")},
            Reply(refused="ValidateAlgorithmSettings Error: a must be b"),
            id="refused",
        ),
        pytest.param(
            {"ValidateAlgorithmSettings": failing(messages.UNKNOWN, "KeyError")},
            Reply(refused="ValidateAlgorithmSettings Error: KeyError"),
            id="what Python's services raise",
        ),
        pytest.param(
            {"ValidateAlgorithmSettings": failing(messages.INTERNAL)}, Reply(), id="others pass"
        ),
        pytest.param(
            {"ValidateAlgorithmSettings": failing(messages.UNAVAILABLE, "later")},
            Reply(failed=f"{ENDPOINT}: later"),
            id="later",
        ),
    ],
)
def test_whether_it_takes_an_experiment(methods: dict[str, Method], reply: Reply) -> None:
    found, _ = asked(lambda foreign: foreign.ask(question(0, 0), {}, []), **methods)
    assert found == reply


def test_a_slow_answer_is_asked_for_once_and_fetched_later() -> None:
    calls = []

    async def story(foreign: Foreign) -> list[Reply]:
        first = await foreign.ask(question(), {}, [])
        second = await foreign.ask(question(0, 3), {}, [])
        may.set()
        async with asyncio.timeout(2):
            while (third := await foreign.ask(question(), {}, [])).failed:
                pass
        return [first, second, third]

    may = asyncio.Event()

    async def suggest(_caller: Any, request: Message) -> Message:
        calls.append(request)
        await may.wait()
        return {"parameter_assignments": [{}, {}]}

    replies, _ = asked(story, patience=0.01, GetSuggestions=suggest)
    assert [each.failed for each in replies] == [*[f"{ENDPOINT} has not answered yet"] * 2, ""]
    assert len(calls) == 1


def test_who_never_answers_is_given_up() -> None:
    async def suggest(_caller: Any, _request: Message) -> Message:
        await asyncio.Event().wait()
        return {}

    reply, _ = asked(
        lambda foreign: foreign.ask(question(), {}, []), longest=0.1, GetSuggestions=suggest
    )
    assert reply.failed == f"{ENDPOINT}: no answer within 0.1 s"


def test_nobody_is_there() -> None:
    async def run() -> Reply:
        async def dial(*_: Any) -> Any:
            raise ConnectionRefusedError("refused")

        return await Foreign(dial).ask(question(), {}, [])

    assert asyncio.run(run()) == Reply(failed=f"{ENDPOINT}: refused")
