"""The messages and services of Katib's gRPC interface, `api.v1.beta1`.

Names and numbers are upstream's, as clients have them: pkg/apis/manager/v1beta1/api.proto.
"""

from __future__ import annotations

from sampan.lib.proto import Schema

STATUSES = (
    "CREATED", "RUNNING", "SUCCEEDED", "KILLED", "FAILED", "METRICSUNAVAILABLE", "EARLYSTOPPED",
    "UNKNOWN",
)  # fmt: skip
TYPES = ("UNKNOWN_TYPE", "DOUBLE", "INT", "DISCRETE", "CATEGORICAL")
DISTRIBUTIONS = ("DISTRIBUTION_UNSPECIFIED", "UNIFORM", "LOG_UNIFORM", "NORMAL", "LOG_NORMAL")
OBJECTIVES = ("UNKNOWN", "MINIMIZE", "MAXIMIZE")
COMPARISONS = ("UNKNOWN_COMPARISON", "EQUAL", "LESS", "GREATER")

API = Schema(
    "api.v1.beta1",
    file="api.proto",
    enums={
        "ParameterType": TYPES,
        "Distribution": DISTRIBUTIONS,
        "ObjectiveType": OBJECTIVES,
        "TrialStatus.TrialConditionType": STATUSES,
        "ComparisonType": COMPARISONS,
    },
    messages={
        "Experiment": "1 name string, 2 spec ExperimentSpec",
        "ExperimentSpec": "1 parameter_specs ExperimentSpec.ParameterSpecs,"
        "2 objective ObjectiveSpec, 3 algorithm AlgorithmSpec, 4 early_stopping EarlyStoppingSpec,"
        "5 parallel_trial_count int32, 6 max_trial_count int32, 7 nas_config NasConfig",
        "ExperimentSpec.ParameterSpecs": "1 parameters ParameterSpec*",
        "ParameterSpec": "1 name string, 2 parameter_type ParameterType,"
        "3 feasible_space FeasibleSpace",
        "FeasibleSpace": "1 max string, 2 min string, 3 list string*, 4 step string,"
        "5 distribution Distribution",
        "ObjectiveSpec": "1 type ObjectiveType, 2 goal double, 3 objective_metric_name string,"
        "4 additional_metric_names string*",
        "AlgorithmSpec": "1 algorithm_name string, 2 algorithm_settings AlgorithmSetting*",
        "AlgorithmSetting": "1 name string, 2 value string",
        "EarlyStoppingSpec": "1 algorithm_name string,"
        "2 algorithm_settings EarlyStoppingSetting*",
        "EarlyStoppingSetting": "1 name string, 2 value string",
        "NasConfig": "1 graph_config GraphConfig, 2 operations NasConfig.Operations",
        "NasConfig.Operations": "1 operation Operation*",
        "GraphConfig": "1 num_layers int32, 2 input_sizes int32*, 3 output_sizes int32*",
        "Operation": "1 operation_type string, 2 parameter_specs Operation.ParameterSpecs",
        "Operation.ParameterSpecs": "1 parameters ParameterSpec*",
        "Trial": "1 name string, 2 spec TrialSpec, 3 status TrialStatus",
        "TrialSpec": "2 objective ObjectiveSpec,"
        "3 parameter_assignments TrialSpec.ParameterAssignments, 4 labels map",
        "TrialSpec.ParameterAssignments": "1 assignments ParameterAssignment*",
        "ParameterAssignment": "1 name string, 2 value string",
        "TrialStatus": "1 start_time string, 2 completion_time string,"
        "3 condition TrialStatus.TrialConditionType, 4 observation Observation",
        "Observation": "1 metrics Metric*",
        "Metric": "1 name string, 2 value string",
        "ReportObservationLogRequest": "1 trial_name string, 2 observation_log ObservationLog",
        "ReportObservationLogReply": "",
        "ObservationLog": "1 metric_logs MetricLog*",
        "MetricLog": "1 time_stamp string, 2 metric Metric",
        "GetObservationLogRequest": "1 trial_name string, 2 metric_name string,"
        "3 start_time string, 4 end_time string",
        "GetObservationLogReply": "1 observation_log ObservationLog",
        "DeleteObservationLogRequest": "1 trial_name string",
        "DeleteObservationLogReply": "",
        "GetSuggestionsRequest": "1 experiment Experiment, 2 trials Trial*,"
        "4 current_request_number int32, 5 total_request_number int32",
        "GetSuggestionsReply": "1 parameter_assignments GetSuggestionsReply.ParameterAssignments*,"
        "2 algorithm AlgorithmSpec, 3 early_stopping_rules EarlyStoppingRule*",
        "GetSuggestionsReply.ParameterAssignments": "1 assignments ParameterAssignment*,"
        "2 trial_name string, 3 labels map",
        "ValidateAlgorithmSettingsRequest": "1 experiment Experiment",
        "ValidateAlgorithmSettingsReply": "",
        "GetEarlyStoppingRulesRequest": "1 experiment Experiment, 2 trials Trial*,"
        "3 db_manager_address string",
        "GetEarlyStoppingRulesReply": "1 early_stopping_rules EarlyStoppingRule*",
        "EarlyStoppingRule": "1 name string, 2 value string, 3 comparison ComparisonType,"
        "4 start_step int32",
        "ValidateEarlyStoppingSettingsRequest": "1 early_stopping EarlyStoppingSpec",
        "ValidateEarlyStoppingSettingsReply": "",
        "SetTrialStatusRequest": "1 trial_name string",
        "SetTrialStatusReply": "",
    },
    services={
        service: {method: (f"{method}Request", f"{method}Reply") for method in methods}
        for service, methods in {
            "DBManager": (
                "ReportObservationLog", "GetObservationLog", "DeleteObservationLog",
            ),
            "Suggestion": ("GetSuggestions", "ValidateAlgorithmSettings"),
            "EarlyStopping": (
                "GetEarlyStoppingRules", "SetTrialStatus", "ValidateEarlyStoppingSettings",
            ),
        }.items()
    },
)  # fmt: skip
