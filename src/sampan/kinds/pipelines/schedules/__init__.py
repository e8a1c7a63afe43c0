"""ScheduledWorkflow: a Run, or a Workflow of an older pipeline, for each time of a schedule.

Read `controller` first. `types` is what a decision looks at, `timing` says when the next run is
scheduled, `sources` which pipeline it runs, `children` makes it, `status` says what became of it.
"""
