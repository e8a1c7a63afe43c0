"""S3 and all that speak it (MinIO, Ceph, SeaweedFS, …)."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import obstore
from obstore.store import S3Store

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.drivers.objects import RETRY, Objects, client
from sampan.artifacts.faults import Fault
from sampan.artifacts.request import Request

_AMAZON = ("s3.amazonaws.com", "")
_REGION = "us-east-1"
_EXISTS = (409,)  # BucketAlreadyExists, BucketAlreadyOwnedByYou


class S3(Objects):
    """Without credentials requests are not signed, as public buckets want it; `useSDKCreds` takes
    those of the environment or of the machine that this runs on."""

    def __init__(self, request: Request) -> None:
        settings = request.settings
        self._request = request
        self._settings = settings
        self._bucket = str(settings.get("bucket") or "")
        endpoint = str(settings.get("endpoint") or "")
        if settings.get("roleARN"):
            raise Fault("s3: roleARN is not supported: no role can be assumed here")
        options: dict[str, Any] = {"allow_http": bool(settings.get("insecure"))}
        authority = request.secret(settings.get("caSecret"))
        if authority:
            options["root_certificate"] = authority
        self._s3 = S3Store(
            self._bucket, client_options=client(request, **options), retry_config=RETRY,
            **_place(settings, endpoint, self._bucket), **_credentials(request),
            **_encryption(request),
        )  # fmt: skip
        key = str(settings.get("key") or "").lstrip("/")
        super().__init__(self._s3, key, f"bucket {self._bucket} of {endpoint or 's3'}")

    def save(self, source: str) -> None:
        if self._settings.get("createBucketIfNotPresent") is not None:
            self._make_bucket()
        super().save(source)

    def _make_bucket(self) -> None:
        """The library knows no request for it, but signs any URL."""
        url = obstore.sign(self._s3, "PUT", "", timedelta(minutes=5))
        handlers = [urllib.request.ProxyHandler({"http": self._request.proxy})]
        opener = urllib.request.build_opener(*handlers if self._request.proxy else ())
        try:
            opener.open(urllib.request.Request(url, b"", method="PUT"), timeout=30).close()
        except urllib.error.HTTPError as error:
            if error.code not in _EXISTS:
                raise Fault(f"failed to create bucket {self._bucket}: {error}") from error
        except OSError as error:
            raise Fault(f"failed to create bucket {self._bucket}: {error}") from error


def _place(settings: dict[str, Any], endpoint: str, bucket: str) -> dict[str, Any]:
    virtual = settings.get("addressingStyle") == "virtual-hosted"
    found: dict[str, Any] = {
        "region": settings.get("region") or _REGION, "virtual_hosted_style_request": virtual
    }  # fmt: skip
    if endpoint not in _AMAZON:
        scheme = "http" if settings.get("insecure") else "https"
        host = f"{bucket}.{endpoint}" if virtual else endpoint
        found["endpoint"] = f"{scheme}://{host}"
    return found


def _credentials(request: Request) -> dict[str, Any]:
    settings = request.settings
    if settings.get("useSDKCreds"):
        return {}
    key = request.secret(settings.get("accessKeySecret"))
    secret = request.secret(settings.get("secretKeySecret"))
    if not key or not secret:
        return {"skip_signature": True}
    found = {"access_key_id": key, "secret_access_key": secret}
    token = request.secret(settings.get("sessionTokenSecret"))
    return {**found, "session_token": token} if token else found


def _encryption(request: Request) -> dict[str, Any]:
    options = request.settings.get("encryptionOptions") or {}
    own = request.secret(options.get("serverSideCustomerKeySecret"))
    if own and options.get("kmsKeyId"):
        raise Fault("serverSideCustomerKeySecret and kmsKeyId cannot be set together")
    if options.get("kmsEncryptionContext"):
        raise Fault("s3: encryptionOptions.kmsEncryptionContext is not supported")
    if own:
        key = base64.b64encode(own.encode()).decode()
        return {"server_side_encryption": "sse-c", "sse_customer_key_base64": key}
    if not options.get("enableEncryption"):
        return {}
    if options.get("kmsKeyId"):
        return {"server_side_encryption": "aws:kms", "sse_kms_key_id": options["kmsKeyId"]}
    return {"server_side_encryption": "AES256"}


DRIVER: Callable[[Request], Driver] = S3
