"""What can go wrong, in the words of a Kubernetes `Status`.

    SampanError
    ├── ApiStatus            any answer that is not 2xx: code, reason, message, details
    │   ├── BadRequest 400   ├── Unauthorized 401  ├── Forbidden 403   ├── NotFound 404
    │   ├── MethodNotAllowed 405  ├── NotAcceptable 406  ├── Conflict 409 ── AlreadyExists 409
    │   ├── Expired 410      ├── TooLarge 413      ├── UnsupportedMediaType 415
    │   ├── Invalid 422      ├── TooManyRequests 429  ├── InternalError 500  └── Timeout 504
    └── UserMistake          for the command line: printed without a traceback

A decision of a controller never raises for bad user input: it answers with a condition.
Upstream: k8s.io/apimachinery pkg/api/errors; wording as a real server answers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct


class SampanError(Exception):
    """Root of everything that Sampan raises on purpose."""


class UserMistake(SampanError):
    """Something that the person at the terminal can mend; shown as one line."""


class Problem(Struct, frozen=True):
    """One thing wrong with one field. `reason` is a cause of a 422:
    FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, FieldValueForbidden,
    FieldValueDuplicate, FieldValueTooLong, FieldValueTypeInvalid, FieldValueTooMany."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def required(field: str, detail: str = "") -> Problem:
    return Problem(field, "FieldValueRequired", _with("Required value", detail))


def invalid(field: str, value: object, detail: str) -> Problem:
    return Problem(field, "FieldValueInvalid", f"Invalid value: {_quote(value)}: {detail}")


def forbidden(field: str, detail: str) -> Problem:
    return Problem(field, "FieldValueForbidden", f"Forbidden: {detail}")


def duplicate(field: str, value: object) -> Problem:
    return Problem(field, "FieldValueDuplicate", f"Duplicate value: {_quote(value)}")


def too_long(field: str, limit: int) -> Problem:
    return Problem(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(field: str, number: int, limit: int) -> Problem:
    fault = f"Too many: {number}: must have at most {limit} items"
    return Problem(field, "FieldValueTooMany", fault)


def unsupported(field: str, value: object, supported: Sequence[str]) -> Problem:
    choices = ", ".join(f'"{choice}"' for choice in supported)
    return Problem(
        field,
        "FieldValueNotSupported",
        f"Unsupported value: {_quote(value)}: supported values: {choices}",
    )


def _quote(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), sort_keys=True)
    return str(value)


def _with(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


class ApiStatus(SampanError):
    """An answer of the API that is not a success; maps one to one to a `Status` object."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}

    def status(self) -> dict[str, Any]:
        """The `Status` object that goes over the wire."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        body["code"] = self.code
        return body


class BadRequest(ApiStatus):
    code, reason = 400, "BadRequest"


class Unauthorized(ApiStatus):
    code, reason = 401, "Unauthorized"


class Forbidden(ApiStatus):
    code, reason = 403, "Forbidden"


class NotFound(ApiStatus):
    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiStatus):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiStatus):
    code, reason = 406, "NotAcceptable"


class Conflict(ApiStatus):
    code, reason = 409, "Conflict"


class AlreadyExists(Conflict):
    reason = "AlreadyExists"


class Expired(ApiStatus):
    code, reason = 410, "Expired"


class TooLarge(ApiStatus):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiStatus):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiStatus):
    code, reason = 422, "Invalid"

    @classmethod
    def of(cls, kind: str, group: str, name: str, problems: Sequence[Problem]) -> Invalid:
        """`Pod "p" is invalid: [a, b]` with a cause for each problem. `kind` has no group."""
        said = [str(problem) for problem in problems]
        text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
        full = f"{kind}.{group}" if group else kind
        details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
        details = {key: value for key, value in details.items() if value}
        details["causes"] = [
            {"reason": p.reason, "message": p.message, "field": p.field} for p in problems
        ]
        return cls(f'{full} "{name}" is invalid: {text}', details)


class TooManyRequests(ApiStatus):
    code, reason = 429, "TooManyRequests"


class InternalError(ApiStatus):
    code, reason = 500, "InternalError"


class ServiceUnavailable(ApiStatus):
    code, reason = 503, "ServiceUnavailable"


class Timeout(ApiStatus):
    code, reason = 504, "Timeout"


_BY_REASON: dict[str, type[ApiStatus]] = {
    cls.reason: cls
    for cls in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict,
        AlreadyExists, Expired, TooLarge, UnsupportedMediaType, Invalid, TooManyRequests,
        InternalError, ServiceUnavailable, Timeout,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[ApiStatus]] = {
    cls.code: cls for cls in reversed(_BY_REASON.values()) if cls is not AlreadyExists
}


def from_status(status: dict[str, Any], code: int = 500) -> ApiStatus:
    """The error for a `Status` object that another API server sent."""
    code = int(status.get("code") or code)
    cls = _BY_REASON.get(status.get("reason") or "") or _BY_CODE.get(code, InternalError)
    return cls(status.get("message") or f"HTTP {code}", status.get("details"))
