"""The notebooks: valid, the same code in both languages, and every command in them is one that Muslin has."""

import ast
import importlib
import io
import json
import re
import tokenize
from pathlib import Path

import nbformat
import pytest

from muslin.cli.main import COMMANDS

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ["muslin.ipynb", "muslin.zh-CN.ipynb"]


def code_of(name):
    return [cell.source for cell in nbformat.read(FOLDER / name, as_version=4).cells if cell.cell_type == "code"]


def without_comments(source):
    """The tokens of a cell but for comments; the one line that differs, LANGUAGE, as if it did not."""
    skipped = (tokenize.COMMENT, tokenize.NL)
    source = re.sub(r'^LANGUAGE = "\w+"', "LANGUAGE = 0", source, flags=re.M)
    return [token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in skipped]


def words_of(call, known):
    """The plain words of a `muslin(...)` call; anything computed is None, a list by its name is its words."""
    found = []
    for word in call.args:
        if isinstance(word, ast.Starred):
            found += known.get(getattr(word.value, "id", ""), [None])
        else:
            found.append(word.value if isinstance(word, ast.Constant) else None)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_valid_compiles_and_holds_no_outputs(name):
    book = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(book)
    assert book.nbformat == 4 and len({cell.id for cell in book.cells}) == len(book.cells)
    for number, cell in enumerate(book.cells):
        if cell.cell_type == "code":
            compile(cell.source, f"{name}, cell {number}", "exec")
            assert cell.outputs == [] and cell.execution_count is None
            assert book.cells[number - 1].cell_type == "markdown" or cell.id == "own-drafts"  # each part explains itself first


def test_both_languages_have_the_same_code():
    english, chinese = (code_of(name) for name in NAMES)
    assert [without_comments(cell) for cell in english] == [without_comments(cell) for cell in chinese]
    assert 'LANGUAGE = "en"' in english[0] and 'LANGUAGE = "zh"' in chinese[0]
    text = json.dumps(json.loads((FOLDER / NAMES[0]).read_text("utf-8"))["cells"][0], ensure_ascii=False)
    assert not re.search(r"[\u4e00-\u9fff]", text)


def test_every_command_exists_with_its_options():
    seen = set()
    for source in code_of(NAMES[0]):
        tree = ast.parse(source)
        known = {
            node.targets[0].id: [x.value if isinstance(x, ast.Constant) else None for x in node.value.elts]
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "muslin":
                seen.add(check(words_of(node, known)))
    assert {"generate", "style", "design", "prepare", "train", "edit slide", "edit mix", "edit vary", "originality"} <= seen


def check(words):
    """Raises where a command or an option does not exist, or a word is missing; gives the command's name."""
    if words == ["--version"]:
        return "--version"
    name = words.pop(0)
    command = getattr(importlib.import_module(COMMANDS[name][0]), name)
    if hasattr(command, "commands"):
        sub = words.pop(0)
        name, command = f"{name} {sub}", command.commands[sub]
    words = ["12" if word is None else word for word in words]  # what is computed: a number passes as any option's value
    command.make_context(name, words)
    return name


def test_a_misspelt_option_would_be_found():
    with pytest.raises(Exception, match="No such option"):
        check(["generate", "--seed", "3"])


def test_colab_is_asked_for_only_where_it_is():
    for source in code_of(NAMES[0]):
        for node in ast.parse(source).body:
            assert not (isinstance(node, ast.ImportFrom) and "colab" in str(node.module))  # never at a cell's top level
