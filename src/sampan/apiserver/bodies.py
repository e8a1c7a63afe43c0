"""Request bodies: JSON, YAML or protobuf in, one manifest out; in the words of a real server."""

from __future__ import annotations

from typing import Any

import orjson

from sampan.apiserver import protobuf
from sampan.apiserver.schemas import duplicates
from sampan.kube.errors import BadRequest, UnsupportedMediaType
from sampan.kube.keys import Manifest
from sampan.lib import yaml

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_YAML_TYPES = frozenset({YAML, "application/x-yaml", "text/yaml", "text/x-yaml"})
_SHOWN = 40  # characters of a broken body in the message about it


def decode(body: bytes, content_type: str, kind: str) -> tuple[Manifest, list[str]]:
    """The manifest in a request body, and the paths of fields that it names twice.

    Raises BadRequest, UnsupportedMediaType.
    """
    twice: list[str] = []
    if content_type == JSON or not content_type:
        found = from_json(body, kind)
        twice = repeated(body, found)
    elif content_type in _YAML_TYPES:
        found, twice = from_yaml(body, kind)
    elif content_type == PROTOBUF:
        found = protobuf.decode(body)
    else:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include:"
            f" {JSON}, {YAML}, {PROTOBUF}"
        )
    if not isinstance(found, dict):
        raise _unrecognised(kind, "json: cannot unmarshal a value that is not an object", body)
    return found, twice


def from_json(body: bytes, kind: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unrecognised(kind, _said(body, error), body) from None


def from_yaml(body: bytes, kind: str) -> tuple[Any, list[str]]:
    """The value and the paths of duplicate fields. JSON is YAML too, and read faster as JSON."""
    if body[:1] == b"{":
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        else:
            return found, repeated(body, found)
    try:
        value, found_twice = yaml.load_checked(body)
        return value, list(found_twice)
    except (yaml.YamlError, UnicodeDecodeError, RecursionError) as error:
        text = f"error converting YAML to JSON: {error}"
        raise _unrecognised(kind, text, body) from None


def repeated(body: bytes, found: Any) -> list[str]:
    """The paths of fields that a JSON body names twice. Raises BadRequest."""
    try:
        return duplicates(body, found)
    except (TypeError, RecursionError):  # what is too deep to be written could not be stored
        raise BadRequest("the object is nested too deeply") from None


def _said(body: bytes, error: orjson.JSONDecodeError) -> str:
    """The fault in Go's words, as clients have come to expect them."""
    text = body.decode(errors="replace")
    if not text.strip() or error.pos >= len(text):
        return "json parse error: unexpected end of JSON input"
    sign = text[error.pos]
    where = text[: error.pos].rstrip()[-1:]
    if where in ("{", ",") and sign not in '"}':
        rest = "looking for beginning of object key string"
    else:
        rest = "looking for beginning of value"
    if "ecursion" in str(error):
        return "json parse error: exceeded max depth"
    return f"json parse error: invalid character '{sign}' {rest}"


def _unrecognised(kind: str, said: str, body: bytes) -> BadRequest:
    shown = body[:_SHOWN].decode(errors="replace") + ("..." if len(body) > _SHOWN else "")
    return BadRequest(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind;"
        f" {said} ({shown or '<empty>'})"
    )
