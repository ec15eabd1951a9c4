"""What `python src download` prints and writes of a person's own pictures."""

import pytest
import yaml

from helpers import composed
from menagerie import paths
from menagerie.errors import DataError
from menagerie.files import read_json
from stages import download

JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of two classes in two splits, and params.yaml that names it."""
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    folder = tmp_path / "my pictures"
    for name in (
        "seg_train/cat/1",
        "seg_train/cat/2",
        "seg_train/dog/1",
        "seg_test/cat/3",
        "seg_test/dog/2",
        "seg_pred/1",
    ):
        path = folder / f"{name}.jfif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG + name.encode())
    (folder / "README.txt").write_text("of mine", encoding="utf-8")
    values = composed("dataset=folder")
    values["dataset"]["source"]["path"] = str(folder)
    paths.PARAMS.write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder


def test_what_was_understood_is_said_in_three_lines_and_written_down(own, capsys):
    download.main()
    assert capsys.readouterr().out.splitlines()[:3] == [
        "download: read by the folders {folder}/{class}/**: 2 classes, cat, dog, in the splits train, test",
        "download: 5 pictures: 3 in train, 2 in test",
        "download: not used: 1 pictures without a class, set aside; 1 no picture (.txt)",
    ]
    written = read_json(paths.source("folder"))
    assert written["pictures"] == 5
    assert written["unlabelled"] == 1
    assert written["passed_over"] == {"no picture (.txt)": 1}
    assert written["examples"] == {"no class": ["seg_pred/1.jfif"], "no picture (.txt)": ["README.txt"]}
    assert written["layout"]["splits"] == {"seg_pred": "unlabelled", "seg_test": "test", "seg_train": "train"}


def test_two_readings_are_refused_and_nothing_is_left(own, capsys):
    (own / "more/cat").mkdir(parents=True)
    (own / "more/cat/9.jpg").write_bytes(JPEG)
    with pytest.raises(DataError, match="2 readings are possible"):
        download.main()
    assert not paths.raw("folder").exists()
    assert not paths.source("folder").exists()


def test_a_class_folder_without_a_picture_is_refused_by_name(own, monkeypatch):
    monkeypatch.setattr("menagerie.archives.kinds.find_spec", lambda name: None)  # as without the extra
    (own / "seg_train/owl").mkdir()
    (own / "seg_train/owl/1.heic").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"'seg_train/owl' is one of a class .*1 HEIC, .*pip install -e '.\[heic\]'"
    ):
        download.main()
