"""The pod network: an address and a port space for each pod, names, services, the world outside.

    ground      a process that holds one user and one network namespace for the node, makes each
                pod's network namespace, and hands out sockets that live in them
    main        the data path, the other half of the same program: DNS, service addresses, egress
    client      the control plane's side of both

The two processes use the standard library alone, are started next to the supervisor and, like it,
outlive the control plane. Nothing here needs root, `ip`, or a daemon of the host.
"""
