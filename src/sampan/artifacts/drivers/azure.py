"""Azure Blob Storage, and its emulator at a plain HTTP endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from obstore.store import AzureStore

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.drivers.objects import RETRY, Objects, client
from sampan.artifacts.faults import Fault
from sampan.artifacts.request import Request


class Azure(Objects):
    """The account is the first part of the endpoint's name, as in
    https://account.blob.core.windows.net; of an emulator, the first part of its path."""

    def __init__(self, request: Request) -> None:
        settings = request.settings
        container = str(settings.get("container") or "")
        endpoint = str(settings.get("endpoint") or "")
        parts = urlsplit(endpoint)
        emulated = bool(parts.path.strip("/"))
        account = parts.path.strip("/") if emulated else (parts.hostname or "").partition(".")[0]
        if not account:
            raise Fault(f"azure: the endpoint {endpoint!r} names no account")
        given: dict[str, Any] = {"endpoint": endpoint}
        key = request.secret(settings.get("accountKeySecret"))
        if key and not settings.get("useSDKCreds"):
            given["account_key"] = key
        options = client(request, allow_http=parts.scheme == "http")
        store = AzureStore(
            container, account_name=account, client_options=options, retry_config=RETRY, **given
        )
        super().__init__(
            store, str(settings.get("blob") or "").lstrip("/"), f"{endpoint}/{container}"
        )


DRIVER: Callable[[Request], Driver] = Azure
