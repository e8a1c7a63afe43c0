"""Kubeflow's own OptimizerClient, as far as it goes where no kind TrainJob is served: argv is
a namespace."""

import sys
import time

from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.optimizer import Objective, OptimizerClient, RandomSearch, Search, TrialConfig
from kubeflow.trainer import CustomTrainer, Runtime, TrainJobTemplate
from kubeflow.trainer.types.types import RuntimeKind, RuntimeTrainer, TrainerType

CLIENT = OptimizerClient(KubernetesBackendConfig(namespace=sys.argv[1]))


def objective(lr, optimizer):
    print(f"loss={float(lr)}", optimizer)


def template():
    trainer = RuntimeTrainer(TrainerType.CUSTOM_TRAINER, "torch", "python:3.11")
    trainer.set_command(("bash", "-c", "{func_code} python3 {func_file}"))
    runtime = Runtime("torch-distributed", trainer, RuntimeKind.CLUSTER_TRAINING_RUNTIME)
    return TrainJobTemplate(CustomTrainer(func=objective), runtime)


def main():
    assert CLIENT.list_jobs() == []
    name = CLIENT.optimize(
        template(),
        search_space={"lr": Search.loguniform(1e-4, 1e-1), "optimizer": Search.choice(["a", "b"])},
        trial_config=TrialConfig(num_trials=3, parallel_trials=2),
        objectives=[Objective(metric="loss")],
        algorithm=RandomSearch(random_state=1),
    )
    assert CLIENT.get_best_results(name) is None
    CLIENT.delete_job(name)
    while CLIENT.list_jobs():  # finalizers are taken off first
        time.sleep(0.1)
    print("ok all")


main()
