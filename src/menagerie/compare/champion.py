"""Which version of a registered model is its champion: val decides, test is not looked at."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from menagerie.compare.paired import compare_pairs

ALPHA = 0.05


@dataclass(frozen=True)
class Contender:
    """A model that may be champion.

    `val` are its predictions of val as evaluate wrote them (`path`, `actual`, `predicted` and, where pictures
    belong together, `group`), None where they are lost.
    """

    name: str  # how a person is told of it
    number: str  # of its version
    split_sha256: str
    val_accuracy: float
    val_n: int
    val: pd.DataFrame | None

    @property
    def score(self) -> str:
        return f"val accuracy {self.val_accuracy:.4f} of {self.val_n}"


def decide(best: Contender, champion: Contender | None) -> tuple[Contender, str]:
    """Who is champion from now on, `best` of the compared models by val or the present one, and why.

    The higher val accuracy wins, and at a tie the present one stays. It stays, too, when the paired test
    (McNemar's exact one, or of whole groups) calls the other worse. Accuracies of two splits cannot be
    compared: then the newer split decides.
    """
    if champion is None:
        return best, f"{best.name} is the first champion: {best.score}"
    if best.number == champion.number:
        return champion, f"{champion.name} stays: none of the compared models is better; {champion.score}"
    if best.split_sha256 != champion.split_sha256:
        return best, (
            f"{best.name} takes the place of {champion.name}, which was trained on another split: their val "
            f"accuracies cannot be compared; {best.score}"
        )
    p, worse = _paired(best, champion)
    scores = f"{best.score} against {champion.val_accuracy:.4f} of {champion.val_n}; {p}"
    if best.val_accuracy > champion.val_accuracy and not worse:
        return best, f"{best.name} takes the place of {champion.name}: {scores}"
    return champion, f"{champion.name} stays, {best.name} is not better: {scores}"


def _paired(best: Contender, champion: Contender) -> tuple[str, bool]:
    """The paired test of val in words, and whether it calls `best` worse."""
    if best.val is None or champion.val is None:
        return "no paired test, the predictions of val are not there", False
    both = best.val.merge(champion.val[["path", "predicted"]], on="path", suffixes=("", "_champion"))
    if not len(both) == len(best.val) == len(champion.val):
        return "no paired test, the pictures of val are not the same", False
    correct = np.stack([both[column] == both["actual"] for column in ("predicted", "predicted_champion")])
    groups = both["group"].to_numpy() if "group" in both else None
    row = compare_pairs([best.name, champion.name], correct, groups).iloc[0]
    told = (
        f"{row['only_a_right']} and {row['only_b_right']} pictures only one of them has right, "
        f"{'exact test of whole groups' if groups is not None else 'McNemar'} p = {row['p']:.3g}"
    )
    return told, bool(row["p"] < ALPHA and row["difference"] < 0)
