"""Layouts as public data sets have them: what is understood, what is set aside, what is not guessed."""

import json

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from helpers import packed
from menagerie.archives.layout import find
from menagerie.errors import DataError
from menagerie.params.dataset import AutoLayout, FoldersLayout, NamesLayout, TableLayout
from menagerie.params.section import parse

AUTO = AutoLayout(kind="auto", class_names=None)
JPEG = b"\xff\xd8\xff\xe0"
ANIMALS = ("cat", "dog")


def files(pattern, names=ANIMALS, count=2, content=JPEG):
    return {pattern.format(name=name, n=n): content for name in names for n in range(count)}


def understood(tmp_path, contents, layout=AUTO):
    return find([packed(tmp_path / "a.zip", contents)], layout)


def counts(found):
    """The number of pictures by split and class."""
    table = {}
    for picture in found.pictures:
        key = f"{picture.folder}/{picture.class_name}"
        table[key] = table.get(key, 0) + 1
    return table


def refusal(tmp_path, contents, layout=AUTO):
    with pytest.raises(DataError) as caught:
        understood(tmp_path, contents, layout)
    return str(caught.value)


# class folders


@pytest.mark.parametrize("top", ["", "pets/", "dataset/dataset/", "train/"])
def test_folders_are_classes_however_they_are_wrapped(tmp_path, top):
    found = understood(tmp_path, files(top + "{name}/{n}.jpg"))
    assert counts(found) == {"/cat": 2, "/dog": 2}
    assert found.layout.folders == top + "{class}/**"
    assert found.unlabelled == []


def test_folders_in_class_folders_are_of_that_class(tmp_path):
    contents = (
        files("{name}/{n}.jpg") | files("cat/tabby/{name}{n}.jpg") | files("dog/old/grey/{name}{n}.jpg")
    )
    assert counts(understood(tmp_path, contents)) == {"/cat": 6, "/dog": 6}


def test_folders_that_say_nothing_are_no_classes(tmp_path):
    assert counts(understood(tmp_path, files("{name}/images/{n}.jpg"))) == {"/cat": 2, "/dog": 2}


def test_pictures_beside_class_folders_are_set_aside(tmp_path):
    found = understood(tmp_path, files("{name}/{n}.jpg") | {"logo.png": b"", "cover.jpg": b""})
    assert counts(found) == {"/cat": 2, "/dog": 2}
    assert found.unlabelled == ["cover.jpg", "logo.png"]


def test_a_class_may_be_called_as_a_split_is(tmp_path):
    found = understood(tmp_path, files("{name}/{n}.jpg", ("bus", "train", "test")))
    assert counts(found) == {"/bus": 2, "/test": 2, "/train": 2}
    found = understood(tmp_path, files("{name}/{n}.jpg", ("toy_train", "steam_train")))
    assert counts(found) == {"/steam_train": 2, "/toy_train": 2}


# splits


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("seg_train", "seg_val", "seg_test"),
        ("images_train", "images_valid", "images_test"),
        ("1_train", "2_dev", "3_holdout"),
        ("Train", "Validation", "Evaluation"),
        ("training_set", "val_set", "test-set"),
    ],
)
@pytest.mark.parametrize("top", ["", "dataset/", "dataset/dataset/"])
def test_folders_are_splits_by_a_word_of_their_names(tmp_path, top, train, val, test):
    contents = {}
    for folder, count in ((train, 3), (val, 2), (test, 1)):
        contents |= files(f"{top}{folder}/{{name}}/{{n}}.jpg", count=count)
    expected = {
        f"{split}/{name}": n for split, n in (("train", 3), ("val", 2), ("test", 1)) for name in ANIMALS
    }
    assert counts(understood(tmp_path, contents)) == expected


def test_splits_may_be_wrapped_each_in_its_own_way(tmp_path):
    contents = files("seg_train/seg_train/{name}/{n}.jpg") | files("test/images/{name}/{n}.jpg")
    found = understood(tmp_path, contents)
    assert counts(found) == {"train/cat": 2, "train/dog": 2, "test/cat": 2, "test/dog": 2}
    assert found.layout.splits == {"seg_train/seg_train": "train", "test/images": "test"}


SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")


@pytest.mark.parametrize("pred", ["seg_pred", "seg_pred/seg_pred"])
def test_a_split_without_classes_is_set_aside_and_is_no_class(tmp_path, pred):
    contents = files("seg_train/seg_train/{name}/{n}.jpg", SCENES, 6)
    contents |= files("seg_test/seg_test/{name}/{n}.jpg", SCENES, 3)
    contents |= files(pred + "/{name}{n}.jpg", ("p",), 6)
    assert len(contents) == 60
    found = understood(tmp_path, contents)
    assert counts(found) == {f"train/{name}": 6 for name in SCENES} | {f"test/{name}": 3 for name in SCENES}
    assert found.unlabelled == sorted(name for name in contents if "pred" in name)


def test_a_test_folder_of_pictures_alone_or_of_one_folder_that_is_no_class_is_set_aside(tmp_path):
    labelled = files("train/{name}/{n}.jpg")
    for unlabelled in ("test/{name}{n}.jpg", "test/test/{name}{n}.jpg", "test/unknown/{name}{n}.jpg"):
        found = understood(tmp_path, labelled | files(unlabelled))
        assert counts(found) == {"train/cat": 2, "train/dog": 2}
        assert len(found.unlabelled) == 4


def test_splits_may_lie_in_class_folders(tmp_path):
    found = understood(tmp_path, files("{name}/Train/{n}.jpg") | files("{name}/Test/{n}.jpg"))
    assert counts(found) == {"train/cat": 2, "train/dog": 2, "test/cat": 2, "test/dog": 2}


# the class in the name


@pytest.mark.parametrize(
    "pattern", ["{name}.{n}.jpg", "{name}_{n}.png", "{name} ({n}).jpg", "{name}-{n}-7.jpg", "{name}{n}.jfif"]
)
def test_the_class_stands_before_the_number(tmp_path, pattern):
    assert counts(understood(tmp_path, files(pattern, ("cat", "red fox")))) == {"/cat": 2, "/red fox": 2}


def test_a_folder_of_numbers_alone_beside_one_of_names_is_set_aside(tmp_path):
    found = understood(tmp_path, files("train/{name}.{n}.jpg") | {f"test1/{n}.jpg": b"" for n in range(5)})
    assert counts(found) == {"train/cat": 2, "train/dog": 2}
    assert len(found.unlabelled) == 5


def test_a_pattern_may_be_given(tmp_path):
    contents = {
        "2021-cat-left.jpg": b"",
        "2021-dog-left.jpg": b"",
        "2022-dog-right.jpg": b"",
        "cover.jpg": b"",
    }
    layout = NamesLayout(kind="names", pattern=r"\d+-(?P<class>\w+)-.*", splits=None, class_names=None)
    found = understood(tmp_path, contents, layout)
    assert counts(found) == {"/cat": 1, "/dog": 2}
    assert found.unlabelled == ["cover.jpg"]


@pytest.mark.parametrize("names", [("IMG_", "DSC_"), ("img", "cat")])
def test_names_that_cameras_give_are_no_classes(tmp_path, names):
    contents = files("{name}{n:04d}.jpg", names)
    assert "nothing tells the classes" in refusal(tmp_path, contents)


# tables


def csv(rows, delimiter=","):
    return "\n".join(delimiter.join(row) for row in rows).encode()


NAMED = {
    "full": "pictures/{}.jpg",
    "file": "{}.jpg",
    "stem": "{}",
    "elsewhere": "/kaggle/input/pictures/{}.jpg",
}
NAMED |= {"dot": "./pictures/{}.jpg", "windows": "pictures\\{}.jpg"}


@pytest.mark.parametrize("written", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize(("path", "label"), [("image_id", "dx"), ("filename", "class"), ("Image", "Label")])
def test_labels_stand_in_a_table_whatever_way_it_names_the_pictures(tmp_path, written, path, label):
    rows = [(path, label, "age"), *((written.format(n), ANIMALS[n % 2], "7") for n in range(6))]
    contents = {f"pictures/{n}.jpg": b"" for n in range(7)} | {"labels.csv": csv(rows)}
    found = understood(tmp_path, contents)
    assert counts(found) == {"/cat": 3, "/dog": 3}
    assert found.layout.tables == {"labels.csv": None}
    assert found.unlabelled == ["pictures/6.jpg"]
    assert found.passed_over == {}


@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("csv", ";"), ("csv", "\t"), ("tsv", "\t")])
def test_a_table_may_be_parted_in_any_of_the_usual_ways(tmp_path, suffix, delimiter):
    table = b"\xef\xbb\xbf" + csv([("file", "label"), ("1.jpg", "cat"), ("2.jpg", "dog")], delimiter)
    found = understood(tmp_path, {"1.jpg": b"", "2.jpg": b"", f"labels.{suffix}": table})
    assert counts(found) == {"/cat": 1, "/dog": 1}


def test_json_lines_are_a_table(tmp_path):
    lines = [{"file_name": f"{n}.png", "label": n % 2, "boxes": [1]} for n in range(4)]
    contents = {f"train/{n}.png": b"" for n in range(4)}
    contents["train/metadata.jsonl"] = "\n".join(map(json.dumps, lines)).encode()
    assert counts(understood(tmp_path, contents)) == {"/0": 2, "/1": 2}


def test_one_table_a_split_may_name_pictures_of_the_same_names(tmp_path):
    contents = files("{name}/{n}.jpg", ("train", "test"))
    for split, labels in (("train", ANIMALS), ("test", ANIMALS[::-1])):
        contents[f"{split}.csv"] = csv([("id", "label"), ("0", labels[0]), ("1", labels[1])])
    found = understood(tmp_path, contents)
    assert found.layout.tables == {"test.csv": "test", "train.csv": "train"}
    labels = {picture.path: (picture.folder, picture.class_name) for picture in found.pictures}
    assert labels == {
        "train/0.jpg": ("train", "cat"),
        "train/1.jpg": ("train", "dog"),
        "test/0.jpg": ("test", "dog"),
        "test/1.jpg": ("test", "cat"),
    }


def test_a_table_may_hold_split_and_group(tmp_path):
    rows = [("path", "label", "split", "patient_id")]
    rows += [(f"{n}.jpg", ANIMALS[n % 2], ("Training", "dev", "test")[n // 2], f"p{n}") for n in range(6)]
    found = understood(tmp_path, {f"{n}.jpg": b"" for n in range(6)} | {"all.csv": csv(rows)})
    assert counts(found) == {f"{split}/{name}": 1 for split in ("train", "val", "test") for name in ANIMALS}
    assert {picture.path: picture.group for picture in found.pictures} == {
        f"{n}.jpg": f"p{n}" for n in range(6)
    }


def test_a_table_of_what_folders_say_already_names_its_columns_in_its_own_way(tmp_path):
    contents = files("train/{name}/{n}.jpg") | files("valid/{name}/{n}.jpg")
    rows = [("class id", "filepaths", "labels", "data set")]
    rows += [("1", path, path.split("/")[1], path.split("/")[0]) for path in contents]
    found = understood(tmp_path, contents | {"birds.csv": csv(rows)})
    assert counts(found) == {"train/cat": 2, "train/dog": 2, "val/cat": 2, "val/dog": 2}
    assert found.layout.kind == "folders"


def test_a_row_without_a_picture_is_listed_and_a_picture_without_a_label_set_aside(tmp_path):
    rows = [("path", "label"), ("1.jpg", "cat"), ("2.jpg", "dog"), ("3.jpg", ""), ("gone.jpg", "dog")]
    found = understood(tmp_path, {f"{n}.jpg": b"" for n in (1, 2, 3)} | {"labels.csv": csv(rows)})
    assert found.unlabelled == ["3.jpg"]
    assert found.passed_over == {"row of a table without a picture": ["labels.csv: gone.jpg"]}


def test_a_class_by_name_and_by_number_is_one_label(tmp_path):
    rows = [("path", "label", "class"), ("1.jpg", "0", "cat"), ("2.jpg", "1", "dog")]
    found = understood(tmp_path, {"1.jpg": b"", "2.jpg": b"", "labels.csv": csv(rows)})
    assert counts(found) == {"/cat": 1, "/dog": 1}


def test_columns_may_be_given(tmp_path):
    rows = [("a", "b", "c"), ("1", "x", "cat"), ("2", "y", "dog")]
    columns = {"path_column": "a", "label_column": "c", "split_column": None, "group_column": None}
    layout = TableLayout(kind="table", tables={"t.csv": None}, splits=None, class_names=None, **columns)
    contents = {"1.jpg": b"", "2.jpg": b"", "t.csv": csv(rows)}
    assert counts(understood(tmp_path, contents, layout)) == {"/cat": 1, "/dog": 1}
    wrong = layout.model_copy(update={"label_column": "d"})
    assert "'t.csv' has no column 'd'" in refusal(tmp_path, contents, wrong)
    gone = layout.model_copy(update={"tables": {"u.csv": None}})
    assert "names 'u.csv', which is not there" in refusal(tmp_path, contents, gone)


def test_a_table_that_says_two_things_of_a_picture_is_refused(tmp_path):
    rows = [("path", "label"), ("1.jpg", "cat"), ("2.jpg", "dog"), ("1.jpg", "dog")]
    said = refusal(tmp_path, {"1.jpg": b"", "2.jpg": b"", "labels.csv": csv(rows)})
    assert "says two things of '1.jpg'" in said


def test_a_row_that_may_mean_two_pictures_is_refused(tmp_path):
    contents = {f"{folder}/{n}.jpg": b"" for folder in "ab" for n in (1, 2)}
    layout = TableLayout(
        kind="table", tables={"t.csv": None}, path_column="path", label_column="label", split_column=None,
        group_column=None, splits=None, class_names=None,
    )  # fmt: skip
    contents["t.csv"] = csv([("path", "label"), ("1.jpg", "cat"), ("2.jpg", "dog")])
    assert "may mean 'a/1.jpg' and 'b/1.jpg'" in refusal(tmp_path, contents, layout)


def test_a_table_without_names_of_columns_loses_no_first_row_and_is_told(tmp_path):
    rows = [("1.jpg", "cat"), ("2.jpg", "dog"), ("3.jpg", "cat"), ("4.jpg", "dog")]
    contents = {f"{n}.jpg": b"" for n in (1, 2, 3, 4)} | {"labels.csv": csv(rows)}
    assert "'labels.csv' has the columns 1.jpg, cat, by its first line" in refusal(tmp_path, contents)


def test_a_table_with_two_columns_of_one_name_is_not_guessed_and_is_told(tmp_path):
    rows = [("path", "label", "label"), ("1.jpg", "cat", "0"), ("2.jpg", "dog", "1")]
    contents = {"1.jpg": b"", "2.jpg": b"", "labels.csv": csv(rows)}
    assert "two columns are called 'label'" in refusal(tmp_path, contents)


def test_columns_without_a_name_are_no_twins(tmp_path):
    rows = [("path", "label", "", ""), ("1.jpg", "cat", "", "x"), ("2.jpg", "dog", "", "y")]
    found = understood(tmp_path, {"1.jpg": b"", "2.jpg": b"", "labels.csv": csv(rows)})
    assert counts(found) == {"/cat": 1, "/dog": 1}


def test_a_table_in_another_encoding_is_told_where_nothing_else_tells_the_classes(tmp_path):
    table = "path,label\n1.jpg,Käse\n2.jpg,Öl\n".encode("latin-1")
    said = refusal(tmp_path, {"1.jpg": b"", "2.jpg": b"", "labels.csv": table})
    assert "'labels.csv' is no table in UTF-8" in said


# two readings


def test_a_table_that_says_what_the_folders_say_is_no_second_reading(tmp_path):
    rows = [("path", "label"), *((f"{name}/{n}.jpg", name) for name in ANIMALS for n in range(2))]
    found = understood(tmp_path, files("{name}/{n}.jpg") | {"labels.csv": csv(rows)})
    assert found.layout.kind == "folders"
    assert found.passed_over == {"no picture (.csv)": ["labels.csv"]}


TWO_READINGS = {
    "table or folders": (
        files("batch{name}/{n}.jpg", ("1", "2"))
        | {
            "t.csv": csv(
                [("path", "label"), *((f"batch{b}/{n}.jpg", ANIMALS[n]) for b in (1, 2) for n in (0, 1))]
            )
        },
        ["--folders '{class}/**'", "--table 't.csv' --path-column 'path' --label-column 'label'"],
    ),
    "outer or inner folders": (
        files("pets/{name}/{n}.jpg") | files("farm/{name}/{n}.jpg", ("cow", "hen")),
        ["--folders '{class}/**'", "--folders '*/{class}/**'"],
    ),
    "a class or a copy of the whole": (
        files("flowers/{name}/{n}.jpg") | files("flowers/flowers/{name}/{n}.jpg"),
        ["--folders 'flowers/{class}/**'", "--folders '{class}'"],
    ),
    "a split or a class": (
        files("train/{name}/{n}.jpg") | files("bus/{n}.jpg", ("bus",)),
        ["--folders '{folder}/{class}/**'", "--folders '{class}/**'"],
    ),
    "test and evaluation": (
        files("train/{name}/{n}.jpg") | files("test/{name}/{n}.jpg") | files("evaluation/{name}/{n}.jpg"),
        ["--split 'evaluation=test'", "--split 'evaluation=val'"],
    ),
    "two columns": (
        {f"{n}.jpg": b"" for n in range(4)}
        | {
            "t.csv": csv(
                [("id", "species", "breed"), *((str(n), "ab"[n % 2], "xy"[n // 2]) for n in range(4))]
            )
        },
        ["--label-column 'species'", "--label-column 'breed'"],
    ),
}


@pytest.mark.parametrize(("contents", "expected"), TWO_READINGS.values(), ids=TWO_READINGS)
def test_two_readings_are_both_told_with_what_chooses_one_and_nothing_is_guessed(
    tmp_path, contents, expected
):
    said = refusal(tmp_path, contents)
    assert said.startswith("2 readings are possible")
    for flag in expected:
        assert said.count(flag) == 1


# nothing is lost


def test_what_is_no_picture_is_listed_by_reason(tmp_path):
    contents = files("{name}/{n}.jpg") | {
        "a/notes.txt": b"x",
        "README": b"x",
        ".x.jpg": b"",
        "cat/film.mp4": b"x",
    }
    assert understood(tmp_path, contents).passed_over == {
        "hidden": [".x.jpg"],
        "no picture (.mp4)": ["cat/film.mp4"],
        "no picture (.txt)": ["a/notes.txt"],
        "no picture (no suffix)": ["README"],
    }


def test_pictures_of_any_suffix_or_of_none_are_used(tmp_path):
    contents = (
        files("cat/{n}.jfif") | files("dog/{n}") | files("owl/{n}.dat") | files("fox/{n}.jpe", content=b"")
    )
    assert counts(understood(tmp_path, contents)) == {"/cat": 2, "/dog": 2, "/fox": 2, "/owl": 2}


@pytest.mark.parametrize("top", ["", "train/"])
def test_a_class_folder_that_yields_no_picture_is_an_error_that_names_it(tmp_path, top):
    contents = files(top + "{name}/{n}.jpg") | {f"{top}owl/{n}.psd": b"8BPS" for n in range(3)}
    if top:
        contents |= files("test/{name}/{n}.jpg")
    said = refusal(tmp_path, contents)
    assert f"the folder '{top}owl' is one of a class and yields no picture: 3 no picture (.psd)" in said


def test_a_folder_that_is_left_out_whole_is_seen_in_what_was_left_out(tmp_path):
    archive = packed(tmp_path / "a.zip", files("{name}/{n}.jpg"))
    with pytest.raises(
        DataError, match="the folder 'owl' is one of a class and yields no picture: 1 empty folder"
    ):
        find([archive], AUTO, {"empty folder": ["owl/"]})


def test_a_folder_of_documents_is_no_class(tmp_path):
    found = understood(tmp_path, files("{name}/{n}.jpg") | {"docs/a.txt": b"x", "docs/b.pdf": b"x"})
    assert counts(found) == {"/cat": 2, "/dog": 2}


def test_twins_across_splits_are_refused_and_joined_by_class_names(tmp_path):
    contents = files("train/{name}/{n}.jpg", ("Cat", "dog")) | files("test/{name}/{n}.jpg")
    assert "U+0043 U+0061 U+0074" in refusal(tmp_path, contents)
    found = understood(tmp_path, contents, AutoLayout(kind="auto", class_names={"Cat": "cat"}))
    assert counts(found) == {"train/cat": 2, "train/dog": 2, "test/cat": 2, "test/dog": 2}


PARTS = st.sampled_from(["cat", "dog", "owl", "train", "test", "val", "images", "seg_pred", "a b", "Müller"])
FILES = st.sampled_from(
    ["1.jpg", "2.png", "cat.1.jpg", "dog_2.jpg", "x.jfif", "y", "notes.txt", ".hidden", "t.csv"]
)
CONTENTS = st.sampled_from([JPEG, b"", b"text", b"path,label\n1,cat\n2,dog\n"])
TREES = st.dictionaries(
    st.tuples(st.lists(PARTS, max_size=3), FILES).map(lambda parts: "/".join([*parts[0], parts[1]])),
    CONTENTS,
    min_size=1,
    max_size=25,
)
LAYOUTS = [{"kind": "folders", "folders": folders, "splits": None} for folders in ("{class}/**", "{class}")]
LAYOUTS += [{"kind": "names", "pattern": r"(?P<class>[a-z]+).*", "splits": None}, {"kind": "auto"}]


@settings(max_examples=300, deadline=None)
@given(TREES, st.sampled_from(LAYOUTS))
def test_every_file_of_any_tree_is_used_or_without_a_class_or_listed_with_a_reason(
    tmp_path_factory, tree, layout
):
    tree = {"cat/cat.0.jpg": JPEG, "dog/dog.0.jpg": JPEG} | tree
    archive = packed(tmp_path_factory.mktemp("tree") / "a.tar", tree)
    section = {"names": NamesLayout, "folders": FoldersLayout, "auto": AutoLayout}[layout["kind"]]
    try:
        found = find([archive], parse(section, layout | {"class_names": None}, "layout"))
    except DataError:
        reject()  # as a whole; where most trees are, the test fails
    listed = [name for reason, names in found.passed_over.items() if "row of" not in reason for name in names]
    tables = list(getattr(found.layout, "tables", {}))
    pictures = [picture.path for picture in found.pictures]
    assert sorted([*pictures, *found.unlabelled, *listed, *tables]) == sorted(tree)


# As Fruits-360, Dog Breed Identification, Dogs vs. Cats, Tiny ImageNet, Chest X-Ray and the Oxford pets lie.
PUBLIC = {
    "fruits": (
        files("fruits-360/Training/{name}/{n}.jpg")
        | files("fruits-360/Test/{name}/{n}.jpg")
        | {"fruits-360/test-multiple_fruits/a.jpg": b"", "fruits-360/papers/a.jpg": b""},
        {"train/cat": 2, "train/dog": 2, "test/cat": 2, "test/dog": 2},
        2,
    ),
    "dog breeds": (
        {f"{top}/{top}{n}a.jpg": b"" for top in ("train", "test") for n in range(4)}
        | {"labels.csv": csv([("id", "breed"), *((f"train{n}a", ANIMALS[n % 2]) for n in range(4))])}
        | {"sample_submission.csv": csv([("id", "cat", "dog"), ("test0a", "0", "1")])},
        {"train/cat": 2, "train/dog": 2},
        4,
    ),
    "dogs and cats": (
        files("train/{name}.{n}.jpg") | files("test1/{n}.jpg", ("",), 3),
        {"train/cat": 2, "train/dog": 2},
        3,
    ),
    "tiny": (
        files("tiny/train/{name}/images/{name}_{n}.JPEG") | files("tiny/val/images/val_{n}.JPEG", ("",), 3),
        {"train/cat": 2, "train/dog": 2},
        3,
    ),
    "chest": (
        files("chest/train/{name}/{n}.jpg")
        | files("chest/val/{name}/{n}.jpg")
        | files("chest/chest/train/{name}/{n}.jpg")
        | files("chest/chest/val/{name}/{n}.jpg"),
        {"train/cat": 2, "train/dog": 2, "val/cat": 2, "val/dog": 2},
        8,
    ),
    "pets": (files("images/{name}_{n}.jpg", ("Abyssinian", "great_pyrenees")), None, 0),
}


@pytest.mark.parametrize(("contents", "expected", "unlabelled"), PUBLIC.values(), ids=PUBLIC)
def test_public_data_sets_are_read_as_they_are_meant(tmp_path, contents, expected, unlabelled):
    found = understood(tmp_path, contents)
    assert counts(found) == (expected or {"/Abyssinian": 2, "/great_pyrenees": 2})
    assert len(found.unlabelled) == unlabelled
