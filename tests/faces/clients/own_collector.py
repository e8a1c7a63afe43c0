"""A collector of metrics of somebody's own: it waits until the file is whole, which its last line
says, and reports what stands in it.

Usage: python own_collector.py FILE ADDRESS METRIC, with the trial's name in TRIAL.
"""

import os
import sys
import time

import grpc
from kubeflow.katib import katib_api_pb2 as pb
from kubeflow.katib import katib_api_pb2_grpc


def lines(path):
    while True:
        if os.path.exists(path):
            with open(path) as file:
                found = file.read().splitlines()
            if found and found[-1] == "end":
                return found[:-1]
        time.sleep(0.05)


def main():
    path, address, metric = sys.argv[1:]
    logs = [
        pb.MetricLog(
            time_stamp=f"2026-11-23T00:00:{place:02}Z",
            metric=pb.Metric(name=metric, value=value),
        )
        for place, value in enumerate(lines(path))
    ]
    with grpc.insecure_channel(address) as channel:
        katib_api_pb2_grpc.DBManagerStub(channel).ReportObservationLog(
            pb.ReportObservationLogRequest(
                trial_name=os.environ["TRIAL"], observation_log=pb.ObservationLog(metric_logs=logs)
            )
        )


if __name__ == "__main__":
    main()
