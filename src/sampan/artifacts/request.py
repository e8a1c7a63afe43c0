"""What is asked of the process that moves artifacts: one line of JSON on its standard input."""

from __future__ import annotations

import base64
from typing import Any, Literal

from msgspec import Struct

from sampan.artifacts.faults import Refused
from sampan.artifacts.forms import Form
from sampan.kube import locations

Verb = Literal["load", "fetch", "save", "delete", "keys", "tag", "pack", "unpack"]
"""fetch: the object as it is, to a file; load: unpacked. tag: what its server calls its content.
pack, unpack: nothing is transferred."""


class Request(Struct, frozen=True):
    """path: what is written or read here. scratch: a directory for this request alone. form: of the
    artifact. source: of what is packed or unpacked. secrets: by name/key, base64. proxy: the way to
    a server that only pods can reach."""

    verb: Verb
    artifact: dict[str, Any]
    path: str
    scratch: str
    form: Form
    source: str = ""
    secrets: dict[str, str] = {}
    proxy: str = ""

    @property
    def kind(self) -> str:
        return locations.kind_of(self.artifact)

    @property
    def settings(self) -> dict[str, Any]:
        """What the location says of itself."""
        return dict(self.artifact[self.kind])

    def secret(self, selector: dict[str, Any] | None) -> str:
        """The value that a Secret's key has; "" where none is named. Refused when it is no text."""
        if not selector or not selector.get("name"):
            return ""
        data = base64.b64decode(self.secrets[f"{selector['name']}/{selector.get('key') or ''}"])
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise Refused(f'secret "{selector["name"]}" is no text') from error
