"""What an Experiment can ask for that upstream's Katib lacks, in settings of its algorithm.

    objectives                accuracy:maximize, latency:minimize
    reference_point           accuracy:0, latency:500     as far as the hypervolume is measured
    constraints               latency <= 100, memory <= 2e9
    when.momentum             optimizer in sgd, rmsprop
    otherwise.momentum        0          what the template is given while it has no value
    warm_start                an-earlier-experiment

texts     how each setting is written
question  what an Experiment asks for, and what an observation says to that
faults    what is wrong in them, for admission

Settings are pairs of texts in upstream's API, so that its schema and its clients carry these. They
mean something to the algorithms of `lib.search` alone: a service of the operator's own is given
them as any others.
"""
