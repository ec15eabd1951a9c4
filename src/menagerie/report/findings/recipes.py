"""What holds of a recipe, whatever the seed: models that were trained from several."""

import pandas as pd

from menagerie.compare.recipes import recipe_pairs, recipes
from menagerie.report.findings.blocks import Cell, Paragraph, Section, Table, model_names, numbers
from menagerie.report.findings.values import count, number, p_value, percent, points
from menagerie.report.results import Results


def section(results: Results) -> Section | None:
    """None where no model has more than one run."""
    if not results.right:
        return None
    first = next(iter(results.right))
    groups = results.tables["predictions"][first].get("group")
    known = None if groups is None else groups.to_numpy()
    found, pairs = recipes(results.right, known), recipe_pairs(results.right, known)
    drawn = "whole groups of pictures" if known is not None else "pictures"
    about = (
        "The leaderboard shows one run of each model. Here is the mean over all runs, which differ in "
        f"nothing but their seed. Its 95 % interval is over other seeds and other {drawn}, as two random "
        "effects, with Satterthwaite's degrees of freedom. The last column is the share of its variance "
        "that more seeds would lessen; the rest needs more pictures."
    )
    blocks = [Paragraph(about), _table(found)]
    if len(pairs):
        told = (
            "Two recipes on the same pictures, by the same variance; p is after Holm's correction. A "
            "difference as large as this one is found in 80 % of cases at 5 % with so many pictures and the "
            "seeds that there are, or with so many seeds of each and these pictures. None helps where the "
            "other of the two alone hides it."
        )
        blocks += [Paragraph(told), _pairs(pairs)]
    return Section("recipes", "From any seed", tuple(blocks))


def _table(found: pd.DataFrame) -> Table:
    columns = model_names("model") + numbers(
        "seeds", "mean test accuracy (%)", "standard deviation (points)", "by seed (%)"
    )
    rows = tuple(
        (
            Cell(row["model"]),
            number(row["seeds"], count),
            number(row["mean"], percent, row["low"], row["high"]),
            number(row["std"], percent),
            number(row["by_seed"], percent),
        )
        for row in found.to_dict("records")
    )
    return Table("Recipes over seeds and pictures", columns, rows, sortable=len(found) > 1)


def _pairs(pairs: pd.DataFrame) -> Table:
    columns = model_names("first", "second") + numbers(
        "difference (points)", "p", "pictures needed", "seeds needed"
    )
    rows = tuple(
        (
            Cell(row["model_a"]),
            Cell(row["model_b"]),
            number(row["difference"], points, row["low"], row["high"]),
            number(row["p_holm"], p_value),
            _needed(row["pictures_needed"]),
            _needed(row["seeds_needed"]),
        )
        for row in pairs.to_dict("records")
    )
    return Table("Recipes against each other", columns, rows, sortable=len(pairs) > 1)


def _needed(value: float) -> Cell:
    return number(value, count) if value < float("inf") else Cell("none helps", key=value)
