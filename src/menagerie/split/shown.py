"""What the data report shows as pictures: rows of the picture array, and what is said below each."""

import pandas as pd

from menagerie.split.duplicates import Duplicates

SAID = {
    True: "exact copy",
    False: "look alike",
}  # whether of the same pixels; nobody has looked at the others
PAIRS = 12  # of a kind
ALONE = 4  # of a flag
Line = tuple[int, int, str, str]  # two rows, and what is said before the name of each


def pairs(
    pictures: pd.DataFrame,
    found: Duplicates,
    leaks: pd.DataFrame,
    differing: pd.DataFrame,
    dropped: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Choose pairs for figures: of each kind that has any, PAIRS at most and exact copies first.

    Kinds: leaks, of two splits; conflicts, of two classes; dropped, and what was kept instead; duplicates,
    which are none of these. `pictures` is the split table before anything was dropped, `leaks` and
    `differing` are as of duplicates.leaks and duplicates.conflicts, `dropped` are lines of the table.

    Returns:
        Tables by kind: index, other_index, caption, which names the pictures and calls near duplicates alike.
    """
    index = dict(zip(pictures["path"], pictures["index"], strict=True))
    path = dict(zip(pictures["index"], pictures["path"], strict=True))
    lines = {
        "leaks": _sides(leaks, index, "split", "in "),
        "conflicts": _sides(differing, index, "class", "of class "),
    }
    gone = set(dropped["index"])
    told = gone | {row for some in lines.values() for line in some for row in line[:2]}
    kept = {found.groups[row]: row for row in path if row not in gone}
    lines["dropped"] = [
        (row, kept[found.groups[row]], f"dropped from {split}: ", "kept: ")
        for row, split in zip(dropped["index"], dropped["split"], strict=True)
    ]
    others = [row for row in path if found.groups[row] != row and row not in told]
    lines["duplicates"] = [(row, found.groups[row], "", "") for row in others]
    return {kind: _captioned(some, path, found) for kind, some in lines.items() if some}


def _sides(table: pd.DataFrame, index: dict[str, int], column: str, before: str) -> list[Line]:
    """The lines of a table of pairs, each side introduced by what it has in `column`."""
    sides = [
        (table[f"{side}path"].map(index), before + table[f"{side}{column}"] + ": ") for side in ("", "other_")
    ]
    (rows, firsts), (others, seconds) = sides
    return list(zip(rows, others, firsts, seconds, strict=True))


def _captioned(lines: list[Line], path: dict[int, str], found: Duplicates) -> pd.DataFrame:
    same = {line: found.copies[line[0]] == found.copies[line[1]] for line in lines}
    shown = sorted(same, key=lambda line: not same[line])[:PAIRS]
    rows = [
        (row, other, f"{first}{_short(path[row])}\n{second}{_short(path[other])}\n{SAID[same[line]]}")
        for line in shown
        for row, other, first, second in (line,)
    ]
    return pd.DataFrame(rows, columns=["index", "other_index", "caption"])


def alone(found: pd.DataFrame) -> pd.DataFrame:
    """Choose pictures for a figure, the worst ALONE of each flag, from flags.flagged: index, caption."""
    some = found.groupby("flag", sort=False).head(ALONE).reset_index(drop=True)
    said = some["flag"] + ": " + some["said"] + "\n" + some["path"].map(_short)
    return pd.DataFrame({"index": some["index"], "caption": said})


def _short(path: str) -> str:
    """The folder and the file's name; report.json has whole paths."""
    return "/".join(path.split("/")[-2:])
