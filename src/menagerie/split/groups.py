"""Which pictures belong together: of one patient, one scene, one camera."""

import re

import numpy as np
import pandas as pd

from menagerie.errors import DataError
from menagerie.params.dataset import Groups, PatternGroups, SignerGroups, TableGroups
from menagerie.split.signers import signers


def group_names(manifest: pd.DataFrame, groups: Groups | None) -> np.ndarray | None:
    """Name the group of each picture of a manifest, str (len(manifest),); None without groups.

    Raises:
        DataError: a picture, readable or not, has no group.
    """
    match groups:
        case None:
            return None
        case SignerGroups():
            numbers = signers(manifest["path"], manifest["class"])
            return np.array([f"{number:06d}" for number in numbers], object)  # sorted as the numbers are
        case PatternGroups():
            return _from_paths(manifest["path"], groups.pattern)
        case TableGroups():
            return _from_table(manifest)


def _from_paths(paths: pd.Series, pattern: str) -> np.ndarray:
    compiled = re.compile(pattern)
    wanted = "group" if "group" in compiled.groupindex else 1
    names = []
    for path in paths:
        match = compiled.search(path)
        if match is None or not match[wanted]:
            raise DataError(
                f"dataset.groups.pattern {pattern!r} finds no group in the path {path!r}; make it fit every "
                "picture's path, or leave those pictures out"
            )
        names.append(match[wanted])
    return np.array(names, object)


def _from_table(manifest: pd.DataFrame) -> np.ndarray:
    names = manifest["group"].to_numpy(object)
    empty = names == ""
    if empty.all():
        raise DataError(
            "dataset.groups.kind is table, and no group came with the labels: that needs layout.kind=table "
            "with its group_column; where the path tells the group, use dataset.groups.kind=pattern"
        )
    if empty.any():
        raise DataError(
            f"the column of groups is empty for {empty.sum()} pictures, such as "
            f"{manifest['path'].to_numpy()[empty][0]!r}; give each its group in the table of labels"
        )
    return names
