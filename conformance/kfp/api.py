"""The little of a client that the runner needs: REST and uploads with a token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote
from uuid import uuid4


class Refused(Exception):
    """The server's words, behind its status."""


class Api:
    """`host` is the address of the pipelines API, as kfp.Client gets it."""

    def __init__(self, host: str, token: str) -> None:
        self._host = host
        self._token = token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body).encode()
        return self._send(method, path, text, "application/json")

    def upload(self, path: str, name: str, file: bytes) -> Any:
        mark = uuid4().hex
        head = f'Content-Disposition: form-data; name="uploadfile"; filename="{name}.yaml"'
        body = f"--{mark}\r\n{head}\r\n\r\n".encode() + file + f"\r\n--{mark}--\r\n".encode()
        where = f"{path}?name={quote(name)}"
        return self._send("POST", where, body, f"multipart/form-data; boundary={mark}")

    def _send(self, method: str, path: str, body: bytes | None, content: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content}
        request = urllib.request.Request(f"{self._host}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.code} {error.read().decode()[:500]}") from error
