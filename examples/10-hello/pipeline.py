"""A greeting, and how long it is."""

from kfp import dsl

PYTHON = "python:3.12"


@dsl.component(base_image=PYTHON)
def greet(name: str) -> str:
    print(f"Hello, {name}!")
    return f"Hello, {name}!"


@dsl.component(base_image=PYTHON)
def measure(text: str, times: int) -> int:
    return len(text) * times


@dsl.pipeline(description="A greeting, and how long it is")
def hello(name: str = "world", times: int = 2) -> int:
    return measure(text=greet(name=name).output, times=times).output
