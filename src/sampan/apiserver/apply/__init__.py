"""Server-side apply and the book-keeping of field managers, as pure functions.

    apply(live, config, schema=…, manager="kubectl", api_version="v1", time=…, force=False)
    track(live, new, schema=…, manager="curl", api_version="v1", time=…)

Both answer with a manifest whose metadata.managedFields is up to date. `apply` merges a manifest
that says only what its manager wants; `track` notes what an ordinary create, update or patch has
changed. Neither changes what it is given. `fieldsets` holds the sets, `compare` and `merge` the
rules by schema, `managers` the entries, `operations` the two operations.
"""

from sampan.apiserver.apply.operations import apply, track

__all__ = ["apply", "track"]
