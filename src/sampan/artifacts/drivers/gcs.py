"""Google Cloud Storage. Without a key in a Secret, the credentials of the environment or of the
machine that this runs on are asked, as on GKE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from obstore.store import GCSStore

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.drivers.objects import RETRY, Objects, client
from sampan.artifacts.request import Request


class Gcs(Objects):
    def __init__(self, request: Request) -> None:
        settings = request.settings
        bucket = str(settings.get("bucket") or "")
        key = request.secret(settings.get("serviceAccountKeySecret"))
        given: dict[str, Any] = {"service_account_key": key} if key else {}
        store = GCSStore(bucket, client_options=client(request), retry_config=RETRY, **given)
        super().__init__(store, str(settings.get("key") or "").lstrip("/"), f"gs://{bucket}")


DRIVER: Callable[[Request], Driver] = Gcs
