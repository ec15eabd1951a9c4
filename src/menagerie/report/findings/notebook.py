"""What a notebook reported and claimed, beside what came out here."""

import pandas as pd

from menagerie.compare import published
from menagerie.params import Notebook, Params
from menagerie.report.findings.blocks import Cell, Items, Paragraph, Section, Table, names, numbers, prose
from menagerie.report.findings.values import count, number, p_value, percent, points, signed
from menagerie.report.results import Results


def sections(params: Params, results: Results) -> list[Section]:
    """None where nothing was reported of these models and these pictures."""
    if not published.reported_accuracies(params):
        return []
    found = [_reported(params.reported, results)]
    if params.reported.claims:
        found.append(_claims(published.claims(params.reported, results.metrics, results.pairs)))
    return found


def _reported(notebook: Notebook, results: Results) -> Section:
    compared = published.against_reported(results.metrics, notebook).to_dict("records")
    columns = names("model", "split") + numbers("reported (%)", "reproduced (%)", "n", "difference (points)")
    rows = tuple(
        (
            Cell(row["model"]),
            Cell(row["split"]),
            number(row["reported"], percent),
            number(row["reproduced"], percent, row["low"], row["high"]),
            number(row["n"], count),
            number(row["difference"], points),
            _verdict(row["verdict"]),
        )
        for row in compared
    )
    blocks = [
        Paragraph(f'Reported by "{notebook.title}". {notebook.note}'),
        Paragraph("A reported number counts as reproduced when it lies inside the 95 % interval of ours."),
        Table("Reported and reproduced accuracy", columns + prose("reported value"), rows),
    ]
    if notes := tuple(f"{row['model']}: {row['note']}" for row in compared if row["note"]):
        blocks.append(Items(notes))
    return Section("reported", "Reported and reproduced", tuple(blocks))


def _verdict(text: str) -> Cell:
    if text == published.REPRODUCED:
        return Cell(text, judged="good")
    return Cell(text, judged="careful" if text.startswith("no:") else "open")


def _claims(claims: pd.DataFrame) -> Section:
    """Each text once, by number: a notebook's sentence may claim several differences."""
    numbered, texts = claims["text"].factorize()
    columns = names("claim") + prose("claimed", "what the numbers say") + names("split")
    columns += numbers("n", "published difference (points)", "ours, on test (points)", "p")
    rows = tuple(
        (
            Cell(str(place + 1)),
            Cell(f"{row['better']} over {row['than']}"),
            Cell(row["verdict"]),
            Cell(row["split"]),
            number(row["n"], count),
            _published(row["reported_difference"], row["reported_pictures"]),
            number(row["difference"], points, row["low"], row["high"]),
            number(row["p_holm"], p_value),
        )
        for place, row in zip(numbered, claims.to_dict("records"), strict=True)
    )
    about = (
        "Differences in points of accuracy. Published numbers show one when their 95 % Wilson intervals do "
        "not overlap. This is cautious: intervals that overlap do not prove two models equal; only a test on "
        "the same pictures could tell, and the notebook does not say which ones each model got right. Ours "
        "support a claim when the difference is positive and the p of McNemar's test is below "
        f"{published.LEVEL} after Holm's correction for all pairs of this run; the interval is of that pair "
        "alone. One run of each model says nothing about other seeds."
    )
    blocks = (
        Items(tuple(texts), numbered=True),
        Paragraph(about),
        Table("Claims of the notebook", columns, rows),
    )
    return Section("claims", "What the notebook claims", blocks)


def _published(difference: float, pictures: float) -> Cell:
    below = f"{signed(pictures)} pictures" if pd.notna(pictures) else ""
    return Cell(points(difference), below, key=difference)
