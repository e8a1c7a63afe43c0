"""The node as its own metrics collector: what Katib's collector images do, without a process.

The container beside a trial's program is carried out by the control plane (`program`), and looks
in a pod's status as any other. What the program writes is followed while it runs (`tail`,
`events`), or it is asked (`scrapes`); that is the container's log, and is told to the platform's
`Observations` as it comes (`telling`). The rules of early stopping are tested at each value
(`rules`), and a trial that is to stop has its processes ended (`stopping`). Collectors of the
user's own are programs like others.
Upstream: cmd/metricscollector, pkg/metricscollector.
"""
