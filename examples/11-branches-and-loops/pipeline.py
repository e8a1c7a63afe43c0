"""Numbers are squared side by side; what is done with the sum depends on it."""

from kfp import dsl

PYTHON = "python:3.12"


@dsl.component(base_image=PYTHON)
def numbers(up_to: int) -> list[int]:
    return list(range(1, up_to + 1))


@dsl.component(base_image=PYTHON)
def square(number: int) -> int:
    return number * number


@dsl.component(base_image=PYTHON)
def add(numbers: list[int]) -> int:
    return sum(numbers)


@dsl.component(base_image=PYTHON)
def say(text: str) -> str:
    print(text)
    return text


@dsl.pipeline(description="Loops, branches, and one result of several")
def squares(up_to: int = 4, limit: int = 20) -> str:
    with dsl.ParallelFor(items=numbers(up_to=up_to).output, parallelism=2) as number:
        squared = square(number=number)
    total = add(numbers=dsl.Collected(squared.output))
    with dsl.If(total.output > limit):
        much = say(text=f"{total.output} is much")
    with dsl.Elif(total.output == limit):
        even = say(text=f"{total.output} is just right")
    with dsl.Else():
        little = say(text=f"{total.output} is little")
    return dsl.OneOf(much.output, even.output, little.output)
