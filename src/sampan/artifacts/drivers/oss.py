"""Alibaba Cloud OSS, by the S3 requests that it understands (virtual-hosted buckets only).

Not its own protocol: lifecycle rules and the creation of buckets are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from obstore.store import S3Store

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.drivers.objects import RETRY, Objects, client
from sampan.artifacts.faults import Fault
from sampan.artifacts.request import Request


class Oss(Objects):
    def __init__(self, request: Request) -> None:
        settings = request.settings
        for field in ("lifecycleRule", "createBucketIfNotPresent", "useSDKCreds"):
            if settings.get(field):
                raise Fault(f"oss: {field} is not supported")
        bucket = str(settings.get("bucket") or "")
        scheme, _, host = str(settings.get("endpoint") or "").rpartition("://")
        scheme = scheme or "https"
        given: dict[str, Any] = {
            "access_key_id": request.secret(settings.get("accessKeySecret")),
            "secret_access_key": request.secret(settings.get("secretKeySecret")),
        }
        if settings.get("securityToken"):
            given["session_token"] = settings["securityToken"]
        store = S3Store(
            bucket, endpoint=f"{scheme}://{bucket}.{host}", virtual_hosted_style_request=True,
            region=host.partition(".")[0].removeprefix("oss-") or "us-east-1",
            client_options=client(request, allow_http=scheme == "http"),
            retry_config=RETRY, **given,
        )  # fmt: skip
        super().__init__(
            store, str(settings.get("key") or "").lstrip("/"), f"bucket {bucket} of {host}"
        )


DRIVER: Callable[[Request], Driver] = Oss
