"""docs/architecture.md: its tree against the folders and modules that there are."""

import ast
import re
from fnmatch import fnmatch

from helpers import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
LISTED = [
    "conf",
    "src",
    "src/menagerie",
    "tests",
]  # the folders whose own files are in the tree, each by name


def entries(tree):
    """The paths of a tree of indented lines: names with one space between, then a phrase."""
    above, found = [], []
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        above = [(depth, name) for depth, name in above if depth < indent]
        folder = "".join(name for _, name in above)
        names = re.match(r"\s*(\S+[/.]\S*( \S+(/|\.py))*)", line)[1].split()
        found += [folder + name for name in names]
        above.append((indent, names[-1]))
    return found


def has_files(folder):
    return any(path.is_file() for path in folder.rglob("*") if "__pycache__" not in path.parts)


def folders(root):
    found = [path for path in root.iterdir() if path.is_dir() and has_files(path)]
    return [path for path in found if path.suffix != ".egg-info"]


def existing():
    """Every folder below conf/ and src/, those right in tests/, and the files right in LISTED."""
    waiting, found = [ROOT / "conf", ROOT / "src", ROOT / "tests"], []
    while waiting:
        folder = waiting.pop()
        found.append(f"{folder.relative_to(ROOT).as_posix()}/")
        if folder.parent != ROOT / "tests":
            waiting += folders(folder)
    for folder in LISTED:
        files = [path for path in (ROOT / folder).iterdir() if path.suffix in (".py", ".yaml")]
        found += [path.relative_to(ROOT).as_posix() for path in files if path.name != "__init__.py"]
    return found


TREE = entries(re.search(r"```\n(.*?)```", PAGE, re.DOTALL)[1])


def test_the_tree_names_what_is_there_and_nothing_else():
    there = existing()
    assert [name for name in TREE if not any(fnmatch(path, name) for path in there)] == []
    assert [path for path in there if not any(fnmatch(path, name) for name in TREE)] == []
    assert len(set(TREE)) == len(TREE)


def test_a_tree_is_read_by_its_indents():
    tree = "a/        a phrase/with a slash\n  b/ c.py  words, x.py\n  d/\n    e.py\n    f_*.py\ng/"
    assert entries(tree) == ["a/", "a/b/", "a/c.py", "a/d/", "a/d/e.py", "a/d/f_*.py", "g/"]


def imported(file):
    """The folders and modules of the library that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "menagerie":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("menagerie."):
            yield node.module.split(".")[1]


def test_what_stands_in_the_library_imports_only_what_stands_above_it():
    library = ROOT / "src/menagerie"
    paths = [ROOT / name for name in TREE if (ROOT / name).parent == library]
    order = [path.stem for path in paths]
    seen = set()
    for place, path in enumerate(paths):
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            uses = set(imported(file))
            assert uses <= set(order[: place + 1]), file
            seen |= uses
    assert {"errors", "params", "evaluate"} <= seen
