"""`menagerie add` and `menagerie use`: own pictures as a data set of conf/."""

import shutil
import struct
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from helpers import ROOT, packed
from helpers import run as command
from menagerie.archives.layout import find
from menagerie.cli.main import main
from menagerie.params import Params
from menagerie.params.composing import composed
from menagerie.params.dataset import Dataset
from menagerie.params.section import parse

CONF = Path("conf/dataset")
SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """A repository with this one's conf/."""
    path = tmp_path / "repository"
    shutil.copytree(ROOT / "conf", path / "conf")
    monkeypatch.chdir(path)
    return path


def draw(folder, names, size=(150, 100), kind="JPEG"):
    """Pictures of one colour each, of this width and height."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number % 256, 99, 0)).save(folder / name, kind)
    return folder


def animals(folder, **how):
    return draw(folder, [f"{name}/{n}.jpg" for name in ("cat", "dog") for n in range(4)], **how)


@pytest.fixture
def scenes(tmp_path):
    names = [f"seg_train/seg_train/{name}/{n}.jpg" for name in SCENES for n in range(6)]
    names += [f"seg_test/seg_test/{name}/{n}.jpg" for name in SCENES for n in range(3)]
    return draw(tmp_path / "scenes", [*names, *(f"seg_pred/{n}.jpg" for n in range(6))])


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def said(*arguments):
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    return done.stderr


def dataset(name):
    return parse(Dataset, composed(f"dataset={name}")["dataset"], name)


def added(name):
    return (CONF / f"{name}.yaml").read_text(encoding="utf-8")


# what is understood


def test_scenes_have_six_classes_the_given_split_and_the_unlabelled_set_aside(scenes):
    printed = said("add", "scenes", scenes).splitlines()
    assert printed[3:13] == [
        "| class     |   train |   test |   all |",
        "|-----------|---------|--------|-------|",
        *(f"| {name:<9} |       6 |      3 |     9 |" for name in SCENES),
        "| all       |      36 |     18 |    54 |",
        "",
    ]
    assert (
        "without a class, set aside: 6, 'seg_pred/0.jpg', 'seg_pred/1.jpg', 'seg_pred/2.jpg', ..." in printed
    )
    assert "passed over: nothing" in printed
    layout = dataset("scenes").layout
    assert layout.splits == {
        "seg_pred": "unlabelled", "seg_test/seg_test": "test", "seg_train/seg_train": "train"
    }  # fmt: skip
    assert (
        "# Classes in the order of their labels: [buildings, forest, glacier, mountain, sea, street]"
        in added("scenes")
    )


AWKWARD = "it's ü & a=b #1 [x] (y) !, ~z"


def test_what_is_written_composes_to_what_was_understood_whatever_the_path(tmp_path):
    own = animals(tmp_path / AWKWARD)
    said("add", "pets", own)
    pets = dataset("pets")
    assert pets.source.path == str(own)
    assert pets.title == AWKWARD
    assert pets.layout.folders == "{class}/**"
    assert composed("dataset=pets")["watch"] == "data/pets/look.json"


def test_names_that_yaml_takes_for_something_else_stay_as_they_are(tmp_path):
    own = draw(
        tmp_path / "own", [f"{split}/{name}/1.jpg" for split in ("1_train", "null: test") for name in "ab"]
    )
    said("add", "odd", own, "--class", "a=1e5", "--class", "b=no", "--title", "yes")
    odd = dataset("odd")
    assert odd.title == "yes"
    assert odd.layout.splits == {"1_train": "train", "null: test": "test"}
    assert odd.layout.class_names == {"a": "1e5", "b": "no"}


def test_a_zip_is_read_as_a_folder_is(tmp_path, scenes):
    contents = {str(path.relative_to(scenes)): path.read_bytes() for path in scenes.rglob("*.jpg")}
    from_folder = said("add", "scenes", scenes)
    from_zip = said("add", "scenes", packed(tmp_path / "scenes.zip", contents), "--replace")
    assert from_zip.splitlines()[1:] == from_folder.splitlines()[1:]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((150, 100), (100, 150)), ((28, 28), (28, 28)), ((640, 480), (224, 224)), ((500, 224), (224, 224))],
)
def test_pictures_of_one_size_keep_it_unless_it_is_large(tmp_path, size, expected):
    said("add", "pets", animals(tmp_path / "own", size=size))
    assert dataset("pets").image_size == expected


def test_pictures_of_several_sizes_are_brought_to_a_square_as_their_median(tmp_path):
    own = animals(tmp_path / "own", size=(200, 130))
    printed = said("add", "pets", draw(own, ["cat/large.jpg"], size=(3000, 2000)))
    (line,) = (line for line in printed.splitlines() if line.startswith("size: "))
    told = "200 x 130 pixels (median of 9 pictures, 200 x 130 to 3000 x 2000)"
    assert line == f"size: {told}; proposed image_size 128 x 128"
    assert dataset("pets").image_size == (128, 128)


def test_what_is_passed_over_or_doubtful_is_said(tmp_path):
    own = animals(tmp_path / "own")
    (own / "notes.txt").write_bytes(b"x")
    (own / "cat/.DS_Store").write_bytes(b"x")
    (own / "cat/page.jpg").write_bytes(b"<html>")
    draw(own, ["images/1.jpg"])
    printed = said("add", "pets", own).splitlines()
    assert "passed over, hidden: 1, 'cat/.DS_Store'" in printed
    assert "passed over, no picture (.txt): 1, 'notes.txt'" in printed
    assert "doubtful: 'images': does it name a class?" in printed
    assert (
        "doubtful: called as pictures are, but no picture by their first bytes: 1, 'cat/page.jpg'" in printed
    )
    assert "doubtful: cannot be opened: 1, 'cat/page.jpg'" in printed


def test_a_picture_of_two_hundred_megapixels_is_measured_as_any_other(tmp_path):
    own = animals(tmp_path / "own")
    small = (own / "cat/0.jpg").read_bytes()
    in_frame = struct.pack(">HH", 100, 150), struct.pack(">HH", 12240, 16320)  # height and width
    assert small.count(in_frame[0]) == 1
    (own / "cat/0.jpg").write_bytes(small.replace(*in_frame))
    printed = said("add", "pets", own)
    assert "size: 150 x 100 pixels (median of 8 pictures, 150 x 100 to 16320 x 12240)" in printed
    assert "doubtful" not in printed


def test_of_many_classes_forty_lines_are_shown_and_the_rest_counted(tmp_path):
    own = draw(
        tmp_path / "own", [f"c{name:02d}/{n}.jpg" for name in range(60) for n in range(3)], size=(8, 8)
    )
    printed = said("add", "many", own).splitlines()
    assert "| c38                 |          3 |" in printed
    assert "| and 21 more classes |         63 |" in printed
    assert "| all                 |        180 |" in printed


# two readings


def test_two_readings_are_shown_and_each_command_shown_chooses_its_own(tmp_path):
    own = tmp_path / "my animals"
    draw(
        own, [f"{top}/{n}.jpg" for top in ("pets/cat", "pets/dog", "farm/cow", "farm/hen") for n in range(3)]
    )
    message = refused("add", "mine", own)
    assert not (CONF / "mine.yaml").exists()
    commands = [line.strip() for line in message.splitlines() if line.startswith("    menagerie")]
    assert commands == [
        f"menagerie add mine '{own}' --folders '{{class}}/**'",
        f"menagerie add mine '{own}' --folders '*/{{class}}/**'",
    ]
    said("add", "mine", own, "--folders", "{class}/**")
    assert "# 12 pictures of 2 classes" in added("mine")
    said("add", "mine", own, "--folders", "*/{class}/**", "--replace")
    assert "# 12 pictures of 4 classes" in added("mine")


def test_a_folder_s_use_may_be_given(tmp_path):
    own = draw(
        tmp_path / "own",
        [f"{top}/{name}/{n}.jpg" for top in ("train", "test", "evaluation") for name in "ab" for n in (1, 2)],
    )
    assert "--split 'evaluation=val'" in refused("add", "mine", own)
    said("add", "mine", own, "--split", "evaluation=unlabelled")
    assert dataset("mine").layout.splits == {"evaluation": "unlabelled", "test": "test", "train": "train"}
    assert "expected" in run("add", "mine", own, "--split", "evaluation").stderr
    wrong = run("add", "mine", own, "--split", "evaluation=dev", "--replace")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "evaluation: unknown use 'dev'; known: test, train, unlabelled, val" in wrong.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--split", "nowhere=test"),
            "--split: unknown folder 'nowhere'; known: seg_pred, seg_test, seg_train",
        ),
        (("--class", "forrest=wood"), "--class: unknown class 'forrest'; did you mean 'forest'?"),
        (
            ("--folders", "{class}/**", "--split", "seg_pred=unlabelled"),
            "--split says what {folder} is for, and the folders {class}/** have none",
        ),
    ],
)
def test_a_flag_that_means_nothing_in_the_reading_is_refused(scenes, flags, message):
    assert message in refused("add", "scenes", scenes, *flags)
    assert not (CONF / "scenes.yaml").exists()


def test_a_class_that_the_given_train_lacks_is_doubtful(tmp_path):
    own = draw(tmp_path / "own", [f"train/{name}/{n}.jpg" for name in ("cat", "dog") for n in range(3)])
    draw(own, [f"test/{name}/{n}.jpg" for name in ("cat", "fox") for n in range(3)])
    assert "doubtful: 'fox': no picture of it is in train" in said("add", "pets", own)


def test_a_path_is_written_without_steps_upwards(tmp_path):
    own = animals(tmp_path / "own")
    said("add", "pets", own / "cat" / "..")
    assert dataset("pets").source.path == str(own.resolve())
    assert dataset("pets").title == "own"


def test_table_columns_and_patterns_may_be_given(tmp_path):
    own = draw(tmp_path / "own", [f"{kind}-{n}.png" for kind in ("left cat", "right dog") for n in range(2)])
    rows = ["a,b,c", *(f"{path.stem},{path.stem.split()[1][:3]},x" for path in sorted(own.glob("*.png")))]
    (own / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    said("add", "by_name", own, "--pattern", r"\w+ (?P<class>\w+)-.*")
    assert "[cat, dog]" in added("by_name")
    assert "no table names pictures and their labels: 't.csv' has the columns a, b, c" in refused(
        "add", "by_table", own, "--table", "t.csv"
    )
    said("add", "by_table", own, "--table", "t.csv", "--label-column", "b")
    assert "[cat, dog]" in added("by_table")
    assert dataset("by_table").layout.path_column == "a"
    assert "should have a group (?P<class>...)" in refused("add", "wrong", own, "--pattern", ".*")


def test_what_is_written_finds_the_same_pictures_again(tmp_path, scenes):
    """Of every kind of layout, when the archive is read by what conf/ says."""
    table = "id;label\n" + "\n".join(f"{n};{'ab'[n % 2]}" for n in range(6))
    draw(tmp_path / "table", [f"img/{n}.jpg" for n in range(6)])
    (tmp_path / "table/labels.csv").write_text(table, encoding="utf-8")
    draw(tmp_path / "names", [f"{kind}.{n}.jpg" for kind in ("cat", "dog") for n in range(3)])
    for name, pictures in (("scenes", 54), ("table", 6), ("names", 6)):
        folder = tmp_path / name
        said("add", name, folder)
        contents = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}
        found = find([packed(tmp_path / f"{name}.zip", contents)], dataset(name).layout)
        assert len(found.pictures) == pictures


# what is refused


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("My Pets", "my_my_pets"), ("pets.v2", "my_pets_v2"), ("Ü", "my"), ("123", "my_123"),
        ("1e5", "my_1e5"), ("null", "my_null"), ("inf", "my_inf"), ("_self_", "my_self"),
        ("folder", "my_folder"),
    ],
)  # fmt: skip
def test_a_name_that_settings_cannot_have_is_refused_with_one_that_they_can(tmp_path, name, proposed):
    own = animals(tmp_path / "own")
    assert f"of conf/, such as {proposed!r}" in refused("add", name, own, "--replace")
    said("add", proposed, own)


def test_an_archive_of_archives_alone_is_told_as_such(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"cat/1.jpg": b"", "dog/1.jpg": b""}).read_bytes()
    outer = packed(tmp_path / "outer.zip", {"inner.zip": inner})
    assert "an archive in an archive is to be unpacked" in refused("add", "pets", outer)


def test_a_data_set_that_is_there_is_not_written_over(tmp_path):
    own = animals(tmp_path / "own")
    before = added("digits")
    assert "write it anew with --replace" in refused("add", "digits", own)
    assert added("digits") == before


def test_a_path_that_settings_would_take_for_a_reference_is_refused(tmp_path):
    assert "which settings take for a reference" in refused("add", "pets", animals(tmp_path / "${seed}"))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "there is no such folder" in refused("add", "pets", tmp_path / "nowhere")
    assert not (CONF / "pets.yaml").exists()


def test_twins_are_refused_and_joined_by_a_flag(tmp_path):
    own = draw(animals(tmp_path / "own"), ["Cat /1.jpg"])
    message = refused("add", "pets", own)
    assert "U+0043 U+0061 U+0074 U+0020" in message
    assert "U+0063 U+0061 U+0074" in message
    assert "--class 'Cat =cat'" in message
    said("add", "pets", own, "--class", "Cat =cat")
    assert dataset("pets").layout.class_names == {"Cat ": "cat"}


# menagerie use


def test_a_data_set_becomes_the_default_and_says_what_it_changed(tmp_path):
    own = animals(tmp_path / "own")
    said("add", "pets", own)
    printed = said("use", "pets")
    assert "dataset: digits -> pets; study: quickstart -> null" in printed
    values = composed()
    assert values["dataset"]["name"] == "pets"
    assert values["study"] is None
    written = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    assert parse(Params, written, "params.yaml") == parse(Params, values, "conf")
    assert composed("model=cnn", "seed=7")["dataset"]["source"]["path"] == str(own)
    assert composed("study=animals10")["dataset"]["name"] == "animals10"


def test_only_the_lines_of_the_data_set_and_of_the_study_change():
    config = Path("conf/config.yaml")
    before = config.read_text(encoding="utf-8").splitlines()
    said("use", "sign_digits")
    after = config.read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split("#")[0].strip() for line in changed] == ["- dataset: sign_digits", "- study: null"]


def test_a_data_set_that_is_not_known_or_cannot_be_composed_changes_nothing(repository):
    before = (repository / "conf/config.yaml").read_bytes()
    assert "did you mean 'digits'?" in refused("use", "digit")
    (CONF / "broken.yaml").write_text("defaults: [nothing]\n", encoding="utf-8")
    assert "cannot be composed" in refused("use", "broken")
    assert (repository / "conf/config.yaml").read_bytes() == before
    assert not (repository / "params.yaml").exists()


def test_a_column_of_patients_keeps_each_of_them_in_one_split(tmp_path):
    own = draw(tmp_path / "own", [f"{number}.jpg" for number in range(6)])
    rows = ["image,diagnosis,patient_id", *(f"{n},{'ill' if n % 2 else 'well'},p{n // 2}" for n in range(6))]
    (own / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    said("add", "clinic", own)
    assert dataset("clinic").layout.group_column == "patient_id"
    assert dataset("clinic").groups.kind == "table"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names as UTF-8 whatever is set")
def test_where_python_reads_names_as_ascii_that_is_told_and_no_right_name_is_blamed(repository, tmp_path):
    own = draw(
        tmp_path / "own", [f"{name}/{n}.png" for name in ("grün", "red") for n in range(3)], kind="PNG"
    )
    added = ("python", "-c", "from menagerie.cli.main import main; main()", "add", "mine", str(own))
    ascii_names = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    source = str(ROOT / "src")
    failed = command(repository, *added, PYTHONPATH=source, **ascii_names)
    assert failed.returncode == 1
    assert "Python reads names as ascii here, expected utf-8; `export PYTHONUTF8=1`" in failed.stderr
    assert "rename" not in failed.stderr
    mended = command(repository, *added, PYTHONPATH=source, **ascii_names | {"PYTHONUTF8": "1"})
    assert mended.returncode == 0, mended.stderr
