"""What is told of the pictures."""

import pytest

from helpers import ROOT, SOURCE, alike, data_report, entry, of_kind, results_of, rows_of
from menagerie.report.findings import data
from menagerie.report.findings.blocks import Facts, Items, Notice, Table

LEAK = {
    "split": "test",
    "path": "a/1.png",
    "class": "cat",
    "other_split": "train",
    "other_path": "b/2.png",
    "other_class": "dog",
    "kind": "near",
    "distance": 3,
}


def section(params, **changes):
    return data.section(params, results_of({"sign_cnn": entry(373)}, data=data_report() | changes))


def facts(params, **changes):
    (found,) = of_kind(Facts, section(params, **changes))
    return dict(found.pairs)


@pytest.fixture
def study(params):
    return params("study=sign_digits", "model=sign_cnn")


def test_it_says_where_the_pictures_are_from_and_how_they_were_split(study):
    assert facts(study) == {
        "Pictures": f"240 from <{study.dataset.homepage}>",
        "Licence": "Apache-2.0",
        "Cite as": study.dataset.citation,
        "Content SHA-256": f"`{'30d0ee3c' * 8}`",
        "Prepared as": "100 x 100 pixels (height x width), stretch",
        "Split policy": "`keras`, seed 1337, validation_split 0.2",
        "Unreadable": "0",
        "Exact copies": "0; in no two splits; of different classes: 0",
        "Pictures that look alike": "0 (near duplicates, not checked by eye); in no two splits; "
        "of different classes: 0",
        "Policy for both": "`dataset.duplicates` is `report`: 0 dropped",
    }
    assert rows_of(section(study)) == [
        *({"class": name, "train": "40", "val": "20", "test": "20"} for name in ("cat", "dog", "owl")),
        {"class": "all", "train": "120", "val": "60", "test": "60"},
    ]


@pytest.mark.parametrize(("homepage", "told"), [("", "240"), ("javascript:x", "240 from javascript:x")])
def test_only_an_address_of_the_web_becomes_a_link(study, homepage, told):
    dataset = study.dataset.model_copy(update={"homepage": homepage, "licence": "", "citation": ""})
    found = facts(study.model_copy(update={"dataset": dataset}))
    assert found["Pictures"] == told
    assert {"Licence", "Cite as"}.isdisjoint(found)


@pytest.mark.parametrize("split", sorted(path.stem for path in ROOT.glob("conf/split/*.yaml")))
def test_every_split_is_told_by_its_policy(params, split):
    own = ["dataset.split.path=splits.csv"] if split == "file" else []
    chosen = params("dataset=cifar10_images", f"split={split}", "model=ann", *own)
    assert facts(chosen)["Split policy"].startswith(f"`{chosen.dataset.split.policy}`")


def test_groups_on_both_sides_are_told(study):
    groups = {"groups": 207, "in_test": 185, "in_test_and_train": 183, "in_test_and_val": 182}
    told = "207 (signers); in test: 185, in test and train: 183, in test and val: 182"
    assert facts(study, groups=groups)["Groups"] == told
    assert "Groups" not in facts(study)


def test_labels_that_a_person_put_right_are_told(params):
    study = params("model=ann", "dataset.labels_fixed=fixed.csv")
    fixed = {"lines": 14, "changed": 12, "pictures": []}
    assert facts(study, labels_fixed=fixed)["Labels corrected"] == "12, by `fixed.csv` of 14 lines"
    assert "Labels corrected" not in facts(study)


@pytest.fixture
def copied():
    """Of one kind of likeness, with pictures of two splits and of two classes."""
    leaks = [{"split": "test", "other_split": "train", "count": 72}]
    leaks += [{"split": "val and test", "other_split": "train", "count": 1}]
    conflict = {key: value for key, value in LEAK.items() if "split" not in key}
    return alike(pictures=5, leaks=leaks, leaked=[LEAK], conflicts=1, conflicting=[conflict])


def test_exact_copies_are_stated_as_facts(study, copied):
    duplicates = {"exact": copied, "near": alike(), "dropped": 4, "dropped_pictures": []}
    told = facts(study, duplicates=duplicates)
    assert told["Exact copies"] == (
        "5; in test and in train too: 72; in val and test and in train too: 1; of different classes: 1"
    )
    assert told["Policy for both"] == "`dataset.duplicates` is `report`: 4 dropped"
    found = section(study, duplicates=duplicates)
    assert [table.folded for table in of_kind(Table, found)] == [
        "",
        "Exact copies in two splits: 73, of which 1 is listed",
        "Exact copies of different classes: 1",
    ]
    assert rows_of(found, "Exact copies in two splits") == [
        {"picture": "a/1.png; class cat, test", "its copy": "b/2.png; class dog, train"}
    ]
    assert rows_of(found, "Exact copies of different classes") == [
        {"picture": "a/1.png; class cat", "its copy": "b/2.png; class dog"}
    ]


def test_near_duplicates_are_candidates_and_called_neither_copies_nor_leaks(study, copied):
    duplicates = {"exact": alike(), "near": copied, "dropped": 0, "dropped_pictures": []}
    told = facts(study, duplicates=duplicates)
    assert told["Exact copies"] == "0; in no two splits; of different classes: 0"
    assert told["Pictures that look alike"] == (
        "5 (near duplicates, not checked by eye); in test and in train too: 72; "
        "in val and test and in train too: 1; of different classes: 1"
    )
    found = section(study, duplicates=duplicates)
    assert [table.folded for table in of_kind(Table, found)] == [
        "",
        "Pictures that look alike in two splits (near duplicates, not checked by eye): 73, "
        "of which 1 is listed",
        "Pictures that look alike of different classes (near duplicates, not checked by eye): 1",
    ]
    titles = {column.title for table in of_kind(Table, found)[1:] for column in table.columns}
    assert titles == {"picture", "looks like"}
    assert not any("leak" in name.lower() for name in told)


def test_pictures_that_cannot_be_read_are_counted_and_listed(study):
    unreadable = {"a.png": "empty file", "b.png": "cut off"}
    assert facts(study, unreadable=unreadable)["Unreadable"] == "2"
    assert rows_of(section(study, unreadable=unreadable), "Unreadable pictures") == [
        {"picture": "a.png", "why": "empty file"},
        {"picture": "b.png", "why": "cut off"},
    ]


def test_files_that_are_not_used_are_counted_by_reason(study):
    source = SOURCE | {"unlabelled": 1234, "passed_over": {"hidden": 1, "no picture (.txt)": 2}}
    results = results_of({"sign_cnn": entry(373)}, source=source, data=data_report())
    (found,) = of_kind(Facts, data.section(study, results))
    assert dict(found.pairs)["Not used"] == "without a class: 1,234; hidden: 1; no picture (.txt): 2"


def test_what_the_terminal_said_is_said_again_and_its_warnings_stand_out(study):
    lines = ["warning: the test set lies in train: 2 of 3", "dark pictures: 1 (a/1.png)"]
    found = section(study, notices=lines)
    assert of_kind(Notice, found) == [Notice("**Warning:** the test set lies in train: 2 of 3")]
    assert of_kind(Items, found) == [Items(("dark pictures: 1 (a/1.png)",))]
    assert not of_kind((Notice, Items), section(study))


def test_what_was_dropped_is_listed(study):
    duplicates = {"exact": alike(), "near": alike(), "dropped": 120, "dropped_pictures": ["a/1.png"]}
    found = section(study, duplicates=duplicates)
    assert [table.folded for table in of_kind(Table, found)][1:] == [
        "Dropped as copies of others or like them: 120, of which 1 is listed"
    ]
    assert rows_of(found, "Dropped pictures") == [{"picture": "a/1.png"}]


def test_pictures_that_stand_out_are_listed_with_what_was_measured(study):
    dark = {"path": "x/a/1.png", "class": "a", "said": "brightness 4 of 255"}
    flags = {"dark": {"count": 1, "pictures": [dark]}, "bright": {"count": 0, "pictures": []}}
    found = section(study, flags=flags)
    assert of_kind(Table, found)[1].folded == "Pictures that stand out: 1"
    assert rows_of(found, "Pictures that stand out") == [
        {"picture": "x/a/1.png; class a", "why": "dark: brightness 4 of 255"}
    ]
