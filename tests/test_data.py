"""The prepared data set as it is read: which pictures a split has, and which of them belong together."""

import numpy as np

from menagerie.data import load_data


def written(folder, rows, head="index,split,label,class,path"):
    np.save(folder / "images.npy", np.zeros((4, 2, 2, 3), np.uint8))
    (folder / "split.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return load_data(folder / "images.npy", folder / "split.csv")


def test_a_split_with_groups_says_which_pictures_belong_together(tmp_path):
    rows = ["0,train,0,a,a/1.png,7", "2,val,1,b,b/1.png,3", "3,test,0,a,a/2.png,9", "1,test,1,b,b/2.png,9"]
    data = written(tmp_path, rows, "index,split,label,class,path,group")
    assert {name: part.groups.tolist() for name, part in data.subsets.items()} == {
        "train": [7],
        "val": [3],
        "test": [9, 9],
    }
    assert data.subsets["test"].rows.tolist() == [3, 1]


def test_without_groups_every_picture_stands_for_itself(tmp_path):
    data = written(tmp_path, ["0,train,0,a,a/1.png", "2,val,1,b,b/1.png", "3,test,0,a,a/2.png"])
    assert {part.groups for part in data.subsets.values()} == {None}
