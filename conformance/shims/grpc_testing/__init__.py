"""Stands for the package `grpcio-testing` in upstream's unit tests of Katib's services: what they
ask a servicer of their own process for is asked of Sampan. See `conformance.katib.services`."""

from __future__ import annotations

from typing import Any

import grpc
from pkg.apis.manager.v1beta1.python import api_pb2_grpc  # type: ignore[import-not-found]

_ADDRESS = "katib-db-manager.kubeflow:6789"
_SECONDS = 30.0
_channel = grpc.insecure_channel(_ADDRESS)


class _Called:
    def __init__(self, *answer: Any) -> None:
        self._answer = answer

    def termination(self) -> tuple[Any, ...]:
        """(reply, trailing metadata, code, details)."""
        return self._answer


class _Server:
    def invoke_unary_unary(
        self, method_descriptor: Any, invocation_metadata: Any, request: Any, timeout: float
    ) -> _Called:
        service = method_descriptor.containing_service.name
        stub = getattr(api_pb2_grpc, f"{service}Stub")(_channel)
        try:
            reply = getattr(stub, method_descriptor.name)(request, timeout=_SECONDS)
        except grpc.RpcError as failed:
            return _Called(None, (), failed.code(), failed.details())
        return _Called(reply, (), grpc.StatusCode.OK, "")


def strict_real_time() -> None:
    """Time is what it is."""


def server_from_dictionary(servicers: Any, time: Any) -> _Server:
    """Whatever servicers are given."""
    return _Server()
