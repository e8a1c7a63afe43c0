"""gRPC on HTTP/2, as much of it as our services and those whom we ask need: calls with one request
and one answer, and streams, without TLS.

connection   HTTP/2 with its windows, for both sides (h2)
messages     the frames in which messages travel, and the statuses with which calls end
server       methods by name, for one connection at a time: who calls is known before it begins
client       calls to somebody else
standard     health and reflection, which each server has
Loaded with the first connection. grpcio would be 30 MB, and could not tell whose a connection is.
"""
