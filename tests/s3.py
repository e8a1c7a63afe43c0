"""A real S3 server on loopback: moto's, from an environment of its own (`make setup` makes it).

It believes every signature. Nothing here knows Sampan.
"""

from __future__ import annotations

import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / ".venvs" / "moto" / "bin" / "python"


class S3:
    """`endpoint` is host:port."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.endpoint = ""
        for line in self._process.stdout:
            if found := re.search(r"Running on http://(127\.0\.0\.1:\d+)", line):
                self.endpoint = found[1]
                break

    def put(self, path: str, body: bytes = b"") -> None:
        """`path` is a bucket, or an object in it."""
        raw = {"Content-Type": "application/octet-stream"}
        url = f"http://{self.endpoint}/{path}"
        request = urllib.request.Request(url, body, raw, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def get(self, path: str) -> bytes:
        signed = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"
        }
        request = urllib.request.Request(f"http://{self.endpoint}/{path}", headers=signed)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()
