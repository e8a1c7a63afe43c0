"""PostgreSQL and MariaDB as Debian has them, each in a directory of its own and by its own socket,
run by somebody who is not root."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import sqlalchemy as sa


def _program(name, *places):
    found = shutil.which(name) or next(
        (str(path) for place in places for path in sorted(Path("/").glob(f"{place}/{name}"))), None
    )
    if found is None:
        pytest.skip(f"{name} is not installed: see scripts/system-packages")
    return found


def _demoted():
    """Arguments of subprocess that give up root, which both servers refuse to be."""
    if os.getuid():
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _directory():
    """Short, because the path of a socket may have a hundred bytes."""
    path = Path(tempfile.mkdtemp(prefix="sampan-db-", dir="/tmp"))
    if not os.getuid():
        shutil.chown(path, "nobody")
    return path


@contextlib.contextmanager
def _running(command, ready, **how):
    with (Path(how["cwd"]) / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **how)
    try:
        end = time.monotonic() + 60
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError((Path(how["cwd"]) / "log").read_text())
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(how["cwd"], ignore_errors=True)


@contextlib.contextmanager
def postgresql():
    pytest.importorskip("psycopg")
    place = "usr/lib/postgresql/*/bin"
    make, serve = _program("initdb", place), _program("postgres", place)
    how = {**_demoted(), "cwd": (home := _directory()), "env": _own(home)}
    subprocess.run(
        [make, "-D", home / "data", "-A", "trust", "-U", "sampan", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, **how,
    )  # fmt: skip
    command = [serve, "-D", home / "data", "-c", "listen_addresses=", "-k", str(home), "-F"]
    url = f"postgresql+psycopg://sampan@/postgres?host={home}"
    with _running(command, lambda: _answers(url), **how):
        yield url


@contextlib.contextmanager
def mariadb():
    pytest.importorskip("pymysql")
    make, serve = _program("mariadb-install-db"), _program("mariadbd", "usr/sbin")
    how = {**_demoted(), "cwd": (home := _directory()), "env": _own(home)}
    data = f"--datadir={home / 'data'}"
    subprocess.run(
        [make, "--no-defaults", data, "--auth-root-authentication-method=normal",
         "--skip-test-db"],
        check=True, capture_output=True, **how,
    )  # fmt: skip
    socket = home / "socket"
    command = [serve, "--no-defaults", data, f"--socket={socket}", "--skip-networking"]
    root = f"mysql+pymysql://root@/%s?unix_socket={socket}&charset=utf8mb4"
    with _running(command, lambda: socket.exists() and _answers(root % "mysql"), **how):
        _do(root % "mysql", "CREATE DATABASE sampan")
        yield root % "sampan"


def _own(home):
    """The environment, with temporary files where the server's user may write."""
    return {**os.environ, "TMPDIR": str(home)}


def _do(url, statement):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def _answers(url):
    try:
        _do(url, "SELECT 1")
    except sa.exc.OperationalError:
        return False
    return True
