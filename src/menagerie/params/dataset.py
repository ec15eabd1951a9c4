"""The section `dataset`: where pictures come from, how they are read, and which are for what."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from menagerie.params.section import Count, Fraction, Many, Name, Section, Seed, Sha256, Share, one_of


class EmbeddedSource(Section):
    """Pictures that come with a dependency of this project."""

    kind: Literal["embedded"]


class ArchiveSource(Section):
    """One archive at an address, checked by the hashes of the pictures in it."""

    kind: Literal["archive"]
    url: str
    file: str
    content_sha256: Sha256


class ZenodoSource(Section):
    """The archives of a Zenodo record, as its JSON lists them."""

    kind: Literal["zenodo"]
    record: Count


class KaggleSource(Section):
    """A version of a Kaggle data set, as one zip; public ones need no account."""

    kind: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[\w-]+/[\w-]+$")]  # owner/name
    version: Count


class CifarBinarySource(Section):
    """CIFAR-10's official binary archive: records of one label byte and 3,072 of pixels."""

    kind: Literal["cifar_binary"]
    url: str
    file: str
    sha256: Sha256


class FolderSource(Section):
    """A person's own folder of pictures."""

    kind: Literal["folder"]
    path: str
    looks: Many[str]
    watch: str

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        # An experiment in a copy would look for a relative one elsewhere. What is not given yet, ???, is for
        # load_params to tell.
        if path != "???" and not Path(path).is_absolute():
            raise PydanticCustomError(
                "absolute_path", "should be an absolute path, such as /home/me/pictures"
            )
        return path


Source = Annotated[
    EmbeddedSource | ArchiveSource | ZenodoSource | KaggleSource | CifarBinarySource | FolderSource,
    Field(discriminator="kind"),
]


SplitName = Literal["train", "val", "test"]
Folders = dict[str, SplitName | Literal["unlabelled"]]  # what the pictures in a folder are for
ClassNames = dict[str, str]  # other names for classes


class AutoLayout(Section):
    """What the only reading says that names and tables allow."""

    kind: Literal["auto"]
    class_names: ClassNames | None


class FoldersLayout(Section):
    """The class is the name of a folder."""

    kind: Literal["folders"]
    folders: str
    splits: Folders | None
    class_names: ClassNames | None


class NamesLayout(Section):
    """The class is a part of the file's name."""

    kind: Literal["names"]
    pattern: str
    splits: Folders | None
    class_names: ClassNames | None

    @field_validator("pattern")
    @classmethod
    def _finds_a_class(cls, pattern: str) -> str:
        try:
            found = "class" in re.compile(pattern).groupindex
        except re.error as error:
            raise PydanticCustomError("pattern", "is no pattern: {why}", {"why": str(error)}) from None
        if not found:
            raise PydanticCustomError("pattern", "should have a group (?P<class>...)")
        return pattern


class TableLayout(Section):
    """The class stands in a table, beside the picture's path or name."""

    kind: Literal["table"]
    tables: Annotated[dict[str, SplitName | None], Field(min_length=1)]
    path_column: str
    label_column: str
    split_column: str | None
    group_column: str | None
    splits: Folders | None
    class_names: ClassNames | None


Layout = one_of(AutoLayout, FoldersLayout, NamesLayout, TableLayout)


class KerasSplit(Section):
    policy: Literal["keras"]
    seed: Seed
    validation_split: Share
    train_folder: str
    test_folder: str | None


class FoldersSplit(Section):
    policy: Literal["folders"]
    train: Annotated[Many[str], Field(min_length=1)]
    val: Many[str]
    val_last: Annotated[int, Field(ge=0)]
    test: Annotated[Many[str], Field(min_length=1)]


class StableSplit(Section):
    policy: Literal["stable"]
    seed: Seed
    val: Share
    test: Share


class FileSplit(Section):
    policy: Literal["file"]
    path: Annotated[str, Field(min_length=1)]


class StratifiedSplit(Section):
    policy: Literal["stratified"]
    seed: Seed
    val: Share
    test: Share


class KFoldSplit(Section):
    policy: Literal["kfold"]
    seed: Seed
    folds: Annotated[int, Field(ge=2)]
    fold: Annotated[int, Field(ge=0)]
    val: Share


class GroupSplit(Section):
    policy: Literal["group"]
    seed: Seed
    val: Share
    test: Share


Split = Annotated[
    KerasSplit | FoldersSplit | StableSplit | FileSplit | StratifiedSplit | KFoldSplit | GroupSplit,
    Field(discriminator="policy"),
]


class SignerGroups(Section):
    """The hands of the sign digits, told apart by the numbers in the files' names."""

    kind: Literal["signers"]


class PatternGroups(Section):
    """A regular expression; what `(?P<group>...)`, else its first pair of parentheses, matches in a path."""

    kind: Literal["pattern"]
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise PydanticCustomError(
                "pattern", "should be a regular expression ({why})", {"why": str(error)}
            ) from None
        if not groups:
            raise PydanticCustomError(
                "pattern", "should have parentheses around the group's name, such as '^([^/_]+)_'"
            )
        return pattern


class TableGroups(Section):
    """The column `layout.group_column` of the table that the labels came from."""

    kind: Literal["table"]


Groups = one_of(SignerGroups, PatternGroups, TableGroups)


class Dataset(Section):
    name: Name
    title: str
    homepage: str
    licence: str
    citation: str
    source: Source
    layout: Layout
    image_size: Annotated[tuple[Count, Count], Field(strict=False)]  # height, width
    resize: Literal["stretch", "crop", "pad"]
    max_unreadable: Fraction
    max_pixels: Count
    truncated: Literal["refuse", "accept"]
    jpeg: Literal["exact", "fast"]
    groups: Groups | None
    split: Split
    duplicates: Literal["report", "drop", "keep_together"]
    labels_fixed: Annotated[str, Field(min_length=1)] | None
