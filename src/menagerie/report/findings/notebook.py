"""What a notebook reported and claimed, beside what came out here."""

from typing import Any

import pandas as pd

from menagerie.compare import published
from menagerie.compare.claims import claims
from menagerie.compare.labels import ceiling
from menagerie.params import Params
from menagerie.params.notebook import Claim, Notebook
from menagerie.report.findings.blocks import (
    Cell,
    Items,
    Paragraph,
    Section,
    Table,
    model_names,
    names,
    numbers,
    prose,
)
from menagerie.report.findings.values import (
    DASH,
    as_printed,
    count,
    counted,
    decimal,
    interval,
    number,
    p_value,
    percent,
    points,
    signed,
    three,
)
from menagerie.report.results import Results

ONE_RUN = (
    "A number reported of a model that has one run here is not reproduced when Newcombe's 95 % interval of "
    "ours less the reported one leaves out 0, for every value that rounds to what was printed; p is the "
    "largest of them. Two networks of equal accuracy fail that in about 5 % of cases on different pictures,"
    " and in fewer on the same ones. What passes is not shown to differ, which is less than shown to be "
    "equal. One run knows the chance of the pictures, not that of the seed."
)
SEVERAL_RUNS = (
    "A model that has several runs, which differ in their seed alone, is judged by these: a number is not "
    "reproduced when it lies outside the 95 % prediction interval, beside their mean, in which one more run"
    " would lie."
)


def sections(params: Params, results: Results) -> list[Section]:
    """None where nothing was reported of these models and these pictures."""
    if not published.reported_accuracies(params):
        return []
    found = [_reported(params.reported, results)]
    if params.reported.claims:
        table = claims(params.reported, results.metrics, results.pairs, results.seeds)
        found.append(_claims(params.reported.claims, table))
    return found


def _reported(notebook: Notebook, results: Results) -> Section:
    table = published.against_reported(results.metrics, notebook, results.seeds)
    compared, several = table.to_dict("records"), bool((table["runs"] > 1).any())
    columns = (
        model_names("model")
        + names("split")
        + numbers("reported (%)", "reproduced (%)", "n", "difference (points)")
    )
    columns += numbers("runs", "mean of the runs (%)") if several else ()
    columns += numbers("p") + prose("reported value")
    columns += numbers("reported loss", "loss", "reported epochs", "epochs")
    rows = tuple(_compared(row, several) for row in compared)
    blocks = [
        Paragraph(f'Reported by "{notebook.title}". {notebook.note}'),
        Paragraph(ONE_RUN),
        *([Paragraph(SEVERAL_RUNS)] if several else []),
        Table("Reported and reproduced accuracy", columns, rows),
        *_ceiling(notebook, compared),
    ]
    if notes := tuple(f"{row['model']}: {row['note']}" for row in compared if row["note"]):
        blocks.append(Items(notes))
    return Section("reported", "Reported and reproduced", tuple(blocks))


def _ceiling(notebook: Notebook, compared: list[dict[str, Any]]) -> list[Paragraph]:
    """What wrong labels leave to be reached, and which of the reported numbers lie above it."""
    if notebook.labels is None:
        return []
    labels, n = notebook.labels, int(compared[0]["reported_n"])
    share, low, high = ceiling(labels.wrong, labels.checked, n)
    above = [f"{row['model']} {as_printed(row['printed'])}" for row in compared if row["reported"] > high]
    text = (
        f"Of {counted(labels.checked, 'label')} that {labels.by} checked {count(labels.wrong)} "
        f"{'was' if labels.wrong == 1 else 'were'} wrong. Where "
        "those here are like them, a network that always names what the picture shows agrees with "
        f"{percent(share)} % of {counted(n, 'label')}, 95 % prediction interval {interval(low, high)} %. "
        "Above that a number tells how far wrong labels were learned, or copies in train met again: of the "
        f"reported ones {', '.join(above) or 'none'}."
    )
    return [Paragraph(text)]


def _compared(row: dict[str, Any], several: bool) -> tuple[Cell, ...]:
    seeds = (
        number(row["runs"], count),
        number(row["mean"], percent, row["predicted_low"], row["predicted_high"]),
    )
    return (
        Cell(row["model"]),
        Cell(row["split"]),
        Cell(as_printed(row["printed"]), key=row["reported"]),
        number(row["reproduced"], percent, row["low"], row["high"]),
        number(row["n"], count),
        number(row["difference"], points),
        *(seeds if several else ()),
        number(row["p"], p_value),
        judged(row["verdict"]),
        number(row["reported_loss"], decimal),
        number(row["loss"], decimal),
        number(row["reported_epochs"], count),
        number(row["epochs"], count),
    )


def judged(text: str) -> Cell:
    """A verdict as a cell: well, to be looked at, or open."""
    if text == published.REPRODUCED:
        return Cell(text, judged="good")
    return Cell(text, judged="careful" if text.startswith("no:") else "open")


def _claims(told: tuple[Claim, ...], table: pd.DataFrame) -> Section:
    """Each claim once, by number, and a row for each pair of models that it is of."""
    columns = names("claim") + prose("claimed", "what the numbers say") + names("split")
    columns += numbers("n", "epochs", "published difference (points)", "published p, least to most")
    columns += numbers("pictures needed")
    columns += numbers("on the other split (pictures)", "ours, on test (points)", "p")
    rows = tuple(
        (
            Cell(str(row["claim"] + 1)),
            Cell(_compared_models(row)),
            Cell(row["verdict"]),
            Cell(row["split"]),
            number(row["n"], count),
            Cell(f"{row['epochs']} against {row['than_epochs']}"),
            _published(row["reported_difference"], row["reported_pictures"]),
            Cell(f"{p_value(row['p_min'])} to {p_value(row['p_max'])}", key=row["p_max"]),
            number(row["needed"], three),
            _elsewhere(row["elsewhere_pictures"], row["elsewhere_n"]),
            number(row["difference"], points, row["low"], row["high"]),
            number(row["p_holm"], p_value),
        )
        for row in table.to_dict("records")
    )
    about = (
        "Differences in points of accuracy. A notebook does not say which pictures each model got right; the "
        "p of McNemar's exact test is least when the better model errs only where the other one does, and "
        "most when they err on different pictures. A difference is shown when even the most is below "
        f"{published.LEVEL}, cannot be shown when the least is not, and is open in between. As many pictures "
        "as needed, other ones for each model, would show such a difference in 80 % of cases. Ours support a "
        f"claim when the difference is positive and its p, as tested above, is below {published.LEVEL}; the "
        "interval is of that pair alone. Verdicts and the last p are after Holm's correction for the pairs "
        "of the same claim, the published p before it. "
    )
    if (table["seeds"] > 1).any():
        about += (
            "Where both models have several runs, p is the larger of that of the pictures and Welch's over "
            "the seeds: what is shown holds for other pictures and for other seeds. The difference in "
            "points is of the run that the leaderboard shows."
        )
    else:
        about += "One run of each model says nothing about other seeds."
    blocks = (
        Items(tuple(worded(claim) for claim in told), numbered=True),
        Paragraph(about),
        Table("Claims of the notebook", columns, rows),
    )
    return Section("claims", "What the notebook claims", blocks)


def worded(claim: Claim) -> str:
    """The notebook's own words in quotation marks, with their section, or what is told of them without."""
    if claim.told:
        return claim.told
    return f'"{claim.quote}"' + (f" (section {claim.section})" if claim.section else "")


def _compared_models(row: dict[str, Any]) -> str:
    at = f" at epoch {row['than_epochs']}" if row["earlier"] else ""
    return f"{row['better']} over {row['than']}{at}"


def _published(difference: float, pictures: float) -> Cell:
    return Cell(
        points(difference), f"{signed(pictures)} picture{'' if abs(pictures) == 1 else 's'}", key=difference
    )


def _elsewhere(pictures: float, n: float) -> Cell:
    text = DASH if pd.isna(n) else f"{signed(pictures)} of {count(n)}"
    return Cell(text, key=pictures)
