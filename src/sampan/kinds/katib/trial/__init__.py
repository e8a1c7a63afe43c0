"""The controller of trials.

controller   one look: what is seen, and what is decided in which order
snapshot     what a decision looks at
jobs         the object that a trial makes, and what its conditions say of it
observation  what was reported, as the status has it
blame        what the pods of a job that has failed say
status       how the status tells of what happened, with events and counts
Upstream: pkg/controller.v1beta1/trial.
"""
