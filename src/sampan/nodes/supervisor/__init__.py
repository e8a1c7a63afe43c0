"""The supervisor: one small process per node that starts, reaps and remembers containers.

`main` and what it imports run in that process and use the standard library alone (`python -I -S`,
about 9 MB); `client` is the control plane's side of the same protocol. It is not part of the
control plane: it goes on when that one is killed, and hands everything back on the next connection.
"""
