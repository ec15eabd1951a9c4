"""What a person should know before a split is trained on, in lines for the terminal and for the report."""

from typing import Any

MOST = 0.5  # of the test pictures: with so many in train, it is train that is tested
KINDS = {
    "exact": ("are exact copies of pictures in", "exact copies"),
    "near": ("look like pictures in", "pictures that look alike"),
}


def notices(report: dict[str, Any]) -> list[str]:
    """One sentence for each thing that is wrong with a data set or its split; the gravest first.

    `report` has the parts of report.json that `description` makes: splits, test_pictures_also_in, groups
    and duplicates. Leaks are counted before anything was dropped.
    """
    found = report["duplicates"]
    told = [*_test_in_train(report), *_test_is_val(report), *_groups(report["groups"])]
    told += [line for kind in KINDS for line in _leaks(kind, found[kind])]
    told += [line for kind in KINDS for line in _conflicts(kind, found[kind])]
    return told + _dropped(found)


def _test_in_train(report: dict[str, Any]) -> list[str]:
    tested, found = report["splits"]["test"], report["duplicates"]
    there = report["test_pictures_also_in"]["train"]
    if not found["dropped"]:
        leaks = [leak for kind in KINDS for leak in found[kind]["leaks"] if leak["other_split"] == "train"]
        there += sum(leak["count"] for leak in leaks if leak["split"].endswith("test"))  # or val and test
    if there < MOST * tested:
        return []
    return [
        f"warning: the test set lies in train: {there:,} of {tested:,} test pictures are there too, the same "
        "or nearly so; its accuracy says nothing of new pictures: take them out, or let "
        "-S dataset.duplicates=drop take them out of train"
    ]


def _test_is_val(report: dict[str, Any]) -> list[str]:
    there, tested = report["test_pictures_also_in"]["val"], report["splits"]["test"]
    if not there:
        return []
    return [f"{there:,} of {tested:,} test pictures are in val, too: what selects a model also tests it"]


def _groups(groups: dict[str, int] | None) -> list[str]:
    if not groups:
        return []
    return [
        f"{groups[f'in_test_and_{name}']:,} of {groups['in_test']:,} groups in test stand in {name}, too; "
        "-S split=stable keeps each in one split"
        for name in ("train", "val")
        if groups[f"in_test_and_{name}"]
    ]


def _leaks(kind: str, found: dict[str, Any]) -> list[str]:
    verb, _ = KINDS[kind]
    lines = []
    for leak in found["leaks"]:
        sides = leak["split"], leak["other_split"]
        line = f"{leak['count']:,} in {sides[0]} {verb} {sides[1]}"
        shown = [row for row in found["leaked"] if (row["split"], row["other_split"]) == sides]
        lines.append(line + _example(shown))
    return lines


def _conflicts(kind: str, found: dict[str, Any]) -> list[str]:
    if not found["conflicts"]:
        return []
    row, (_, name) = found["conflicting"][0], KINDS[kind]
    doubt = "one label of each pair is wrong" if kind == "exact" else "a label may be wrong"
    pair = f"{row['path']!r} is of class {row['class']}, {row['other_path']!r} of class {row['other_class']}"
    return [f"{found['conflicts']:,} pairs of {name} have different classes, so {doubt}: {pair}"]


def _example(shown: list[dict[str, Any]]) -> str:
    return f", such as {shown[0]['path']!r} and {shown[0]['other_path']!r}" if shown else ""


def _dropped(found: dict[str, Any]) -> list[str]:
    if not found["dropped"]:
        return []
    return [
        f"{found['dropped']:,} pictures were dropped, being copies of others or like them "
        f"(dataset.duplicates is drop), such as {found['dropped_pictures'][0]!r}; report.json lists them"
    ]
