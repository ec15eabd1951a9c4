"""What folders of pictures may mean: which are classes, which are splits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from menagerie.archives.naming import PLAIN_FOLDERS, UNLABELLED, names_unlabelled, split_of, split_word
from menagerie.params.dataset import FoldersLayout


@dataclass
class Folder:
    """A folder with pictures in it or below it."""

    pictures: int = 0  # right in it
    children: dict[str, "Folder"] = field(default_factory=dict)


def tree(names: Iterable[str]) -> Folder:
    """The folders of some pictures, from the top."""
    top = Folder()
    for name in names:
        folder = top
        for part in name.split("/")[:-1]:
            folder = folder.children.setdefault(part, Folder())
        folder.pictures += 1
    return top


def unwrapped(folder: Folder) -> tuple[list[str], Folder]:
    """The folders that only wrap what is below them, and the first that does not."""
    above = []
    while len(folder.children) == 1:
        ((name, child),) = folder.children.items()
        if folder.pictures and not child.children:
            break
        above.append(name)
        folder = child
    return above, folder


def split_folders(names: Iterable[str]) -> dict[str, str]:
    """The folders of flat pictures that are called as splits are, by path: what they are for."""
    above, folder = unwrapped(tree(names))
    found = {}
    for name in folder.children:
        if use := split_of(name) or (UNLABELLED if names_unlabelled(name) else None):
            found["/".join([*above, name])] = use
    return found


def folder_readings(names: Iterable[str]) -> list[FoldersLayout]:
    """Each reading in which folders are classes; none where no picture lies in a folder of a class."""
    above, folder = unwrapped(tree(names))
    if not folder.children:
        return []
    called = {name: split for name in folder.children if (split := split_of(name))}
    inner = {name: _inner(name, folder.children[name]) for name in folder.children}
    labelled = _labelled(called, inner)
    others = folder.children.keys() - called
    if not labelled:
        # A class may be called train, or toy_train; train and test side by side are splits without classes.
        return _of_classes(above, folder) if others or len(set(called.values())) == 1 else []
    readings = list(_of_splits(above, called, inner, labelled))
    shared = _shared(inner, labelled)
    doubtful = [name for name in others if not (names_unlabelled(name) or shared - {name})]
    extra = [name for name in others if inner[name][1].children.keys() & shared]
    return readings + _of_classes(above, folder) if doubtful or extra else readings


def _inner(name: str, folder: Folder) -> tuple[list[str], Folder]:
    """A split's folder without what wraps it: `seg_train/seg_train`, `train/images`."""
    path = [name]
    while len(folder.children) == 1 and not folder.pictures:
        ((child, below),) = folder.children.items()
        if not (child == name or child.lower() in PLAIN_FOLDERS or split_of(child)):
            break
        path.append(child)
        folder = below
    return path, folder


def _labelled(called: dict[str, str], inner: dict[str, tuple[list[str], Folder]]) -> list[str]:
    """The folders of splits that hold folders of classes: one folder that no other split has is none."""
    found = [name for name in called if inner[name][1].children]
    return [
        name
        for name in found
        if len(inner[name][1].children) > 1
        or any(
            inner[name][1].children.keys() & inner[other][1].children.keys()
            for other in found
            if other != name
        )
    ]


def _shared(inner: dict[str, tuple[list[str], Folder]], labelled: Sequence[str]) -> set[str]:
    """The classes that stand in two splits or more."""
    folders = [set(inner[name][1].children) for name in labelled]
    return {name for place, one in enumerate(folders) for other in folders[:place] for name in one & other}


def _of_splits(
    above: list[str],
    called: dict[str, str],
    inner: dict[str, tuple[list[str], Folder]],
    labelled: Sequence[str],
) -> Iterator[FoldersLayout]:
    top = [*above, "{folder}", "{class}", "**"]
    uses = {
        "/".join(path): called.get(name, UNLABELLED) if name in labelled else UNLABELLED
        for name, (path, _) in inner.items()
    }
    yield _layout(top, dict(sorted(uses.items())))
    words = {split_word(name) for name in labelled}
    if {"test", "evaluation"} <= words and "val" not in uses.values():  # people mean either by the latter
        yield _layout(
            top,
            {path: "val" if split_word(path) == "evaluation" else use for path, use in sorted(uses.items())},
        )


def _of_classes(above: list[str], folder: Folder) -> list[FoldersLayout]:
    """The readings in which the folders here are classes, or the ones in them are."""
    outer = _layout([*above, "{class}", "**"])
    if any(child.pictures for child in folder.children.values()):
        # A folder of folders that are called as those beside it may be a copy of the whole, or a class.
        nested = [child for child in folder.children.values() if not child.pictures]
        copied = any(child.children.keys() & folder.children.keys() for child in nested)
        return [outer, _layout(["{class}"])] if copied else [outer]
    inside = [set(child.children) for child in folder.children.values()]
    below = set.union(*inside)
    if all(split_of(name) for name in below) and len({split_of(name) for name in below}) > 1:
        return [
            _layout([*above, "{class}", "{folder}", "**"], {name: split_of(name) for name in sorted(below)})
        ]
    if len(below) == 1 or all(name.lower() in PLAIN_FOLDERS for name in below):
        return [outer]
    return [outer, _layout([*above, "*", "{class}", "**"])]


def _layout(parts: Sequence[str], splits: dict[str, str] | None = None) -> FoldersLayout:
    return FoldersLayout(kind="folders", folders="/".join(parts), splits=splits, class_names=None)
