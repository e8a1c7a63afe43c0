"""Groups of the products are written in one file."""

import ast

from support import ROOT

GROUPS = ("argoproj.io", "kubeflow.org", "kserve.io")
SOURCES = ROOT / "src" / "sampan"


def texts(path):
    """The string literals of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_a_products_group_stands_in_names_alone():
    strays = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in SOURCES.rglob("*.py")
        if path != SOURCES / "kube" / "names.py"
        for text in texts(path)
        if any(group in text for group in GROUPS)
    ]
    assert strays == []
