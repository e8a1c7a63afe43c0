"""Artifacts: objects by location. A directory of $SAMPAN_HOME as the default repository, and S3,
GCS, Azure, OSS, HTTP, Artifactory, git and text in the manifest.

`Artifacts` has the verbs; the local repository needs nothing, everything else a short process.
A location is the same object that Argo's artifacts have (`sampan.kube.locations`). Which location
an artifact gets is not decided here.
"""

from sampan.artifacts.faults import Fault, NotThere, Refused, Unreachable
from sampan.artifacts.store import Artifacts, Opened, Secrets

__all__ = ["Artifacts", "Fault", "NotThere", "Opened", "Refused", "Secrets", "Unreachable"]
