"""The table of the pictures, whatever their names."""

import hashlib

import pandas as pd
import pytest
from PIL import Image

from broken_pictures import HEIGHT, WIDTH, encoded
from helpers import packed, prepared
from menagerie.archives.layout import find, find_pictures
from menagerie.errors import DataError
from menagerie.params.dataset import AutoLayout
from menagerie.prepare.manifest import check_readable, class_names

ODD_NAMES = [
    "000",
    "NA",
    "1e5",
    "nan",
    "-1",
    "",
    "None",
    "a,b",
    'say "cat"',
    "it's",
    " spaces ",
    "línea\nnueva",
]
ODD_NAMES += ["a\rb", "a\r\nb", "犬", "кот", "قط", "#", "=1+1", "\u2028", "😀", "e\u0301"]


def test_odd_names_of_classes_files_and_folders_survive(tmp_path):
    odd = [name for name in ODD_NAMES if name]
    picture = encoded(Image.new("RGB", (2, 2)), "PNG")
    files = {f"top\nfolder/{name}/{name}/{name}.png": picture for name in odd}
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{folder}/{class}")
    _, manifest = prepared(pictures, tmp_path)
    assert manifest["class"].tolist() == manifest["folder"].tolist() == sorted(odd)
    assert manifest["path"].tolist() == [f"top\nfolder/{name}/{name}/{name}.png" for name in sorted(odd)]
    assert class_names(manifest) == sorted(odd)


def test_the_manifest_says_what_a_picture_was(tmp_path):
    files = {
        "train/cat/1.jpg": encoded(Image.new("CMYK", (WIDTH, HEIGHT)), "JPEG"),
        "train/dog/2.png": encoded(Image.new("I;16", (WIDTH, HEIGHT)), "PNG"),
        "test/dog/3.gif": b"",
    }
    _, manifest = prepared(
        find_pictures([packed(tmp_path / "a.zip", files)], "{folder}/{class}"), tmp_path, (9, 9), 0.5
    )
    text = (tmp_path / "out" / "manifest.csv").read_bytes().decode()
    digests = [hashlib.sha256(files[path]).hexdigest() for path in sorted(files)]
    assert text.splitlines() == [
        '"index","path","class","folder","group","width","height","mode","sha256","status"',
        f'0,"test/dog/3.gif","dog","test","",0,0,"","{digests[0]}","empty file"',
        f'1,"train/cat/1.jpg","cat","train","",32,24,"CMYK","{digests[1]}","ok"',
        f'2,"train/dog/2.png","dog","train","",32,24,"I;16","{digests[2]}","ok"',
    ]
    assert manifest["index"].tolist() == [0, 1, 2]
    assert manifest["width"].dtype == "int64"


def test_check_readable_lists_the_first_few():
    manifest = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(20)], "status": ["ok"] * 10 + ["empty file"] * 10}
    )
    check_readable(manifest, 0.5)
    with pytest.raises(DataError, match=r"10 of 20 .*dataset\.max_unreadable is 0\.45") as caught:
        check_readable(manifest, 0.45)
    assert str(caught.value).count("empty file") == 5
    assert "and 5 more" in str(caught.value)
    assert "dataset.truncated" not in str(caught.value)


def test_check_readable_tells_of_the_key_that_takes_truncated_pictures():
    about = {"path": ["a.jpg", "b.jpg"], "status": ["ok", "OSError: image file is truncated"]}
    with pytest.raises(DataError, match=r"raise it, or set dataset\.truncated to accept.*:\n  'b\.jpg': "):
        check_readable(about, 0.0)


def test_the_manifest_holds_the_group_that_a_table_of_labels_names(tmp_path):
    picture = encoded(Image.new("RGB", (2, 2)), "PNG")
    rows = "path,label,patient_id\n1,cat,007\n2,dog,NA\n3,dog,\n"
    files = {"1.png": picture, "2.png": picture, "3.png": picture, "labels.csv": rows.encode()}
    layout = AutoLayout(kind="auto", class_names=None)
    _, manifest = prepared(find([packed(tmp_path / "a.zip", files)], layout).pictures, tmp_path)
    assert dict(zip(manifest["path"], manifest["group"], strict=True)) == {
        "1.png": "007",
        "2.png": "NA",
        "3.png": "",
    }
