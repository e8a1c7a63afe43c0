"""OptimizationJob (trainer.kubeflow.org), which upstream is to replace Experiments with.

It is searched by an Experiment of its own, whose trials are TrainJobs; clients see both. Upstream
has the kind and its rules, but no controller yet: what is read of the proposal is upstream's
proposals/2605-optimization-job-crd.
"""
