"""Where the pictures come from, how they were dealt out, and what is wrong with them."""

from typing import Any

from menagerie.params import Params
from menagerie.params.dataset import Dataset, Split
from menagerie.report.findings.blocks import (
    Block,
    Cell,
    Facts,
    Items,
    Notice,
    Section,
    Table,
    names,
    numbers,
    prose,
)
from menagerie.report.findings.values import count, number
from menagerie.report.results import Results

PARTS = ("train", "val", "test")
KINDS = {"exact": "Exact copies", "near": "Pictures that look alike"}
WARNING = "warning: "
UNCHECKED = "near duplicates, not checked by eye"


def section(params: Params, results: Results) -> Section:
    data = results.data
    facts = _source(params.dataset, results) + _content(params.dataset, data)
    alike = [table(kind, data["duplicates"][kind]) for kind in KINDS for table in (_leaked, _conflicting)]
    folded = [table for table in (_unreadable(data), *alike, _dropped(data), _standing_out(data)) if table]
    return Section("data", "Data", (Facts(tuple(facts)), *_notices(data), _classes(data), *folded))


def _notices(data: dict[str, Any]) -> list[Block]:
    """What the split stage says on the terminal, its warnings first."""
    warnings = [line.removeprefix(WARNING) for line in data["notices"] if line.startswith(WARNING)]
    others = tuple(line for line in data["notices"] if not line.startswith(WARNING))
    return [*(Notice(f"**Warning:** {line}") for line in warnings), *([Items(others)] if others else [])]


def _source(dataset: Dataset, results: Results) -> list[tuple[str, str]]:
    where, (height, width) = dataset.homepage, dataset.image_size
    if where.startswith(("https://", "http://")):
        where = f"<{where}>"
    facts = [
        ("Pictures", count(results.data["pictures"]) + (f" from {where}" if where else "")),
        ("Not used", _not_used(results.source)),
        ("Licence", dataset.licence),
        ("Cite as", dataset.citation),
        ("Content SHA-256", f"`{results.source['content_sha256']}`"),
        ("Prepared as", f"{height} x {width} pixels (height x width), {dataset.resize}"),
        ("Split policy", _policy(dataset.split)),
    ]
    return [(name, text) for name, text in facts if text]


def _not_used(source: dict[str, Any]) -> str:
    """The pictures without a class, and the files that are no pictures, by reason."""
    told = [f"without a class: {count(source['unlabelled'])}"] if source["unlabelled"] else []
    return "; ".join(
        [*told, *(f"{reason}: {count(found)}" for reason, found in source["passed_over"].items())]
    )


def _policy(split: Split) -> str:
    settings = split.model_dump(mode="json", exclude={"policy"})
    return ", ".join([f"`{split.policy}`", *(f"{key} {value}" for key, value in settings.items() if value)])


def _content(dataset: Dataset, data: dict[str, Any]) -> list[tuple[str, str]]:
    copies, groups = data["duplicates"], data["groups"]
    facts = [
        ("Unreadable", count(len(data["unreadable"]))),
        *((name, _like(kind, copies[kind])) for kind, name in KINDS.items()),
        (
            "Policy for both",
            f"`dataset.duplicates` is `{dataset.duplicates}`: {count(copies['dropped'])} dropped",
        ),
    ]
    if (fixed := data["labels_fixed"])["lines"]:
        told = f"{count(fixed['changed'])}, by `{dataset.labels_fixed}` of {count(fixed['lines'])} lines"
        facts.append(("Labels corrected", told))
    if groups:
        told = (
            f"{count(groups['groups'])} ({dataset.groups.kind}); in test: {count(groups['in_test'])}, "
            f"in test and train: {count(groups['in_test_and_train'])}, "
            f"in test and val: {count(groups['in_test_and_val'])}"
        )
        facts.append(("Groups", told))
    return facts


def _like(kind: str, found: dict[str, Any]) -> str:
    """How many pictures are like an earlier one, and where."""
    leaks = [
        f"in {leak['split']} and in {leak['other_split']} too: {count(leak['count'])}"
        for leak in found["leaks"]
    ]
    told = [
        count(found["pictures"]) + (f" ({UNCHECKED})" if kind == "near" else ""),
        *(leaks or ["in no two splits"]),
        f"of different classes: {count(found['conflicts'])}",
    ]
    return "; ".join(told)


def _classes(data: dict[str, Any]) -> Table:
    def row(name: str, counts: dict[str, int]) -> tuple[Cell, ...]:
        return Cell(name), *(number(counts[part], count) for part in PARTS)

    return Table(
        name="Pictures by class and split",
        columns=names("class") + numbers(*PARTS),
        rows=tuple(row(name, counts) for name, counts in data["classes"].items()),
        sortable=True,
        total=row("all", data["splits"]),
    )


def _unreadable(data: dict[str, Any]) -> Table | None:
    rows = tuple((Cell(path), Cell(why)) for path, why in data["unreadable"].items())
    folded = f"Pictures that could not be read: {count(len(rows))}"
    return Table("Unreadable pictures", prose("picture", "why"), rows, folded=folded) if rows else None


def _dropped(data: dict[str, Any]) -> Table | None:
    found = data["duplicates"]
    rows = tuple((Cell(path),) for path in found["dropped_pictures"])
    folded = _folded("Dropped as copies of others or like them", found["dropped"], len(rows))
    return Table("Dropped pictures", prose("picture"), rows, folded=folded) if rows else None


def _standing_out(data: dict[str, Any]) -> Table | None:
    rows = tuple(
        (Cell(one["path"], f"class {one['class']}"), Cell(f"{flag}: {one['said']}"))
        for flag, found in data["flags"].items()
        for one in found["pictures"]
    )
    flags = sum(found["count"] for found in data["flags"].values())
    folded = _folded("Pictures that stand out", flags, len(rows))
    return Table("Pictures that stand out", prose("picture", "why"), rows, folded=folded) if rows else None


def _folded(name: str, found: int, listed: int) -> str:
    """The line behind which a table is, of `found` things of which it has some."""
    return f"{name}: {count(found)}" + (
        f", of which {listed} {'is' if listed == 1 else 'are'} listed" if found > listed else ""
    )


def _leaked(kind: str, found: dict[str, Any]) -> Table | None:
    name = f"{KINDS[kind]} in two splits"
    return _pairs(name, kind, found["leaked"], sum(leak["count"] for leak in found["leaks"]))


def _conflicting(kind: str, found: dict[str, Any]) -> Table | None:
    return _pairs(f"{KINDS[kind]} of different classes", kind, found["conflicting"], found["conflicts"])


def _pairs(name: str, kind: str, listed: list[dict[str, Any]], found: int) -> Table | None:
    """A table of pictures and what they are like, of which `found` are there and some are listed."""
    rows = tuple((_picture(row), _picture(row, "other_")) for row in listed)
    name += f" ({UNCHECKED})" if kind == "near" else ""
    other = "its copy" if kind == "exact" else "looks like"
    folded = _folded(name, found, len(rows))
    return Table(name, prose("picture", other), rows, folded=folded) if rows else None


def _picture(row: dict[str, Any], prefix: str = "") -> Cell:
    split = row.get(f"{prefix}split")
    return Cell(row[f"{prefix}path"], f"class {row[f'{prefix}class']}" + (f", {split}" if split else ""))
