"""Handwritten digits: three models are trained side by side, the best of them is registered.

python pipeline.py            writes pipeline.yaml
sampan run pipeline.py        compiles and runs it
"""

from kfp import compiler, dsl
from kfp.dsl import (
    ClassificationMetrics,
    Collected,
    Dataset,
    Input,
    Metrics,
    Model,
    Output,
    ParallelFor,
)

PYTHON = "python:3.12"
PACKAGES = ["scikit-learn>=1.5,<2"]


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def load(digits: Output[Dataset]):
    import numpy
    from sklearn.datasets import load_digits

    frame = load_digits()
    with open(digits.path, "wb") as file:
        numpy.savez(file, images=frame.data, labels=frame.target)
    digits.metadata["images"] = len(frame.target)


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def split(digits: Input[Dataset], share: float, train: Output[Dataset], test: Output[Dataset]):
    import numpy
    from sklearn.model_selection import train_test_split

    whole = numpy.load(digits.path)
    parts = train_test_split(
        whole["images"], whole["labels"], test_size=share, random_state=0, stratify=whole["labels"]
    )
    for place, images, labels in ((train, parts[0], parts[2]), (test, parts[1], parts[3])):
        with open(place.path, "wb") as file:
            numpy.savez(file, images=images, labels=labels)
        place.metadata["images"] = len(labels)


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def fit(kind: str, train: Input[Dataset], model: Output[Model]):
    import joblib
    import numpy
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    known = {
        "tree": DecisionTreeClassifier(random_state=0),
        "neighbours": KNeighborsClassifier(3),
        "logistic": LogisticRegression(max_iter=200),
    }
    given = numpy.load(train.path)
    joblib.dump(known[kind].fit(given["images"] / 16, given["labels"]), model.path)
    model.metadata["kind"] = kind


@dsl.component(base_image=PYTHON, packages_to_install=PACKAGES)
def evaluate(
    model: Input[Model],
    test: Input[Dataset],
    metrics: Output[Metrics],
    curves: Output[ClassificationMetrics],
) -> float:
    import joblib
    import numpy
    from sklearn.metrics import accuracy_score, confusion_matrix, roc_curve

    given = numpy.load(test.path)
    trained = joblib.load(model.path)
    said = trained.predict(given["images"] / 16)
    accuracy = float(accuracy_score(given["labels"], said))
    metrics.log_metric("accuracy", accuracy)
    curves.log_confusion_matrix(
        [str(digit) for digit in range(10)], confusion_matrix(given["labels"], said).tolist()
    )
    sure = trained.predict_proba(given["images"] / 16)[:, 8]
    wrong, right, least = roc_curve(given["labels"] == 8, sure)
    curves.log_roc_curve(wrong.tolist(), right.tolist(), numpy.minimum(least, 1).tolist())
    return accuracy


@dsl.component(base_image=PYTHON)
def pick(accuracies: list, models: Input[list[Model]], best: Output[Model]) -> float:
    import shutil

    first = max(range(len(accuracies)), key=lambda number: accuracies[number])
    shutil.copyfile(models[first].path, best.path)
    best.metadata.update(models[first].metadata, accuracy=accuracies[first])
    return accuracies[first]


@dsl.component(base_image=PYTHON)
def register(name: str, model: Input[Model], registered: Output[Model]) -> str:
    import shutil

    shutil.copyfile(model.path, registered.path)
    registered.metadata.update(model.metadata, registered_as=name)
    return f"{name}: {model.metadata['kind']}, {model.metadata['accuracy']:.3f}"


@dsl.pipeline(name="digits", description="The best of three models of handwritten digits")
def digits(share: float = 0.25, name: str = "digits") -> str:
    parts = split(digits=load().outputs["digits"], share=share)
    with ParallelFor(["tree", "neighbours", "logistic"]) as kind:
        fitted = fit(kind=kind, train=parts.outputs["train"])
        judged = evaluate(model=fitted.outputs["model"], test=parts.outputs["test"])
    chosen = pick(
        accuracies=Collected(judged.outputs["Output"]), models=Collected(fitted.outputs["model"])
    )
    return register(name=name, model=chosen.outputs["best"]).outputs["Output"]


if __name__ == "__main__":
    compiler.Compiler().compile(digits, __file__.replace(".py", ".yaml"))
