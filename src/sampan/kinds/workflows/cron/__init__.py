"""CronWorkflow: a Workflow for each activation of its schedules.

Read `controller` first. `types` is what a decision looks at, `schedules` says which activation is
due, `policy` whether it may start, `children` makes the Workflow, `status` says what became of it.
"""
