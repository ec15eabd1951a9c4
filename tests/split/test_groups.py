"""Groups of pictures: by signer, by a pattern over the path, by a column of the table of labels."""

import pandas as pd
import pytest

from helpers import ROOT, SPLITS, manifest, rows
from menagerie.errors import DataError, ParamsError
from menagerie.params.dataset import PatternGroups, TableGroups
from menagerie.split.groups import group_names
from menagerie.split.policies import split
from menagerie.split.signers import signers


def by_pattern(pattern):
    return PatternGroups(kind="pattern", pattern=pattern)


def of_patients(patients, classes=("healthy", "ill"), each=6):
    """A manifest of pictures such as ill/p03_1.png: each patient has some of each class."""
    paths = [
        f"{name}/p{patient:02d}_{number}.png"
        for name in classes
        for patient in range(patients)
        for number in range(each)
    ]
    table = manifest({"x": len(paths)}).assign(path=paths)
    return table.assign(**{"class": table["path"].str.partition("/")[0]})


@pytest.mark.parametrize(
    "pattern", ["/(p[0-9]+)_", r"(?P<group>p\d+)", r"(healthy|ill)/(?P<group>p\d+)", "(?<=/)([^_]+)"]
)
def test_a_pattern_over_the_path_names_the_group(pattern):
    listed = of_patients(3, each=1)
    assert group_names(listed, by_pattern(pattern)).tolist() == ["p00", "p01", "p02"] * 2


@pytest.mark.parametrize("path", ["ill/scan.png", "ill/p_1.png"])
def test_a_path_without_a_group_is_named(path):
    listed = pd.DataFrame({"path": ["ill/p1_1.png", path]})
    with pytest.raises(DataError, match=f"finds no group in the path '{path}'"):
        group_names(listed, by_pattern("/p([0-9]*)_"))


def test_a_column_of_the_table_of_labels_names_the_group():
    listed = manifest([2, 2]).assign(group=["b", "a", "b", "007"])
    table = TableGroups(kind="table")
    assert group_names(listed, table).tolist() == ["b", "a", "b", "007"]
    with pytest.raises(DataError, match=r"column of groups is empty for 2 .* 'c0/0001.png'"):
        group_names(listed.assign(group=["b", "", "b", ""]), table)


def test_a_column_without_a_table_of_labels_is_refused_with_what_is_needed():
    with pytest.raises(DataError, match=r"no group came with the labels.*group_column.*kind=pattern"):
        group_names(manifest([2, 2]).assign(group=""), TableGroups(kind="table"))


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ("{kind: pattern, pattern: 'p[0-9]+'}", "should have parentheses around the group's name"),
        ("{kind: pattern, pattern: '(p'}", "should be a regular expression"),
        ("{kind: pattern}", "dataset.groups.pattern"),
        ("{kind: table, column: camera}", "unknown key 'column'"),
        ("{kind: patients}", "'signers', 'pattern', 'table'"),
    ],
)
def test_groups_that_cannot_be_used_are_refused_by_their_key(params, groups, why):
    with pytest.raises(ParamsError, match=r"dataset\.groups") as error:
        params(f"dataset.groups={groups}")
    assert why in str(error.value)


def test_groups_are_chosen_on_the_command_line_as_the_data_sets_file_says(params):
    head = (ROOT / "conf/dataset/folder.yaml").read_text(encoding="utf-8")
    (example,) = [line.split('"')[1] for line in head.splitlines() if "kind: pattern" in line]
    settings = params("dataset=folder", "dataset.source.path=/pictures", example).dataset
    listed = pd.DataFrame({"path": ["ill/patient07_1.png", "healthy/patient12_1.png"]})
    assert group_names(listed, settings.groups).tolist() == ["patient07", "patient12"]


def test_of_a_kind_that_is_chosen_anew_the_other_keys_are_passed_over(params):
    chosen = params("dataset=sign_digits", "dataset.groups.kind=table")
    assert chosen.dataset.groups == TableGroups(kind="table")


@pytest.mark.parametrize("policy", ["stable", "sign_digits_by_signer"])
def test_no_group_stands_in_two_splits_and_split_csv_numbers_them(params, policy):
    listed = of_patients(40)
    names = group_names(listed, by_pattern("/(p[0-9]+)_"))
    table = split(listed, params(f"split={policy}").dataset.split, names)
    assert table.columns[-1] == "group"
    assert sorted(table["index"]) == list(range(len(listed)))
    assert [f"p{number:02d}" for number in table["group"]] == names[table["index"]].tolist()
    assert (table.groupby("group")["split"].nunique() == 1).all()


@pytest.mark.parametrize("policy", ["stable", "stratified"])
def test_groups_of_the_table_of_labels_count_only_where_they_are_asked_for(params, policy):
    listed, policy = manifest([20, 20]), params(f"split={policy}").dataset.split
    grouped = listed.assign(group="the same")
    pd.testing.assert_frame_equal(split(grouped, policy), split(listed, policy))
    with pytest.raises(DataError, match=r"group needs dataset.groups, which is null"):
        split(grouped, params("split=sign_digits_by_signer").dataset.split)


def test_unreadable_pictures_count_in_the_numbers_of_groups(params):
    listed = manifest([10, 10], unreadable=[0]).assign(group=[f"g{row:02d}" for row in range(20)])
    table = split(listed, params("split=stratified", "dataset.split.val=0.3").dataset.split, listed["group"])
    assert table["group"].tolist() == table["index"].tolist()
    assert 0 not in set(table["group"])


def signers_of(*names):
    paths = pd.Series([f"Dataset/{name}.JPG" for name in names])
    return signers(paths, paths.str.split("/").str[1]).tolist()


@pytest.mark.parametrize(("digit", "same"), [(9, True), (4, True), (3, False), (0, False)])
def test_another_signer_begins_where_the_digit_falls_by_six(digit, same):
    assert signers_of("9/IMG_1", f"{digit}/IMG_2") == [0, 0 if same else 1]


@pytest.mark.parametrize(("missing", "same"), [(0, True), (4, True), (5, False), (6, False)])
def test_another_signer_begins_where_five_numbers_are_missing(missing, same):
    assert signers_of("1/IMG_10", f"2/IMG_{11 + missing}") == [0, 0 if same else 1]


def test_signers_are_counted_in_the_order_of_the_numbers_and_told_in_that_of_the_files():
    assert signers_of("0/IMG_9", "0/IMG_101", "1/IMG_10", "8/IMG_8", "1/IMG_102") == [1, 2, 1, 0, 2]


def signed():
    """The 2,062 photographs by name and class, with the signers that the facts tell (read off montages)."""
    path = ROOT.parent / "shared/facts/sign_language_digits_groups.csv"
    if not path.is_file():
        pytest.skip("the list of signers is not beside this repository")
    told = pd.read_csv(path, dtype={"label": str}).sort_values("path", ignore_index=True)
    return told.assign(status="ok", folder="", index=range(len(told))).rename(columns={"label": "class"})


def test_signers_are_told_apart_as_the_facts_do():
    told = signed()
    found = signers(told["path"], told["class"])
    assert len(told.groupby(["group", found])) == told["group"].nunique() == len(set(found)) == 207


def test_no_signer_stands_in_two_splits(params):
    told = signed()
    settings = params("study=sign_digits_by_signer").dataset
    table = split(told, settings.split, group_names(told, settings.groups))
    assert sorted(table["index"]) == list(range(2062))
    numbers = signers(told["path"], told["class"])
    assert table["group"].tolist() == numbers[table["index"]].tolist()
    group = told.set_index("index")["group"]
    sides = [set(group.loc[rows(table, name)]) for name in SPLITS]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 207
    assert len(rows(table, "test")) == pytest.approx(0.2 * 2062, abs=15)


def test_the_rule_of_signers_is_for_sign_digits_alone(params):
    listed = manifest([20, 20])
    with pytest.raises(DataError, match=r"signers is for the sign digits"):
        signers(listed["path"], listed["class"])
    with pytest.raises(DataError, match=r"group needs dataset.groups, which is null"):
        split(listed, params("split=sign_digits_by_signer").dataset.split)
