"""Is the difference of two models more than chance, and do they err alike."""

import pandas as pd

from menagerie.compare import leaderboard
from menagerie.report.findings.blocks import Cell, Paragraph, Section, Table, model_names, numbers
from menagerie.report.findings.values import count, counted, number, p_value, percent, points, two
from menagerie.report.results import Results


def against_best(results: Results) -> pd.DataFrame:
    """The pairs of the best model, seen from it, in the order of the leaderboard."""
    both, best = leaderboard.both_ways(results.pairs), results.best["model"]
    order = [name for name in results.board["model"] if name != best]
    return both[both["model_a"] == best].set_index("model_b").loc[order].reset_index()


def section(results: Results) -> Section | None:
    """None where there is but one model."""
    pairs, tests = results.pairs, against_best(results)
    if tests.empty:
        return None
    corrected = f" after Holm's correction for all {len(pairs)} pairs" if len(pairs) > 1 else ""
    test = "a test of signs flipped group by group" if results.data["groups"] else "McNemar's exact test"
    about = (
        f"On the same {counted(pairs['n'].iloc[0], 'test picture')}: the difference in accuracy with its "
        f"paired bootstrap interval, and the p of {test}{corrected}. Each model is one run: another "
        "seed would move it too. Within any margin wider than the one given, two models are equivalent, by "
        "two one-sided tests at 5 %, without a correction for the number of pairs."
    )
    blocks = [
        Paragraph(about),
        _table("The best model against each other one", tests, ("best by val", "against")),
    ]
    if len(pairs) > len(tests):
        folded = f"All {len(pairs)} pairs"
        blocks.append(_table("All pairs of models", pairs, ("first", "second"), folded))
    kappa = (
        "Kappa is 1 where two models err on the same pictures, and 0 where they do so no more often than "
        "their accuracies make likely."
    )
    return Section("tests", "Is the difference more than chance?", (*blocks, Paragraph(kappa, quiet=True)))


def _table(name: str, pairs: pd.DataFrame, heads: tuple[str, str], folded: str = "") -> Table:
    columns = model_names(*heads) + numbers(
        "difference (points)",
        "only the first right",
        "only the second right",
        "p",
        "equivalent within (points)",
        "kappa of errors",
    )
    rows = tuple(
        (
            Cell(row["model_a"]),
            Cell(row["model_b"]),
            number(row["difference"], points, row["low"], row["high"]),
            number(row["only_a_right"], count),
            number(row["only_b_right"], count),
            number(row["p_holm"], p_value),
            number(row["equivalent_within"], percent),
            number(row["kappa"], two),
        )
        for row in pairs.to_dict("records")
    )
    return Table(name, columns, rows, sortable=True, folded=folded)
