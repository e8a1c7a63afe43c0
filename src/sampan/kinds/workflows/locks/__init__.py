"""Synchronization: mutexes and semaphores that workflows and nodes wait for.

    workflow:  wants ─(annotation)─> arbiter ─(status.synchronization)─> workflow: goes on, or waits

A workflow says in an annotation which locks it and its nodes want or hold; it writes that together
with its nodes, so that giving a lock back is never lost and never early. Only the `arbiter` says
who holds a lock, in `status.synchronization` as upstream shows it. It is asked about one object
alone, so it is asked once at a time, and sees what it wrote before: two workflows cannot take a
lock in the same instant, several locks are taken together or not at all, and a workflow that is
deleted or over holds nothing, for nobody looks at it. After a restart all this is read again. What
nodes do about locks stands in `locking`.
Upstream: argo-workflows workflow/sync.
"""
