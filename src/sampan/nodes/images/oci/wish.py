"""What somebody wants of an image: the question that the process that pulls is asked."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sampan.config import Mirror, Registry
from sampan.nodes.images.oci.login import Login

Policy = Literal["Always", "IfNotPresent", "Never"]


class Wish(Struct, frozen=True, kw_only=True):
    """policy: Always asks the registry what the name means now. owners: this machine can give
    files the owners that they have in the image, which is of use to who runs as root inside.
    user: who the pod wants to be, if it says so; else the image decides.
    """

    image: str
    policy: Policy = "Always"
    mirrors: tuple[Mirror, ...] = ()
    registries: tuple[Registry, ...] = ()
    logins: tuple[Login, ...] = ()
    owners: bool = False
    user: int | None = None

    def owned(self, image_user: str) -> bool:
        """Whether the files get their own owners. Who is somebody else inside sees all of them as
        their own, since one user of this machine is all that he is."""
        user = image_user.partition(":")[0] if self.user is None else str(self.user)
        return self.owners and user in ("", "0", "root")
