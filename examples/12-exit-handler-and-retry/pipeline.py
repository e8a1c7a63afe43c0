"""A step that fails at first, and one that runs however it ends."""

from kfp import dsl

IMAGE = "alpine:3.20"


@dsl.container_component
def stubborn(result: dsl.OutputPath(str)):
    script = 'echo attempt $KFP_RETRY_INDEX; test $KFP_RETRY_INDEX -ge 1; echo done > "$0"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-ec", script, result])


@dsl.component(base_image="python:3.12")
def tell(status: dsl.PipelineTaskFinalStatus, topic: str) -> str:
    return f"{topic}: {status.pipeline_task_name} is {status.state}"


@dsl.pipeline(description="An exit handler, and a step that is tried again")
def careful(topic: str = "night"):
    told = tell(topic=topic)
    with dsl.ExitHandler(told, name="work"):
        stubborn().set_retry(num_retries=2, backoff_duration="1s")
