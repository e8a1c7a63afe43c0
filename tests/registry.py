"""A real container registry on loopback, with images that are built here from Debian packages.

Debian's `docker-registry` is unpacked and run, never installed. Packages are downloaded once into
a cache; `Unavailable` says that this machine can get none. Also a script, which serves until it is
ended and prints where:

    python tests/registry.py [--port N]       # library/busybox, library/nginx, pause

Nothing here knows Sampan: images are pushed with plain HTTP, as a build tool would do it.
"""

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

CACHE = Path(tempfile.gettempdir(), f"sampan-debian-{os.getuid()}")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
USER, PASSWORD = "sampan", "ahoy"
_BCRYPT = "$2b$05$P9UurN33EyTwgCJq1OdDfu6ONFcab0lIS3izMy5e136OwO9JdwEzO"  # of PASSWORD
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_NGINX = ("nginx", "nginx-common", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g")


_NEEDED = ("docker-registry", "busybox-static", *_NGINX)


class Unavailable(Exception):
    """A package cannot be had: no apt, or nothing that answers it."""


# -- packages -------------------------------------------------------------------------------------
def package(name):
    """The directory with the files of a Debian package; downloaded at most once."""
    place = CACHE / name
    if place.is_dir():
        return place
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Unavailable("no apt-get here")
    CACHE.mkdir(exist_ok=True, mode=0o700)
    if CACHE.stat().st_uid != os.getuid():
        raise Unavailable(f"{CACHE} is somebody else's")
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            _download(name, place)
    return place


def _download(name, place):
    with tempfile.TemporaryDirectory(dir=CACHE) as draft:
        done = subprocess.run(["apt-get", "download", "-qq", name], cwd=draft, capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip
        found = list(Path(draft).glob("*.deb"))
        if not found:
            raise Unavailable(f"apt-get download {name}: {done.stderr.strip()}")
        subprocess.run(["dpkg-deb", "-x", found[0], f"{draft}/files"], check=True)
        os.rename(f"{draft}/files", place)


# -- layers ---------------------------------------------------------------------------------------
class Layer:
    """A tar of files in memory. Directories that are needed are made."""

    def __init__(self):
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w")  # noqa: SIM115
        self._made = {""}

    def file(self, path, content=b"", *, mode=0o644, uid=0, gid=0):
        data = content.encode() if isinstance(content, str) else content
        self._add(path, tarfile.REGTYPE, mode, data=data, uid=uid, gid=gid)
        return self

    def directory(self, path, *, mode=0o755, uid=0, gid=0):
        if path not in self._made:
            self._add(path, tarfile.DIRTYPE, mode, uid=uid, gid=gid)
            self._made.add(path)
        return self

    def link(self, path, target, *, hard=False):
        self._add(path, tarfile.LNKTYPE if hard else tarfile.SYMTYPE, 0o777, target=target)
        return self

    def tree(self, root, *, but=("doc", "man", "lintian", "gconv")):
        """Everything below a directory of this machine, as root's; not what is called `but`."""
        for parent, names, files in os.walk(root):
            inside = os.path.relpath(parent, root)
            names[:] = [name for name in names if name not in but]
            for name in sorted((*names, *files)):
                self._copy(Path(parent, name), os.path.normpath(f"{inside}/{name}"))
        return self

    def done(self):
        """The layer as a registry stores it: (gzip bytes, digest of the tar inside)."""
        self._tar.close()
        tar = self._bytes.getvalue()
        return gzip.compress(tar, 1, mtime=0), digest(tar)

    def _copy(self, path, inside):
        if path.is_symlink():
            self.link(inside, os.readlink(path))
        elif path.is_dir():
            self.directory(inside)
        else:
            self.file(inside, path.read_bytes(), mode=path.stat().st_mode & 0o7777)

    def _add(self, path, kind, mode, *, data=b"", target="", uid=0, gid=0):
        parent = os.path.dirname(path)
        if parent not in self._made:
            self.directory(parent)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.linkname = kind, mode, target
        info.size, info.uid, info.gid = len(data), uid, gid
        self._tar.addfile(info, io.BytesIO(data))


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# -- images ---------------------------------------------------------------------------------------
def busybox_layer():
    """A root file system with busybox for every command that it has."""
    program = package("busybox-static") / "bin/busybox"
    layer = Layer().file("bin/busybox", program.read_bytes(), mode=0o755)
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    for name in applets.stdout.split():
        if name != "busybox":
            layer.link(f"bin/{name}", "busybox", hard=False)
    layer.directory("tmp", mode=0o1777).directory("root", mode=0o700).directory("run")
    layer.link("var/run", "/run")
    layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\n"
                             "nobody:x:65534:65534:nobody:/home:/bin/false\n")  # fmt: skip
    return layer.file("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n").done()


def nginx_layers():
    """busybox below, Debian's nginx above, arranged as the official image is."""
    layer = Layer().directory("var/lib/nginx", uid=33, gid=33).directory("var/log/nginx")
    for name in _NGINX:
        layer.tree(package(name))
    layer.link("var/log/nginx/access.log", "/dev/stdout")
    layer.link("var/log/nginx/error.log", "/dev/stderr")
    layer.file("usr/share/nginx/html/index.html", "<h1>Welcome to nginx!</h1>\n")
    entry = '#!/bin/sh\necho "/docker-entrypoint.sh: ready to start $1" >&2\nexec "$@"\n'
    layer.file("docker-entrypoint.sh", entry, mode=0o755)
    conf = Layer().file("etc/nginx/nginx.conf", _NGINX_CONF)
    return [busybox_layer(), layer.done(), conf.done()]


_NGINX_CONF = """\
user www-data;
worker_processes 1;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  include mime.types;
  access_log /var/log/nginx/access.log;
  error_log /var/log/nginx/error.log;
  server { listen 80; root /usr/share/nginx/html; }
  include /etc/nginx/conf.d/*.conf;
}
"""
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def standard(registry, nginx_tags=("latest",)):
    """What most suites ask for. Debian's nginx goes by all the tags."""
    base = busybox_layer()
    registry.push("library/busybox", "latest", [base], Cmd=["sh"], Env=[PATH])
    registry.push("pause", "3.10", [base], Entrypoint=["/bin/sleep", "2147483647"], Env=[PATH])
    layers = nginx_layers()
    for tag in nginx_tags:
        registry.push(
            "library/nginx", tag, layers, Entrypoint=["/docker-entrypoint.sh"],
            Cmd=["nginx", "-g", "daemon off;"], Env=[PATH, "NGINX_VERSION=debian"],
            StopSignal="SIGQUIT", ExposedPorts={"80/tcp": {}},
        )  # fmt: skip


# -- the registry ---------------------------------------------------------------------------------
class Registry:
    """docker-registry on a free port of loopback, with its data in `directory`. With `login`,
    it wants USER and PASSWORD."""

    def __init__(self, directory, *, port=0, login=False):
        self.directory = Path(directory)
        self.port = port or _free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.name}"
        self._login = login
        self._process = None

    def start(self):
        program = shutil.which("docker-registry")
        program = program or package("docker-registry") / "usr/bin/docker-registry"
        self.directory.mkdir(parents=True, exist_ok=True)
        config = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")}},
            "http": {"addr": self.name, "secret": "of one machine"},
        }
        if self._login:
            path = self.directory / "htpasswd"
            path.write_text(f"{USER}:{_BCRYPT}\n")
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(path)}}
        file = self.directory / "config.yml"
        file.write_text(json.dumps(config))
        log = (self.directory / "log").open("wb")
        self._process = subprocess.Popen(
            [program, "serve", file], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        self._await()
        return self

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def push(self, name, tag, layers, *, platform=None, **config):
        """Store an image; answers the digest of its manifest. `layers` are pairs as `Layer.done`
        gives them, `config` is the image's own (Entrypoint, Cmd, Env, User, …)."""
        architecture = platform or ARCHITECTURE
        contents = {"type": "layers", "diff_ids": [diff for _, diff in layers]}
        whole = {"architecture": architecture, "os": "linux", "config": config, "rootfs": contents}
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self.blob(name, json.dumps(whole).encode(),
                                "application/vnd.oci.image.config.v1+json"),
            "layers": [self.blob(name, data, "application/vnd.oci.image.layer.v1.tar+gzip")
                       for data, _ in layers],
        }  # fmt: skip
        return self.manifest(name, tag, manifest)

    def index(self, name, tag, digests):
        """An index: {platform architecture: digest of a manifest that is there}."""
        entries = []
        for architecture, each in digests.items():
            body = self._call("GET", f"/v2/{name}/manifests/{each}", headers={"Accept": _MANIFEST})
            entries.append({"mediaType": _MANIFEST, "digest": each, "size": len(body.read()),
                            "platform": {"os": "linux", "architecture": architecture}})  # fmt: skip
        whole = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
        return self.manifest(name, tag, whole)

    def manifest(self, name, tag, manifest):
        body = json.dumps(manifest).encode()
        kind = {"Content-Type": manifest["mediaType"]}
        self._call("PUT", f"/v2/{name}/manifests/{tag or digest(body)}", body, kind)
        return digest(body)

    def blob(self, name, data, kind):
        """Store a blob; answers its descriptor."""
        begun = self._call("POST", f"/v2/{name}/blobs/uploads/").headers["Location"]
        begun = begun.removeprefix(self.url)
        more = f"{'&' if '?' in begun else '?'}digest={digest(data)}"
        self._call("PUT", begun + more, data, {"Content-Type": "application/octet-stream"})
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    def file(self, blob):
        """Where a blob lies on disk, for tests that spoil it."""
        hexadecimal = blob.removeprefix("sha256:")
        base = self.directory / "data/docker/registry/v2/blobs/sha256"
        return base / hexadecimal[:2] / hexadecimal / "data"

    def _call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, body, headers or {}, method=method)
        if self._login:
            manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
            manager.add_password(None, self.url, USER, PASSWORD, is_authenticated=True)
            handler = urllib.request.HTTPBasicAuthHandler(manager)
            return urllib.request.build_opener(handler).open(request, timeout=30)
        return urllib.request.urlopen(request, timeout=30)

    def _await(self):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self._call("GET", "/v2/").close()
                return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        raise Unavailable((self.directory / "log").read_text())


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def fetch():
    """Download what this module needs, so that tests need no network. 0 when all is there."""
    try:
        for name in _NEEDED:
            package(name)
    except Unavailable as error:
        print(error)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--directory", help="keep the data here")
    parser.add_argument("--fetch", action="store_true", help="download the packages and leave")
    parser.add_argument("--cached", action="store_true", help="leave; 0 if they are there")
    parser.add_argument("--nginx", nargs="+", metavar="TAG", default=["latest"], help="its tags")
    args = parser.parse_args()
    if args.cached:
        return int(not all((CACHE / name).is_dir() for name in _NEEDED))
    if args.fetch:
        return fetch()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with contextlib.ExitStack() as stack:
        directory = args.directory or stack.enter_context(tempfile.TemporaryDirectory())
        registry = stack.enter_context(Registry(directory, port=args.port))
        standard(registry, args.nginx)
        print(registry.name, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
