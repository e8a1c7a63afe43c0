"""The OpenAPI v2 document, made of the same paths and schemas as the v3 documents.

Whatever v2 says in other words is put into them here: parameters have a type and no schema, a body
is a parameter, media types stand apart; `schemas` does the same for schemas. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sampan.apiserver.components import Document, Served, schemas
from sampan.apiserver.openapi import INFO, paths
from sampan.apiserver.swagger.schemas import definitions, reference

_IN_PATH = re.compile(r"{(\w+)}")


def document(resources: Sequence[Served]) -> Document:
    """The document of everything that is served."""
    found = {path: item for each in resources for path, item in paths(each).items()}
    return {
        "swagger": "2.0",
        "info": INFO,
        "paths": {path: _item(path, item) for path, item in sorted(found.items())},
        "definitions": definitions(schemas(resources)),
    }


def _item(path: str, operations: Document) -> Document:
    made: Document = {method: _operation(body) for method, body in operations.items()}
    if named := _IN_PATH.findall(path):
        made["parameters"] = [
            {"name": name, "in": "path", "required": True, "type": "string"} for name in named
        ]
    return made


def _operation(operation: Document) -> Document:
    made = {key: value for key, value in operation.items() if key.startswith("x-")}
    parameters = [
        {"name": parameter["name"], "in": parameter["in"], **parameter["schema"]}
        for parameter in operation["parameters"]
    ]
    made["consumes"] = ["*/*"]
    if body := operation.get("requestBody"):
        made["consumes"] = list(body["content"])
        parameters.append({"name": "body", "in": "body", "required": True, **_schema(body)})
    made["produces"] = list(operation["responses"]["200"]["content"])
    made["parameters"] = parameters
    made["responses"] = {
        code: {"description": answer["description"], **_schema(answer)}
        for code, answer in operation["responses"].items()
    }
    return made


def _schema(holder: Document) -> Document:
    """The schema of a body; in v2 it is the same for all media types."""
    first = next(iter(holder["content"].values()))["schema"]
    return {"schema": reference(first["$ref"]) if "$ref" in first else first}
