"""A search service of somebody's own, with gRPC's and Katib's libraries alone: it suggests the
halves of 1, and takes no experiment with the setting `wrong`."""

from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from kubeflow.katib import katib_api_pb2 as pb
from kubeflow.katib import katib_api_pb2_grpc

SERVICE = "manager.v1beta1.Suggestion"


class Halves(katib_api_pb2_grpc.SuggestionServicer):
    def ValidateAlgorithmSettings(self, request, context):
        names = [each.name for each in request.experiment.spec.algorithm.algorithm_settings]
        if "wrong" in names:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "wrong is no setting")
        return pb.ValidateAlgorithmSettingsReply()

    def GetSuggestions(self, request, context):
        first = request.total_request_number - request.current_request_number
        return pb.GetSuggestionsReply(
            parameter_assignments=[
                pb.GetSuggestionsReply.ParameterAssignments(
                    assignments=[pb.ParameterAssignment(name="lr", value=str(0.5**place))]
                )
                for place in range(first, request.total_request_number)
            ],
        )


def main():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    katib_api_pb2_grpc.add_SuggestionServicer_to_server(Halves(), server)
    status = health.HealthServicer()
    status.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    server.add_insecure_port("0.0.0.0:6789")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
