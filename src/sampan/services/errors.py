"""What goes wrong, as the services say it: gRPC codes in the way of grpc-gateway over HTTP.

A refusal of the Kubernetes API keeps its message; its HTTP code becomes the gRPC code that upstream
gives it, and that code's HTTP status is answered: so a 422 of the API is a 400 here, as there. How
the body of an answer looks is each service's own.
Upstream: argo-workflows server/utils/errors.go, grpc-gateway runtime/errors.go.
"""

from __future__ import annotations

from sampan.kube.errors import ApiStatus, SampanError

CANCELED, INVALID, DEADLINE, NOT_FOUND, EXISTS, DENIED = 1, 3, 4, 5, 6, 7
EXHAUSTED, PRECONDITION, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 9, 12, 13, 14
UNAUTHENTICATED = 16

_HTTP = {
    CANCELED: 408, INVALID: 400, DEADLINE: 504, NOT_FOUND: 404, EXISTS: 409, DENIED: 403,
    EXHAUSTED: 429, UNIMPLEMENTED: 501, INTERNAL: 500, UNAVAILABLE: 503, UNAUTHENTICATED: 401,
}  # fmt: skip
_OF_HTTP = {http: code for code, http in _HTTP.items()}


class Refused(SampanError):
    """An answer of a service that is not a success. `code` is gRPC's. `detail` is what is told
    the user alone, where upstream tells programs more; "" is the same."""

    def __init__(self, code: int, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail or message

    @property
    def http(self) -> int:
        return _HTTP.get(self.code, 400)


def invalid(message: str) -> Refused:
    return Refused(INVALID, message)


def not_found(message: str = "not found") -> Refused:
    return Refused(NOT_FOUND, message)


def denied(message: str = "permission denied") -> Refused:
    return Refused(DENIED, message)


def of_status(error: ApiStatus) -> Refused:
    """The same refusal in a service's words."""
    http = int(error.status().get("code") or 500)
    code = _OF_HTTP.get(http, INVALID if 400 <= http < 500 else INTERNAL)
    return Refused(code, error.message)
