"""The command that a report prints, run by the real DVC in another clone."""

import re
import shlex

import pytest

from helpers import draw, make_clone, packed, stages_run, succeed

pytestmark = pytest.mark.slow

MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")
AWKWARD = "it's ü & a=b #1 [x] (y) !, ~z"
SMALL = ("dataset.image_size=[12,12]", "models.ann.batch_size=8")


def labelled_by_a_table(folder):
    """A zip of pictures in one folder, with their classes in a table beside them."""
    files, lines = {}, ["name,label"]
    for path in sorted(draw(folder / "drawn").rglob("*.png")):
        name = f"{path.parent.name}{path.name}"
        files[f"pictures/{name}"] = path.read_bytes()
        lines.append(f"{name},{path.parent.name}")
    return packed(folder / "labelled.zip", files | {"labels.csv": "\n".join(lines).encode()})


def published(folder):
    return ("study=sign_digits",), None


def embedded(folder):
    return ("dataset=digits", "seed=7"), None


def a_folder(folder):
    own = draw(folder / AWKWARD)
    said = ("dataset=folder", "dataset.name=colours", f'dataset.source.path="{own}"', *SMALL)
    return (*said, "models.ann.augment=[{layer: RandomFlip, settings: {mode: horizontal}}]"), None


def an_added_folder(folder):
    return ("dataset=colours", "split=kfold", "dataset.split.fold=2", *SMALL), draw(folder / AWKWARD)


def an_added_archive(folder):
    return ("dataset=colours", "dataset.layout.class_names={red: warm, green: cold, blue: cold}", *SMALL), (
        labelled_by_a_table(folder)
    )


@pytest.mark.parametrize("kind", [embedded, published, a_folder, an_added_folder, an_added_archive])
def test_in_another_clone_the_printed_command_gives_the_same_lock(tmp_path, kind, request):
    if kind is published:
        request.getfixturevalue("mirror")
    first, second = make_clone(tmp_path / "first"), make_clone(tmp_path / "second")
    overrides, added = kind(tmp_path)
    if added is not None:
        for clone in (first, second):
            succeed(clone, *MENAGERIE, "add", "colours", str(added), PYTHONPATH="src")
    overrides = (*overrides, "model=ann", "compute.max_epochs=1")
    succeed(first, "dvc", "exp", "run", *(part for one in overrides for part in ("-S", one)))

    name = {embedded: "digits", published: "sign_digits"}.get(kind, "colours")
    report = (first / f"reports/{name}.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"^```\n(dvc exp run .*)\n```$", report, re.MULTILINE)
    again = succeed(second, *shlex.split(printed))
    assert "train@ann" in stages_run(again)
    locks = [(clone / "dvc.lock").read_text(encoding="utf-8") for clone in (first, second)]
    assert locks[0] == locks[1]
