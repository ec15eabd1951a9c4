"""`menagerie add`: a person's own pictures as a data set of conf/."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.errors import DataError, ParamsError, unknown

if TYPE_CHECKING:
    from menagerie.archives.looking import Look
    from menagerie.archives.sorting import Sorted

SHOWN_CLASSES = 40
EXAMPLES = 3
# Settings take these for a value, or conf/ has another use for them.
RESERVED = ("false", "folder", "inf", "nan", "no", "null", "off", "on", "true", "yes")
COLUMNS = ("path_column", "label_column", "split_column", "group_column")
USES = ("train", "val", "test", "unlabelled")


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(value.rpartition("=")[::2] for value in values)
    if "" in pairs:
        raise click.BadParameter("expected NAME=VALUE", context, parameter)
    return pairs


def _uses(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    uses = _pairs(context, parameter, values)
    for folder, use in uses.items():
        if use not in USES:
            raise click.BadParameter(f"{folder}: {unknown('use', use, USES)}", context, parameter)
    return uses


@click.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--folders", metavar="TEMPLATE", help="Classes are folders: '{class}/**', '{folder}/{class}/**'."
)
@click.option(
    "--pattern", metavar="REGEX", help="The class in a file's name, without suffix: '(?P<class>[a-z]+).*'."
)
@click.option("--table", "tables", metavar="FILE", multiple=True, help="A table of labels, as PATH has it.")
@click.option("--path-column", metavar="COLUMN", help="The table's column that names the pictures.")
@click.option("--label-column", metavar="COLUMN", help="The column of the classes.")
@click.option("--split-column", metavar="COLUMN", help="The column that says train, val or test.")
@click.option("--group-column", metavar="COLUMN", help="The column of what belongs together, as a patient.")
@click.option(
    "--split", "splits", metavar="FOLDER=USE", multiple=True, callback=_uses,
    help="What a folder is for: train, val, test or unlabelled.",
)  # fmt: skip
@click.option(
    "--class",
    "class_names",
    metavar="OLD=NEW",
    multiple=True,
    callback=_pairs,
    help="Another name for a class.",
)
@click.option("--title", help="How figures and reports call it; by default as the folder.")
@click.option("--replace", is_flag=True, help="Write conf/dataset/NAME.yaml anew where it is there.")
def add(name: str, path: Path, title: str | None, replace: bool, **flags: Any) -> None:
    """Make the pictures at PATH the data set NAME.

    PATH is a folder, or a zip or tar of one. What names and first bytes say of it is printed, and written to
    conf/dataset/NAME.yaml. Where two readings are possible, both are shown, and nothing is written.
    """
    from menagerie.archives.choosing import quoted
    from menagerie.archives.looking import look
    from menagerie.cli import looking
    from menagerie.cli.writing import conf_text
    from menagerie.files import whole

    path = path.expanduser().absolute()
    path = path.resolve() if ".." in path.parts else path  # a link is kept as it is written
    target = _target(name, path, replace)
    seen = look(path)
    columns = {key: value for key in COLUMNS if (value := flags.pop(key))}
    choice = looking.Choice(columns=columns, **flags)
    found = looking.sorted_out(seen, choice, f"menagerie add {name} {quoted(str(path))}")
    measured = looking.sizes(seen, sorted(found.of))
    size = looking.image_size(measured)
    title = title or (path.name if path.is_dir() else path.stem)
    click.echo(_told(name, path, found))
    for line in [*_measured(measured, size), *_not_used(found), *_doubts(seen, found, measured)]:
        click.echo(line)
    with whole(target) as part:
        part.write_text(conf_text(name, path, title, found, size), encoding="utf-8")
    _hints(name, target)


def _target(name: str, path: Path, replace: bool) -> Path:
    import re

    from menagerie.params.composing import conf

    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in RESERVED:
        proposed = re.sub("[^a-z0-9]+", "_", f"my_{name.lower()}").strip("_")
        raise ParamsError(
            f"the name {name!r} should have a to z, 0 to 9 and _, with a letter first, and be no word of "
            f"YAML or of conf/, such as {proposed!r}"
        )
    if "${" in str(path):
        raise DataError(f"{str(path)!r} has a ${{, which settings take for a reference; rename the folder")
    target = conf().relative_to(Path.cwd()) / "dataset" / f"{name}.yaml"
    if target.exists() and not replace:
        raise ParamsError(f"{target} is there; choose another name, or write it anew with --replace")
    return target


def _told(name: str, path: Path, found: "Sorted") -> str:
    """The reading in a line, and a table of classes by split."""
    from tabulate import tabulate

    from menagerie.archives.choosing import described, in_order

    counts = Counter((place.class_name, place.folder) for place in found.of.values())
    named = in_order({split for _, split in counts})
    splits = [*named, ""] if not named or any(split == "" for _, split in counts) else named
    classes = sorted({kind for kind, _ in counts})
    rows = [[kind, *(counts[kind, split] for split in splits)] for kind in classes]
    shown = rows if len(rows) <= SHOWN_CLASSES else rows[: SHOWN_CLASSES - 1]
    if len(shown) < len(rows):
        rest = [sum(column) for column in zip(*(row[1:] for row in rows[len(shown) :]), strict=True)]
        shown = [*shown, [f"and {len(rows) - len(shown)} more classes", *rest]]
    total = ["all", *(sum(row[place] for row in rows) for place in range(1, len(splits) + 1))]
    lines = [[*row, sum(row[1:])] if len(splits) > 1 else row for row in [*shown, total]]
    header = ["class", *(split or "pictures" for split in splits), *(["all"] if len(splits) > 1 else [])]
    table = tabulate(lines, header, tablefmt="github", disable_numparse=[0])
    return f"{name}: {path}\nread {described(found.layout, found.of)}\n\n{table}\n"


def _measured(measured: Any, size: tuple[int, int]) -> list[str]:
    if not measured.of:
        return [f"size: no picture could be measured; image_size {size[0]} x {size[1]}"]
    (width, height), small, large = measured.median(), min(measured.of), max(measured.of)
    told = f"{width} x {height} pixels (median of {len(measured.of)} pictures"
    spread = "" if small == large else f", {small[0]} x {small[1]} to {large[0]} x {large[1]}"
    return [f"size: {told}{spread}); proposed image_size {size[0]} x {size[1]}"]


def _not_used(found: "Sorted") -> list[str]:
    lines = []
    if found.unlabelled:
        lines.append(f"without a class, set aside: {_examples(found.unlabelled)}")
    lines += [f"passed over, {reason}: {_examples(names)}" for reason, names in found.passed_over.items()]
    return lines if found.passed_over else [*lines, "passed over: nothing"]


def _doubts(seen: "Look", found: "Sorted", measured: Any) -> list[str]:
    from menagerie.archives.naming import doubtful
    from menagerie.cli.looking import misnamed

    lines = [
        f"doubtful: {line}" for line in doubtful(Counter(place.class_name for place in found.of.values()))
    ]
    trained = {place.class_name for place in found.of.values() if place.folder in ("", "train")}
    untrained = sorted({place.class_name for place in found.of.values()} - trained)
    if any(place.folder == "train" for place in found.of.values()):
        lines += [f"doubtful: {name!r}: no picture of it is in train" for name in untrained]
    if names := misnamed(seen, sorted(found.of)):
        lines.append(
            f"doubtful: called as pictures are, but no picture by their first bytes: {_examples(names)}"
        )
    if measured.unreadable:
        lines.append(f"doubtful: cannot be opened: {_examples(measured.unreadable)}")
    return lines


def _examples(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:EXAMPLES]))
    return f"{len(names)}, {shown}" + (", ..." if len(names) > EXAMPLES else "")


def _hints(name: str, target: Path) -> None:
    from menagerie.download import datasets
    from menagerie.params.composing import composed
    from menagerie.params.dataset import Dataset
    from menagerie.params.section import parse

    dataset = parse(Dataset, composed(f"dataset={name}")["dataset"], str(target))
    for line in datasets.notices(dataset.source):
        click.echo(f"note: {line}")
    click.echo(f"wrote {target}; now: dvc exp run -S dataset={name} -S model=mobilenet_v2_transfer")
    click.echo(f"or, to make it the default of this clone: menagerie use {name}")
