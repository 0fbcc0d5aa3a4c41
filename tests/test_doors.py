"""Modules of one package that have one door in the code, where import-linter sees only whole packages."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "muslin"


@pytest.mark.parametrize(("module", "door"), [("torch.distributed", "base/parallel.py"), ("torch.utils.tensorboard", "base/board.py")])
def test_one_door(module, door):
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
            )
            if any(name and (name == module or name.startswith(module + ".")) for name in names):
                found.add(path.relative_to(SOURCE).as_posix())
    assert found == {door}


def test_files_and_functions_stay_small():
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 40, f"{path}: {node.name}"
