"""What can go wrong with an image: one tree, with messages that a pod's status shows.

PullError            the image cannot be had; the message says why
├── NotThere         the registry answers, and has no such image (or says so to strangers)
└── Unreachable      nobody answers
"""

from __future__ import annotations

from sampan.kube.errors import SampanError


class PullError(SampanError):
    """The image cannot be had."""


class NotThere(PullError):
    """The registry has no such image, or not for us."""


class Unreachable(PullError):
    """No registry answers."""
