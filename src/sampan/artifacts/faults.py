"""What can go wrong with an artifact: one tree, with messages that a node's status shows.

Fault                it cannot be had or kept; the message says why
├── BadName          no place can have such a thing
├── NotThere         the place answers, and has no such thing
├── Refused          the place does not let us
└── Unreachable      nobody answers
"""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kube.errors import SampanError


class Fault(SampanError):
    """The artifact cannot be loaded, saved or deleted."""


class BadName(Fault):
    """This is the name of no bucket, or of no object."""


class NotThere(Fault):
    """There is no such object, file or revision."""


class Refused(Fault):
    """Credentials are missing or not enough."""


class Unreachable(Fault):
    """The server does not answer."""


KINDS: Mapping[str, type[Fault]] = {
    kind.__name__: kind for kind in (Fault, BadName, NotThere, Refused, Unreachable)
}
"""By name, for errors that come from another process."""
