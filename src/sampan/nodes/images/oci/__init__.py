"""Images from registries: pulled, checked, unpacked and kept, in a process of its own.

`process` is that process: the control plane starts one for each pull, so that neither its start nor
its idle memory knows of registries, and a hostile archive never meets the process that serves.

    pull      from a wish to a record: manifest, blobs, layers   archive   files of `docker save`
    registry  one registry: manifests, blobs, tokens             web       HTTP, with what it may do
    manifest  what their JSON says (pure)                        login     who we are there (pure)
    unpack    one layer to a directory, as an overlay wants it   tree      layers seen as one tree
    store     what lies on disk, and who may change it
"""
