"""Git repositories, by the `git` program: clone, fetch, check out, submodules.

A repository is not trusted: no hooks, no filters, nobody's configuration, no protocol that reads
this machine's files; nothing of a manifest can be taken for an option. Keys and passwords are in
files and variables that end with the process. Upstream: workflow/artifacts/git/git.go.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.faults import Fault, NotThere, Refused, Unreachable
from sampan.artifacts.request import Request

_PROTOCOLS = "https:http:ssh:git"
_URL = re.compile(r"^(?:(?:https?|ssh|git)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+)$")
_MOST_SAID = 500
_STALLED = "60"  # seconds with less than a kilobyte each
_SAID: tuple[tuple[str, type[Fault]], ...] = (
    ("could not resolve|connection refused|timed out|unable to connect|failed to connect"
     "|no route to host|connection reset", Unreachable),
    ("authentication failed|permission denied|could not read username|host key verification"
     "|error: 40[13]", Refused),
    ("not found|does not appear to be|couldn't find remote ref|unknown revision"
     "|needed a single revision|did not match", NotThere),
)  # fmt: skip


class Git:
    def __init__(self, request: Request) -> None:
        self._request = request
        settings = request.settings
        self._settings = settings
        self._repo = str(settings.get("repo") or "")
        if not _URL.match(self._repo):
            raise Fault(f"git: {self._repo[:200]!r} is no URL of https, http, ssh or git")
        for field in ("revision", "branch"):
            _word(field, settings.get(field))
        for spec in settings.get("fetch") or ():
            _word("fetch", spec)
        if settings.get("singleBranch") and not settings.get("branch"):
            raise Fault("single branch mode without a branch specified")
        if shutil.which("git") is None:
            raise Fault("git artifacts need the program git, which is not installed here")
        self._variables = self._prepare()
        self._target = ""

    def load(self, target: str) -> None:
        self._target = target
        settings = self._settings
        depth = [f"--depth={int(settings['depth'])}"] if settings.get("depth") else []
        branch = str(settings.get("branch") or "")
        scope = ["--single-branch", f"--branch={branch}"] if settings.get("singleBranch") else []
        self._git(
            "clone", "--quiet", "--template=", *depth, *(scope or ["--no-single-branch"]), "--",
            self._repo, target, inside=False,
        )  # fmt: skip
        if settings.get("fetch"):
            self._git("fetch", "--quiet", *depth, "origin", *settings["fetch"])
        if settings.get("revision"):
            self._check_out(str(settings["revision"]), branch if scope else "*")
        if not settings.get("disableSubmodules"):
            self._git("submodule", "--quiet", "update", "--init", "--recursive")

    def save(self, source: str) -> None:
        raise Fault("git output artifacts unsupported")

    def delete(self) -> None:
        raise Fault("delete not supported for git artifacts")

    def keys(self) -> list[str]:
        raise Fault("objects cannot be listed for git artifacts")

    def _check_out(self, revision: str, branch: str) -> None:
        """A shallow clone may lack the revision: then it is asked for by its name."""
        if not self._has("HEAD"):
            return  # an empty repository
        spec = f"refs/heads/{branch}:refs/heads/{branch}"
        self._git("fetch", "--quiet", "--update-head-ok", "origin", spec)
        names = [revision, f"refs/remotes/origin/{revision}"]
        found = next((name for name in names if self._has(name)), "")
        if not found:
            self._git("fetch", "--quiet", "--depth=1", "origin", revision)
            found = "FETCH_HEAD"
        commit = self._git("rev-parse", "--verify", "--end-of-options", found + "^{commit}")
        self._git("checkout", "--quiet", "--force", "--detach", commit)

    def _has(self, name: str) -> bool:
        try:
            self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        except Fault:
            return False
        return True

    def _git(self, *arguments: str, inside: bool = True) -> str:
        where = ["-C", self._target] if inside else []
        done = subprocess.run(
            ["git", *where, *arguments], env=self._variables, capture_output=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode:
            raise _fault(arguments[0], self._repo, done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors="replace").strip()

    def _prepare(self) -> dict[str, str]:
        """The environment of git."""
        settings = self._settings
        variables = {
            **os.environ,
            "HOME": self._request.scratch,
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": self._ssh(),
            "LC_ALL": "C",
        }
        config = {
            "core.hooksPath": os.devnull, "protocol.file.allow": "never", "credential.helper": "",
            "http.lowSpeedLimit": "1000", "http.lowSpeedTime": _STALLED, "gc.auto": "0",
        }  # fmt: skip
        if settings.get("insecureSkipTLS"):
            config["http.sslVerify"] = "false"
        if self._request.proxy:
            config |= {"http.proxy": self._request.proxy, "http.proxyAuthMethod": "basic"}
        user = self._request.secret(settings.get("usernameSecret"))
        password = self._request.secret(settings.get("passwordSecret"))
        if (user or password) and self._repo.startswith("http"):
            both = base64.b64encode(f"{user}:{password}".encode()).decode()
            config[f"http.{_origin(self._repo)}.extraHeader"] = f"Authorization: Basic {both}"
        variables["GIT_CONFIG_COUNT"] = str(len(config))
        for number, (name, value) in enumerate(config.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = name
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables

    def _ssh(self) -> str:
        """Never the keys of whoever runs this program, only the hosts that they know."""
        options = ["-F", os.devnull, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                   "-o", "IdentityAgent=none", "-o", "ConnectTimeout=10"]  # fmt: skip
        key = self._request.secret(self._settings.get("sshPrivateKeySecret"))
        path = f"{self._request.scratch}/key" if key else "none"
        if key:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key.rstrip("\n") + "\n")
        options += ["-o", f"IdentityFile={path}"]
        if self._settings.get("insecureIgnoreHostKey"):
            options += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={os.devnull}"]
        return shlex.join(["ssh", *options])


def _word(field: str, value: Any) -> None:
    if value and (str(value).startswith("-") or any(letter.isspace() for letter in str(value))):
        raise Fault(f"git: {field} {str(value)[:200]!r} is no name of a revision")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "/", "", ""))


def _fault(verb: str, repo: str, said: str) -> Fault:
    lines = [line for line in said.splitlines() if line.strip() and "hint:" not in line]
    text = " ".join(" ".join(lines[-3:]).split())[:_MOST_SAID]
    kind = next((kind for words, kind in _SAID if re.search(words, text.lower())), Fault)
    return kind(f'failed to {verb} "{_without_password(repo)}": {text}')


def _without_password(url: str) -> str:
    return re.sub(r"(://[^/:@]*):[^/@]*@", r"\1:…@", url)


DRIVER: Callable[[Request], Driver] = Git
