"""The controller of experiments.

controller   one look: what is seen, and what is decided in which order
snapshot     what a decision looks at
tally        counts and lists of trials, and the best of them
front        of several objectives, the trials that no other one is better than
holding      suspended by its owner, or shut down
verdict      whether and how the Experiment ends
suggestions  its Suggestion: made, asked for more, told which are taken back
trials       the Trial of a suggestion
Upstream: pkg/controller.v1beta1/experiment.
"""
