"""What is left of a request that was refused."""

import asyncio
import gc
import weakref

import pytest

from sampan.services.answering import answered
from sampan.services.errors import invalid
from sampan.services.http import Request


class Body(bytearray):
    """Bytes whose end is seen."""


@pytest.mark.parametrize("begun", [False, True])
def test_nothing_of_a_refused_request_stays(begun):
    """Not even until the next collection: bodies may have 32 MB."""
    left = []

    async def serve(request):
        body = Body(b"x")
        left.append(weakref.ref(body))
        request.answered = begun
        raise invalid("no")

    async def refuse(request, refused):
        request.answered = True

    async def scenario():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        await answered(Request(scope, None, None), serve, refuse)

    gc.disable()
    try:
        asyncio.run(scenario())
        assert left[0]() is None
    finally:
        gc.enable()
