"""Answering: one request from its first byte to its last, whatever goes wrong in between.

A service does its work in a function of its own and says in its own way what was refused; what can
go wrong anywhere, and who calls, is the same for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sampan.kube.errors import ApiStatus, Unauthorized
from sampan.records.errors import ArchiveFailed
from sampan.services import errors
from sampan.services.errors import Refused
from sampan.services.http import Left, Request, TooMuch

_log = logging.getLogger(__name__)


async def answered(
    request: Request,
    serve: Callable[[Request], Awaitable[None]],
    refuse: Callable[[Request, Refused], Awaitable[None]],
) -> None:
    """`refuse` is called once at most, and not when the answer has begun."""
    try:
        await serve(request)
    except Left:
        return
    except Exception as error:
        if request.answered:
            _refusal(request, error)
        else:  # kept under no name: it would keep its traceback, and that the request's body
            await refuse(request, _refusal(request, error))


def _refusal(request: Request, error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, ApiStatus):
        return errors.of_status(error)
    if isinstance(error, ArchiveFailed):
        _log.warning("%s", error)
        return Refused(errors.UNAVAILABLE, str(error))
    if isinstance(error, TooMuch):
        return errors.invalid("the body of the request is too large")
    if isinstance(error, RecursionError):
        return errors.invalid("the request is nested too deeply")
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return Refused(errors.INTERNAL, "the server failed on this request; see its log")


def authorization(request: Request) -> str:
    """The header, if it holds a token. No other header and no cookie counts, so that another
    site's page, which cannot set this one, does nothing in a user's name. Raises Unauthorized."""
    header = request.header("authorization")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("token not valid.")
    return header
