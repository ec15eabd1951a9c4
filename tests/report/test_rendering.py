"""Both faces tell every finding, and a template that knows too little is an error."""

import dataclasses
import re

import pandas as pd
import pytest
from jinja2 import UndefinedError

from helpers import Page, alike, data_report, predictions, results, robustness
from menagerie.compare import leaderboard
from menagerie.report.findings.blocks import Facts, Items, Table
from menagerie.report.findings.report import findings
from menagerie.report.markdown import markdown
from menagerie.report.page import page
from menagerie.report.rendering import environment

MODELS = ("sign_cnn", "sign_cnn_decay_high", "sign_cnn_decay_low")
FACES = {"Markdown": markdown, "page": page}


@pytest.fixture(scope="module")
def study(params):
    return params("study=sign_digits", f"model=[{','.join(MODELS)}]")


@pytest.fixture(scope="module")
def everything():
    """Results of which every finding has something to tell."""
    found = results(*MODELS)
    leak = {"split": "test", "path": "a/1.png", "class": "cat", "other_split": "train"}
    leak |= {"other_path": "b/2.png", "other_class": "dog", "kind": "near"}
    data = data_report(in_train=11, in_val=12) | {
        "unreadable": {"a/3.png": "empty file"},
        "groups": {"groups": 207, "in_test": 185, "in_test_and_train": 183, "in_test_and_val": 182},
    }
    counts = [{"split": "test", "other_split": "train", "count": 72}]
    for kind in ("exact", "near"):
        data["duplicates"][kind] = alike(leaks=counts, leaked=[leak], conflicting=[leak])
    seeds = {"model": "sign_cnn", "changed": "batch_size=8", "n": 3, "seeds": "1, 2, 3"}
    seeds |= dict.fromkeys(("accuracy_mean", "low", "high", "accuracy_min", "accuracy_max"), 0.9)
    corrupted = {name: robustness([0.5, 0.25]) for name in MODELS}
    right = {name: predictions(range(rows)) for name, rows in zip(MODELS, (10, 4, 3), strict=True)}
    return dataclasses.replace(
        found,
        data=data,
        tables=found.tables | {"robustness": corrupted},
        pairs=leaderboard.pairs(right),
        replicates=pd.DataFrame([seeds | {"accuracy_std": 0.0123}]),
    )


def plain(text):
    """Letters alone, without the marks by which either face sets them."""
    return re.sub(r"[\s*`<>\\|]", "", text)


def texts(block):
    """Everything that a block has to say, in its order."""
    if isinstance(block, Facts):
        return [part for pair in block.pairs for part in pair]
    if isinstance(block, Items):
        return list(block.texts)
    if isinstance(block, Table):
        rows = [*block.rows, *([block.total] if block.total else [])]
        cells = [part for row in rows for cell in row for part in (cell.text, cell.below)]
        return [block.folded, *(column.title for column in block.columns), *cells]
    return [block.text]


def read(face, text):
    return plain(Page(text).text if face == "page" else text.replace("&lt;", "<"))


@pytest.mark.parametrize("face", FACES)
def test_each_face_tells_every_finding_in_its_order(face, study, everything):
    found, told = findings(study, everything), read(face, FACES[face](study, everything))
    names = {section.name for section in found.sections}
    assert names >= {"tests", "reported", "claims", "robustness", "replicates"}
    place = told.index(plain(found.title))
    parts = [text for block in found.lead for text in texts(block)]
    for section in found.sections:
        parts += [section.title, *(text for block in section.blocks for text in texts(block))]
    for part in filter(None, map(plain, parts)):
        assert part in told[place:], part
        place = told.index(part, place) + len(part)


@pytest.mark.parametrize("face", FACES)
def test_each_face_warns_of_test_pictures_that_were_seen_in_train_and_in_val(face, study, everything):
    told = read(face, FACES[face](study, everything))
    assert "Careful:11of60testpicturesaretrainpicturestoo" in told
    assert "Careful:12of60testpicturesarevalpicturestoo" in told
    apart = dataclasses.replace(everything, data=data_report())
    assert "Careful" not in FACES[face](study, apart)


@pytest.mark.parametrize("face", FACES)
def test_the_p_of_a_pair_is_the_corrected_one_on_each_face(face, study, everything):
    """0.0312 and 0.0156 before the correction; of three pairs Holm's are twice and three times as much."""
    assert everything.pairs["p"].round(4).tolist() == [0.0312, 0.0156, 1]
    unclaimed = study.reported.model_copy(update={"claims": ()})  # a claim's pairs are a family of their own
    told = FACES[face](study.model_copy(update={"reported": unclaimed}), everything)
    assert "0.0625" in told
    assert "0.0469" in told
    assert not re.search(r"0\.0312|0\.0156", told)


@pytest.mark.parametrize("template", ["report.md.jinja", "report.html.jinja"])
def test_a_block_that_a_template_cannot_write_is_an_error(template, study, everything):
    class Unknown:
        text = "?"

    found = findings(study, everything)
    section = dataclasses.replace(found.sections[0], blocks=(Unknown(),))
    filters = dict.fromkeys(("line", "rows", "inline", "sort_key", "place", "short", "colour"), str)
    with pytest.raises(UndefinedError, match="Unknown"):
        environment(autoescape=False, filters=filters).get_template(template).render(
            found=dataclasses.replace(found, lead=(), sections=(section,)), figures={}
        )
