"""The controller of suggestions.

controller   one look: what is seen, and what is decided in which order
snapshot     what a decision looks at
facade       Deployment, Service and claim as upstream's clients look for them
status       how the status tells of what happened
waiting      nothing more is suggested before another trial has ended
Upstream: pkg/controller.v1beta1/suggestion.
"""
