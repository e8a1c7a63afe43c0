"""JFrog Artifactory: HTTP with a user name and a password."""

from __future__ import annotations

from collections.abc import Callable

from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.drivers.http import AGENT, Http, basic
from sampan.artifacts.request import Request


class Artifactory(Http):
    def _identify(self) -> dict[str, str]:
        user, password = self._pair(self._settings, "usernameSecret", "passwordSecret")
        return {"User-Agent": AGENT, "Authorization": basic(user, password)}


DRIVER: Callable[[Request], Driver] = Artifactory
