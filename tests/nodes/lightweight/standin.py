"""A small SDK in the place of the real one, and an index with a package, both without a network."""

import base64
import hashlib
import http.server
import io
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sampan.nodes.lightweight.sdk import TRIED

PYTHON = "{}.{}".format(*sys.version_info)
_MAIN = """
import argparse, json, logging, sys
from kfp.dsl import executor, kfp_config, utils

parser = argparse.ArgumentParser()
for name in ("component_module_path", "executor_input", "function_to_execute"):
    parser.add_argument("--" + name)
args, _ = parser.parse_known_args()
module = utils.load(args.component_module_path)
executor.run(getattr(module, args.function_to_execute), json.loads(args.executor_input))
"""
_FILES = {
    "kfp/__init__.py": "import os\nassert os.environ['_KFP_RUNTIME'] == 'true'\n",
    "kfp/dsl/__init__.py": "",
    "kfp/dsl/executor.py": "def run(function, given):\n    function(**given)\n",
    "kfp/dsl/kfp_config.py": "",
    "kfp/dsl/utils.py": (
        "import importlib.util\n"
        "def load(path):\n"
        "    spec = importlib.util.spec_from_file_location('ephemeral_component', path)\n"
        "    module = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    return module\n"
    ),
    "kfp/dsl/executor_main.py": _MAIN,
}


def sdk(home: Path, version: str = TRIED) -> Path:
    """Put it where Sampan has its own."""
    place = home / "packages" / "sdk" / PYTHON / version
    for name, text in _FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def wheel(name: str, files: dict[str, str]) -> bytes:
    """Version 1.0 of a package."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-tool = {name}:tool\n",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        record = ""
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record += f"{path},sha256={digest.decode().rstrip('=')},{len(text)}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return out.getvalue()


class Index:
    """`asked`: how often each package was downloaded. Downloads wait for `open`."""

    def __init__(self, wheels: dict[str, bytes]) -> None:
        self.wheels = wheels
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.url = ""

    @property
    def options(self) -> str:
        """For a call of pip, as the SDK writes them."""
        return f"--index-url {self.url} --trusted-host 127.0.0.1 "

    def answer(self, path: str) -> bytes | None:
        if path.startswith("/files/"):
            name = path.rpartition("/")[2].partition("-")[0]
            self.asked.append(name)
            self.open.wait(30)
            return self.wheels[name]
        name = path.strip("/").rpartition("/")[2]
        if name not in self.wheels:
            return None
        file = f"{name}-1.0-py3-none-any.whl"
        return f'<!DOCTYPE html><a href="/files/{file}">{file}</a>'.encode()


@contextmanager
def index(**wheels: dict[str, str]) -> Iterator[Index]:
    """A server with these packages: name -> files."""
    found = Index({name: wheel(name, files) for name, files in wheels.items()})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = found.answer(self.path)
            self.send_response(404 if body is None else 200)
            kind = "application/octet-stream" if "/files/" in self.path else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/index"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
