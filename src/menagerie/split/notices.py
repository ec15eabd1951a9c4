"""What a person should know before a split is trained on, in lines for the terminal and for the report."""

from typing import Any

MOST = 0.5  # of the test pictures: with so many in train, it is train that is tested
LEAKS = {"exact": "exact copies of pictures in", "near": "pictures that look like some in"}
CONFLICTS = {"exact": "exact copies", "near": "pictures that look alike"}


def notices(report: dict[str, Any]) -> list[str]:
    """One sentence for each thing that is wrong with a data set or its split; the gravest first.

    `report` has the parts of report.json that `description` makes: splits, test_pictures_also_in, groups,
    duplicates and labels_fixed; and flags, as flags.told gives them. Leaks are counted before anything was
    dropped.
    """
    found = report["duplicates"]
    told = [*_test_in_train(report), *_test_is_val(report), *_groups(report["groups"])]
    told += [line for kind in LEAKS for line in _leaks(kind, found[kind])]
    told += [line for kind in CONFLICTS for line in _conflicts(kind, found[kind])]
    return told + _dropped(found) + _labels_fixed(report["labels_fixed"]) + _flags(report["flags"])


def _test_in_train(report: dict[str, Any]) -> list[str]:
    tested, found = report["splits"]["test"], report["duplicates"]
    there = report["test_pictures_also_in"]["train"]
    if not found["dropped"]:
        leaks = [leak for kind in LEAKS for leak in found[kind]["leaks"] if leak["other_split"] == "train"]
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
    lines = []
    for leak in found["leaks"]:
        sides = leak["split"], leak["other_split"]
        shown = [row for row in found["leaked"] if (row["split"], row["other_split"]) == sides]
        example = f" ({_short(shown[0]['path'])}: {_short(shown[0]['other_path'])})" if shown else ""
        lines.append(f"in {sides[0]}, {LEAKS[kind]} {sides[1]}: {leak['count']:,}{example}")
    return lines


def _conflicts(kind: str, found: dict[str, Any]) -> list[str]:
    if not found["conflicts"]:
        return []
    row = found["conflicting"][0]
    doubt = "one label of each is wrong" if kind == "exact" else "a label may be wrong"
    pair = [f"{_short(row[f'{side}path'])} of class {row[f'{side}class']}" for side in ("", "other_")]
    count = f"{found['conflicts']:,} ({', '.join(pair)})"
    return [f"pairs of {CONFLICTS[kind]} with different classes: {count}; {doubt}"]


def _dropped(found: dict[str, Any]) -> list[str]:
    if not found["dropped"]:
        return []
    return [
        f"dropped as copies of others or like them, since dataset.duplicates is drop: {found['dropped']:,} "
        f"({_short(found['dropped_pictures'][0])})"
    ]


def _flags(flags: dict[str, Any]) -> list[str]:
    return [
        f"{name} pictures, to be looked at: {flag['count']:,} "
        f"({_short(flag['pictures'][0]['path'])}: {flag['pictures'][0]['said']})"
        for name, flag in flags.items()
        if flag["count"]
    ]


def _labels_fixed(fixed: dict[str, Any]) -> list[str]:
    if not fixed["lines"]:
        return []
    first = fixed["pictures"][0] if fixed["changed"] else None
    example = f" ({_short(first['path'])}: {first['class']} to {first['corrected']})" if first else ""
    return [
        f"labels that dataset.labels_fixed changes: {fixed['changed']:,} of {fixed['lines']:,} lines{example}"
    ]


def _short(path: str) -> str:
    """The class folder and the file's name; report.json has whole paths."""
    return "/".join(path.split("/")[-2:])
