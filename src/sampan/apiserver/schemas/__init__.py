"""Schemas: what the objects of each kind look like, Kubernetes' own and custom ones.

facts().schema("apps", "v1", "Deployment")     -> Schema, or None
Schema.from_crd(openAPIV3Schema)               -> Schema of a custom resource
facts().resources(), facts().reviews()         -> what discovery lists
crd_problems(crd)                              -> why a CRD's schema is refused
counting(problems, new, old)                   -> those that an update has to answer for
duplicates(body)                               -> fields named twice in a JSON body
"""

from sampan.apiserver.schemas.duplicates import duplicates
from sampan.apiserver.schemas.facts import Facts, ResourceFact, Subresource, facts
from sampan.apiserver.schemas.nodes import Node
from sampan.apiserver.schemas.ratcheting import counting
from sampan.apiserver.schemas.schema import Schema
from sampan.apiserver.schemas.structural import crd_problems

__all__ = [
    "Facts",
    "Node",
    "ResourceFact",
    "Schema",
    "Subresource",
    "counting",
    "crd_problems",
    "duplicates",
    "facts",
]
