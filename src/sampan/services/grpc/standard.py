"""Health and reflection, which clients expect of each server.

Upstream: grpc/grpc-proto grpc/health/v1, grpc/reflection/{v1,v1alpha}.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sampan.lib.proto import Message, Schema
from sampan.services.grpc import messages
from sampan.services.grpc.messages import Failed
from sampan.services.grpc.server import Service

_SERVING = 1
_HEALTH = Schema(
    "grpc.health.v1",
    file="grpc/health/v1/health.proto",
    enums={
        "HealthCheckResponse.ServingStatus": (
            "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN",
        ),
    },
    messages={
        "HealthCheckRequest": "1 service string",
        "HealthCheckResponse": "1 status HealthCheckResponse.ServingStatus",
    },
    services={
        "Health": {
            "Check": ("HealthCheckRequest", "HealthCheckResponse"),
            "Watch": ("HealthCheckRequest", "stream HealthCheckResponse"),
        }
    },
)  # fmt: skip


def _reflection(package: str) -> Schema:
    return Schema(
        package,
        file=f"{package.replace('.', '/')}/reflection.proto",
        messages={
            "ServerReflectionRequest": "1 host string, 3 file_by_filename string,"
            "4 file_containing_symbol string, 5 file_containing_extension ExtensionRequest,"
            "6 all_extension_numbers_of_type string, 7 list_services string",
            "ExtensionRequest": "1 containing_type string, 2 extension_number int32",
            "ServerReflectionResponse": "1 valid_host string,"
            "2 original_request ServerReflectionRequest,"
            "4 file_descriptor_response FileDescriptorResponse,"
            "5 all_extension_numbers_response ExtensionNumberResponse,"
            "6 list_services_response ListServiceResponse, 7 error_response ErrorResponse",
            "FileDescriptorResponse": "1 file_descriptor_proto bytes*",
            "ExtensionNumberResponse": "1 base_type_name string, 2 extension_number int32*",
            "ListServiceResponse": "1 service ServiceResponse*",
            "ServiceResponse": "1 name string",
            "ErrorResponse": "1 error_code int32, 2 error_message string",
        },
        services={
            "ServerReflection": {
                "ServerReflectionInfo": (
                    "stream ServerReflectionRequest", "stream ServerReflectionResponse",
                )
            }
        },
    )  # fmt: skip


def with_standard(services: Sequence[Service]) -> list[Service]:
    """These, with health and reflection of all of them."""
    found = [*services, _health({each.full_name for each in services})]
    schemas = (_reflection("grpc.reflection.v1alpha"), _reflection("grpc.reflection.v1"))
    known = [*(each.schema for each in found), *schemas]
    names = [each.full_name for each in found]
    names += [f"{schema.package}.ServerReflection" for schema in schemas]
    reflection = _Reflection(known, sorted(names))
    found += [
        Service(schema, "ServerReflection", streams={"ServerReflectionInfo": reflection.answer})
        for schema in schemas
    ]
    return found


def _health(names: set[str]) -> Service:
    def state(request: Message) -> int | None:
        return _SERVING if request.get("service", "") in {"", *names} else None

    async def check(_caller: Any, request: Message) -> Message:
        if (found := state(request)) is None:
            raise Failed(messages.NOT_FOUND, "unknown service")
        return {"status": found}

    async def watch(_caller: Any, requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for request in requests:
            yield {"status": state(request) or 3}
            break
        await asyncio.Event().wait()  # nothing changes as long as there is a server

    return Service(_HEALTH, "Health", {"Check": check}, {"Watch": watch})


class _Reflection:
    def __init__(self, schemas: Sequence[Schema], services: Sequence[str]) -> None:
        self._services = services
        self._files = {schema.file: schema for schema in schemas}
        self._symbols = {
            f"{schema.package}.{name}": schema
            for schema in schemas
            for name in (*schema.messages, *schema.enums, *schema.services, *_methods(schema))
        }

    async def answer(
        self, _caller: Any, requests: AsyncIterator[Message]
    ) -> AsyncIterator[Message]:
        async for request in requests:
            host = request.get("host", "")
            yield {"valid_host": host, "original_request": request, **self._one(request)}

    def _one(self, request: Message) -> Message:
        if "list_services" in request:
            return {"list_services_response": {"service": [{"name": n} for n in self._services]}}
        found = None
        if "file_by_filename" in request:
            found = self._files.get(request["file_by_filename"])
        elif "file_containing_symbol" in request:
            found = self._symbols.get(request["file_containing_symbol"])
        elif (type := request.get("all_extension_numbers_of_type")) in self._symbols:
            return {"all_extension_numbers_response": {"base_type_name": type}}
        if found is None:
            error = {"error_code": messages.NOT_FOUND, "error_message": "not found"}
            return {"error_response": error}
        return {"file_descriptor_response": {"file_descriptor_proto": [found.descriptor()]}}


def _methods(schema: Schema) -> list[str]:
    return [
        f"{service}.{method}" for service, methods in schema.services.items() for method in methods
    ]
