"""What a notebook claims in few words: a row a claim, of all its pairs of models."""

import pandas as pd

from menagerie.compare.claims import claims
from menagerie.params.notebook import Notebook
from menagerie.report.findings.notebook import worded
from menagerie.report.findings.values import as_printed, count, signed


def claims_told(notebook: Notebook) -> list[tuple[str, str, str]]:
    """For each claim its words, the published margins, and whether these can show it."""
    if not notebook.claims:
        return []
    table = claims(notebook, {}, None, {})
    return [
        (worded(notebook.claims[place]), _margins(pairs), _can_show(pairs))
        for place, pairs in table.groupby("claim")
    ]


def _margins(pairs: pd.DataFrame) -> str:
    """Accuracies of one pair, pictures of several: each with its epochs where the claim has earlier ones.

    Behind them the pictures of the split that the claim is not of, where all have a number there.
    """
    first, pictures = pairs.iloc[0], pairs["reported_pictures"]
    of = f"of {count(first['n'])} ({first['split']})"
    if pairs["earlier"].any():
        each = zip(pictures, pairs["than"], pairs["epochs"], pairs["than_epochs"], strict=True)
        margins = "; ".join(f"{signed(one)} against `{than}` ({a} epochs, {b})" for one, than, a, b in each)
        return f"{margins}: pictures {of}"
    if len(pairs) == 1:
        margins = f"{as_printed(first['better_accuracy'])} against {as_printed(first['than_accuracy'])} {of}"
    else:
        margins = f"{_range(pictures)} pictures {of}, {len(pairs)} pairs"
    if pairs["elsewhere_n"].isna().any():
        return margins
    other = "val" if first["split"] == "test" else "test"
    return f"{margins}; {_range(pairs['elsewhere_pictures'])} of {count(first['elsewhere_n'])} ({other})"


def _range(pictures: pd.Series) -> str:
    ends = [signed(pictures.min()), signed(pictures.max())]
    return " to ".join(dict.fromkeys(ends))


def _can_show(pairs: pd.DataFrame) -> str:
    found = pairs["can_show"].value_counts(sort=False)
    if len(found) == 1:
        return found.index[0]
    return ", ".join(f"{told}: {number}" for told, number in found.items())
