"""SPDY/3.1, the server's half: several streams over one connection, as kubectl speaks it.

    bytes -> frames -> session -> connection -> streams

`frames` and `headers` are the wire format, `session` the state of all streams without any I/O,
`connection` drives a session over a pipe. Nothing here knows exec or port-forward.
"""
