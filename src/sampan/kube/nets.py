"""Where the addresses of a cluster lie: those of pods, of services, and the few that are fixed.

Plain text and nothing imported, since processes of the standard library alone read it as well.
"""

PODS = "10.244.0.0/16"
GATEWAY = "10.244.0.1"
"""The node itself, as pods see it."""
SERVICES = "10.96.0.0/16"
API = "10.96.0.1"
DNS = "10.96.0.10"
ZONE = "cluster.local"
