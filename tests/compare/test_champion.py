"""Which of two models is champion, by what val says of them."""

from dataclasses import replace

import pandas as pd
import pytest

from menagerie.compare.champion import Contender, decide


def contender(name, number, right, n=100, split="s", start=0, groups=None):
    """A model that gets `right` of n val pictures right, those from `start` on."""
    hits = [start <= place < start + right for place in range(n)]
    table = {"path": [f"{place}.png" for place in range(n)], "actual": "a"}
    table["predicted"] = ["ab"[not hit] for hit in hits]
    val = pd.DataFrame(table if groups is None else table | {"group": groups})
    return Contender(f"version {number} ({name})", number, split, right / n, n, val)


CHAMPION = contender("ann", "1", 80)


def test_the_first_is_champion():
    winner, reason = decide(CHAMPION, None)
    assert winner is CHAMPION
    assert reason == "version 1 (ann) is the first champion: val accuracy 0.8000 of 100"


def test_a_better_one_takes_the_place_and_the_reason_has_the_paired_test():
    better = contender("cnn", "2", 90, start=5)
    winner, reason = decide(better, CHAMPION)
    assert winner is better
    # 5..94 against 0..79: 15 and 5; R: binom.test(5, 20)$p.value is 0.04138947
    assert reason == (
        "version 2 (cnn) takes the place of version 1 (ann): val accuracy 0.9000 of 100 against 0.8000 of "
        "100; 15 and 5 pictures only one of them has right, McNemar p = 0.0414"
    )


@pytest.mark.parametrize(("right", "told"), [(80, "p = 1"), (79, "p = 1"), (40, "p = 1.82e-12")])
def test_one_that_is_as_good_or_worse_leaves_the_champion(right, told):
    winner, reason = decide(contender("cnn", "2", right), CHAMPION)
    assert winner is CHAMPION
    assert reason.startswith("version 1 (ann) stays, version 2 (cnn) is not better: val accuracy 0.")
    assert told in reason


def test_one_that_the_paired_test_calls_worse_never_moves_it_whatever_is_noted_of_its_accuracy():
    noted = replace(contender("cnn", "2", 40), val_accuracy=0.9)
    winner, _ = decide(noted, CHAMPION)
    assert winner is CHAMPION


def test_the_champion_among_the_compared_stays():
    winner, reason = decide(CHAMPION, CHAMPION)
    assert winner is CHAMPION
    assert reason.startswith("version 1 (ann) stays: none of the compared models is better")


def test_a_champion_of_another_split_gives_way_even_to_a_lower_accuracy():
    other = contender("cnn", "2", 50, split="t")
    winner, reason = decide(other, CHAMPION)
    assert winner is other
    assert "trained on another split: their val accuracies cannot be compared" in reason


@pytest.mark.parametrize(
    ("champion", "told"),
    [
        (replace(CHAMPION, val=None), "the predictions of val are not there"),
        (contender("ann", "1", 40, n=50), "the pictures of val are not the same"),
    ],
)
def test_without_a_paired_test_accuracies_decide_and_the_reason_says_so(champion, told):
    better, worse = contender("cnn", "2", 90), contender("cnn", "2", 70)
    winner, reason = decide(better, champion)
    assert winner is better
    assert f"no paired test, {told}" in reason
    assert decide(worse, champion)[0] is champion


def test_pictures_that_belong_together_are_tested_as_groups():
    groups = [str(place // 10) for place in range(100)]
    champion, better = (contender(*of, groups=groups) for of in (("ann", "1", 80), ("cnn", "2", 90)))
    winner, reason = decide(better, champion)
    assert winner is better
    # one group of ten tells them apart: of its two signs each is as likely
    assert reason.endswith("10 and 0 pictures only one of them has right, exact test of whole groups p = 1")
