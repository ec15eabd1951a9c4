"""A test set that stands still: what is added, removed or renamed moves no other picture."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import SPLITS, manifest, rows
from menagerie.errors import DataError
from menagerie.params.dataset import StableSplit
from menagerie.split.policies import split
from menagerie.split.stable import fractions, unit_names


def stable(seed=42, val=0.15, test=0.2):
    return StableSplit(policy="stable", seed=seed, val=val, test=test)


def sha256(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def listed(contents, folder=""):
    """A manifest of pictures (class, content), named after their place."""
    contents = sorted(contents)
    classes = [name for name, _ in contents]
    table = pd.DataFrame({"index": range(len(contents)), "class": classes, "folder": folder, "status": "ok"})
    table["path"] = table["class"] + "/" + table["index"].astype(str) + ".png"
    return table.assign(sha256=[sha256(content) for _, content in contents])


def sides(manifest, policy):
    """The split of each picture, by class and content."""
    table = split(manifest, policy)
    content = manifest.set_index("index")["sha256"].loc[table["index"]]
    return dict(zip(zip(table["class"], content, strict=True), table["split"], strict=True))


def sides_in(name, manifest, policy):
    """The split of each picture of a class, by content."""
    return {content: side for (one, content), side in sides(manifest, policy).items() if one == name}


def by_hash(sha256, policy):
    """The split that the hash alone says."""
    (value,) = fractions([sha256], policy.seed)
    return "test" if value < policy.test else "val" if value >= 1 - policy.val else "train"


# the number that the hash gives


@pytest.mark.parametrize(
    ("name", "seed", "digest"),
    [
        ("abc", 42, "63BF186D733C9B1D"),
        ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 42, "E36C6A818859EB92"),
        ("grün", 0, "812B7D0173A78CB6"),
        ("abc", 4294967295, "BF9162EF7F03EE98"),
    ],
)
def test_the_number_is_that_of_openssl(name, seed, digest):
    """`printf NAME | openssl mac -macopt hexkey:3432 -macopt size:8 BLAKE2BMAC`, 3432 being 42 in ASCII."""
    (value,) = fractions([name], seed)
    assert value == (int(digest, 16) >> 11) / 2**53


def test_the_numbers_are_spread_evenly():
    values = fractions([sha256(number) for number in range(20_000)], 42)
    counts, _ = np.histogram(values, 20, (0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-squared of 19 degrees of freedom, p = 0.001


# what moves, and what does not

contents = st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), min_size=60, max_size=150)
shares = st.floats(0.05, 0.45)


@given(
    before=contents,
    added=contents,
    removed=st.integers(0, 4),
    seed=st.integers(0, 9),
    val=shares,
    test=shares,
)
@settings(deadline=None, max_examples=60)
def test_whatever_is_added_removed_or_renamed_moves_no_other_picture(before, added, removed, seed, val, test):
    """As long as the hash itself fills the splits of its class; then each picture is where its hash says."""
    policy = stable(seed, val, test)
    own = {(name, f"{name}{number}") for name, number in before}
    kept = {picture for place, picture in enumerate(sorted(own)) if place % 5 >= removed}
    after = kept | {(name, f"{name}{number}") for name, number in added}
    assume(min(sum(name == one for one, _ in pictures) for name in "abc" for pictures in (own, after)) >= 3)
    old, new = (sides(listed(pictures), policy) for pictures in (own, after))
    for name in "abc":
        filled = True
        for found in (old, new):
            there = {content: side for (one, content), side in found.items() if one == name}
            alone = {content: by_hash(content, policy) for content in there}
            assert set(there.values()) == set(SPLITS)
            if set(alone.values()) == set(SPLITS):
                assert there == alone
            else:
                filled = False
        stayed = {picture for picture in old.keys() & new.keys() if picture[0] == name}
        assert not filled or {one: old[one] for one in stayed} == {one: new[one] for one in stayed}


def test_a_thousand_pictures_more_move_none_of_the_thousand_that_were_there():
    before, after = (listed([("ab"[n % 2], n) for n in range(size)]) for size in (1000, 2000))
    old, new = (sides(table, stable()) for table in (before, after))
    assert len(old) == 1000
    assert {picture: new[picture] for picture in old} == old


def test_a_class_more_and_other_names_of_files_and_classes_move_nothing():
    before = listed([("ab"[n % 2], n) for n in range(400)])
    more = listed([("ab"[n % 2], n) for n in range(400)] + [("A", n) for n in range(400, 440)])
    renamed = more.assign(
        path="z/" + more["path"], **{"class": more["class"].map({"a": "z", "b": "c", "A": "d"})}
    )
    old, new = (
        {content: side for (_, content), side in sides(table, stable()).items()}
        for table in (before, renamed)
    )
    assert {content: new[content] for content in old} == old


@pytest.mark.parametrize(("val", "test"), [(0.15, 0.3), (0.25, 0.2)])
def test_a_larger_share_keeps_the_pictures_that_it_held(val, test):
    table = listed([("ab"[n % 2], n) for n in range(1000)])
    old, new = sides(table, stable()), sides(table, stable(val=val, test=test))
    moved = {(old[one], new[one]) for one in old if old[one] != new[one]}
    assert moved == {("train", "test" if test > 0.2 else "val")}


def test_the_shares_are_about_those_asked_for():
    table = split(listed([("ab"[n % 2], n) for n in range(10_000)]), stable(val=0.15, test=0.2))
    assert len(rows(table, "val")) == pytest.approx(1500, abs=107)  # three standard deviations
    assert len(rows(table, "test")) == pytest.approx(2000, abs=120)


def test_val_taken_out_of_a_given_train_stands_still_too():
    given_test = listed([("ab"[n % 2], n) for n in range(1000, 1040)], "test")
    tables = []
    for size in (500, 900):
        train = listed([("ab"[n % 2], n) for n in range(size)], "train")
        both = pd.concat([given_test, train], ignore_index=True)
        tables.append(both.assign(index=range(len(both))))
    old, new = (sides(table, stable()) for table in tables)
    assert {picture: new[picture] for picture in old} == old
    assert sum(side == "test" for side in new.values()) == 40


# small classes


def test_twelve_classes_of_five_pictures_are_each_in_every_split():
    table = split(manifest([5] * 12), stable())
    assert sorted(table["index"]) == list(range(60))
    assert pd.crosstab(table["class"], table["split"])[SPLITS].to_numpy().min() == 1


@given(
    sizes=st.lists(st.integers(3, 12), min_size=2, max_size=8),
    seed=st.integers(0, 2**32 - 1),
    val=st.floats(0.01, 0.49),
    test=st.floats(0.01, 0.49),
)
@settings(deadline=None, max_examples=200)
def test_every_class_of_three_pictures_or_more_has_one_in_each_split(sizes, seed, val, test):
    table = split(manifest(sizes), stable(seed, val, test))
    assert sorted(table["index"]) == list(range(sum(sizes)))
    assert pd.crosstab(table["class"], table["split"])[SPLITS].to_numpy().min() >= 1


def test_an_empty_split_takes_the_picture_whose_number_is_nearest():
    policy = stable()
    values = dict(zip(map(sha256, range(200)), fractions(list(map(sha256, range(200))), 42), strict=True))
    numbers = [n for n in range(200) if 0.3 < values[sha256(n)] < 0.8][:6]  # all of them train by the hash
    table = listed([("a", n) for n in numbers] + [("b", f"b{n}") for n in range(200)])
    found = sides_in("a", table, policy)
    ordered = sorted(found, key=values.get)
    assert [found[content] for content in ordered] == ["test", "train", "train", "train", "train", "val"]

    filling = next(n for n in range(200) if values[sha256(n)] < 0.2)
    more = listed([("a", n) for n in [*numbers, filling]] + [("b", f"b{n}") for n in range(200)])
    after = sides_in("a", more, policy)
    assert after[sha256(filling)] == "test"
    assert {one for one in found if after[one] != found[one]} == {ordered[0]}  # it goes back to train


@pytest.mark.parametrize("size", [1, 2])
def test_a_class_too_small_for_three_splits_is_refused_by_name_with_its_size(size):
    with pytest.raises(DataError, match=f"class cow has {size} pictures .* each of 3 splits needs one"):
        split(manifest({"ant": 50, "cow": size, "owl": 50}), stable())


def test_two_pictures_are_enough_where_val_alone_is_missing():
    both = pd.concat([manifest([2, 9]).assign(folder="train"), manifest([1, 1]).assign(folder="test")])
    table = split(both.assign(index=range(13)), stable())
    assert pd.crosstab(table["class"], table["split"])[SPLITS].to_numpy().min() == 1


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (0.6, 0.6)])
def test_shares_that_leave_nothing_to_train_on_are_refused(val, test):
    with pytest.raises(DataError, match=rf"test {test:g}, val {val:g}, which leaves nothing to train on"):
        split(manifest([50, 50]), stable(val=val, test=test))


# what stays together


def test_copies_of_a_file_meet_in_one_split_whatever_their_classes():
    numbers = [("ab"[n % 2], n // 4) for n in range(800)]  # each file four times, twice in each class
    table = listed(numbers)
    found = split(table, stable())
    content = table.set_index("index")["sha256"].loc[found["index"]].to_numpy()
    assert (found.groupby(content)["split"].nunique() == 1).all()
    assert len(found) == 800


def test_a_class_of_copies_counts_them_once():
    table = listed([("a", n) for n in range(60)] + [("b", 100 + n % 2) for n in range(9)])
    with pytest.raises(DataError, match=r"class b has 9 pictures to deal out, which count as 2 since copies"):
        split(table, stable())


@given(
    patients=st.sets(st.integers(0, 200), min_size=20, max_size=60),
    added=st.sets(st.integers(0, 200), max_size=40),
    each=st.integers(1, 4),
)
@settings(deadline=None, max_examples=40)
def test_groups_stand_still_and_whole_when_groups_and_pictures_are_added(patients, added, each):
    def grouped(patients, each):
        pictures = [("ab"[n % 2], f"{patient} {n}") for patient in sorted(patients) for n in range(2 * each)]
        table = listed(pictures)
        name = {sha256(content): content.split()[0] for _, content in pictures}
        groups = table["sha256"].map(name).to_numpy(object)
        found = split(table, stable(), groups)
        told = pd.Series(found["split"].to_numpy(), groups[found["index"]])
        assert (told.groupby(level=0).nunique() == 1).all()
        return told.groupby(level=0).first().to_dict()

    old, new = grouped(patients, each), grouped(patients | added, each + 1)
    if {by_hash(name, stable()) for name in old} == set(SPLITS):
        assert {name: new[name] for name in old} == old


def test_three_groups_that_each_hold_every_class_are_one_in_each_split():
    table = manifest([9, 9])
    groups = np.array([f"g{row % 3}" for row in range(18)], object)
    for seed in range(20):
        found = split(table, stable(seed), groups)
        assert found.groupby("group")["split"].first().nunique() == 3


def test_a_group_that_holds_all_of_a_class_cannot_be_split():
    groups = np.array(["all of c0"] * 9 + [f"g{row}" for row in range(30)], object)
    with pytest.raises(DataError, match=r"class c0 has 9 pictures to deal out, which count as 1 since"):
        split(manifest([9, 30]), stable(), groups)


def test_what_duplicates_connect_is_hashed_as_one_by_its_least_name():
    names = np.array(["d", "c", "a", "e", "b"], object)
    together = np.array([7, 7, 3, 9, 9])
    assert unit_names(names, None, None).tolist() == ["d", "c", "a", "e", "b"]
    assert unit_names(names, None, together).tolist() == ["c", "c", "a", "b", "b"]
    groups = np.array(["x", "y", "y", "z", "x"], object)  # y by group, x and z by a duplicate
    assert unit_names(names, groups, None).tolist() == ["x", "y", "y", "z", "x"]
    assert unit_names(names, groups, together).tolist() == ["x"] * 5


def test_a_duplicate_more_moves_its_likes_only_where_its_hash_is_the_least():
    """A near duplicate of k pictures has the least hash of all with a chance of 1 / (k + 1)."""
    changed = 0
    for trial in range(600):
        names = np.array([sha256((trial, n)) for n in range(4)], object)
        old, new = (unit_names(names[:size], None, np.zeros(size, int))[0] for size in (3, 4))
        changed += old != new
    assert changed == pytest.approx(150, abs=32)  # three standard deviations
