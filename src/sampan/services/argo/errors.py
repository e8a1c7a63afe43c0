"""What goes wrong, as the Argo Server says it: gRPC codes in the way of grpc-gateway over HTTP.

    {"code": 5, "message": "workflows.argoproj.io \\"a\\" not found", "error": the same}

A refusal of the Kubernetes API keeps its message; its HTTP code becomes the gRPC code that upstream
gives it, and that code's HTTP status is answered: so a 422 of the API is a 400 here, as there.
Upstream: argo-workflows server/utils/errors.go, grpc-gateway runtime/errors.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kube.errors import ApiStatus, SampanError

CANCELED, INVALID, DEADLINE, NOT_FOUND, EXISTS, DENIED = 1, 3, 4, 5, 6, 7
EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 8, 12, 13, 14, 16

_HTTP = {
    CANCELED: 408, INVALID: 400, DEADLINE: 504, NOT_FOUND: 404, EXISTS: 409, DENIED: 403,
    EXHAUSTED: 429, UNIMPLEMENTED: 501, INTERNAL: 500, UNAVAILABLE: 503, UNAUTHENTICATED: 401,
}  # fmt: skip
_OF_HTTP = {http: code for code, http in _HTTP.items()}


class Refused(SampanError):
    """An answer of a service that is not a success. `code` is gRPC's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http(self) -> int:
        return _HTTP[self.code]

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "error": self.message}


def invalid(message: str) -> Refused:
    return Refused(INVALID, message)


def not_found(message: str = "not found") -> Refused:
    return Refused(NOT_FOUND, message)


def denied(message: str = "permission denied") -> Refused:
    return Refused(DENIED, message)


def of_status(error: ApiStatus) -> Refused:
    """The same refusal in this server's words."""
    http = int(error.status().get("code") or 500)
    code = _OF_HTTP.get(http, INVALID if 400 <= http < 500 else INTERNAL)
    return Refused(code, error.message)
