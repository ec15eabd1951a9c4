"""The card of a model, whole."""

import numpy as np

from helpers import model_facts
from menagerie.evaluate.measures import wilson_interval
from menagerie.tracking.card import LONGEST, card


def scores(right, n, loss, ece=None):
    low, high = wilson_interval(right, n)
    found = {"n": n, "accuracy": right / n, "accuracy_low": low, "accuracy_high": high, "loss": loss}
    if ece is not None:
        found |= {"loss_low": loss - 0.1, "loss_high": loss + 0.1}
        found |= {"ece": ece, "ece_low": ece / 2, "ece_high": 2 * ece}
    return found


METRICS = {
    "train": scores(1980, 2000, 0.0512),
    "val": scores(190, 200, 0.25, 0.021),
    "test": scores(376, 400, 0.3, 0.03),
    "calibration": {"ece_after": 0.0123},
}

# The intervals are those of scipy.stats.binomtest(...).proportion_ci(method="wilson").
WHOLE = """\
`cnn`, trained on Cats, dogs and owls, says which of 3 classes a picture shows: cat, dog, owl. It gets \
94.00 % of the test pictures right.

```
menagerie predict PICTURE --uri models:/pets/3
```

## How good it is

| | train | val | test |
|---|---|---|---|
| pictures | 2,000 | 200 | 400 |
| accuracy | 0.9900 (0.9846 to 0.9935) | 0.9500 (0.9104 to 0.9726) | 0.9400 (0.9123 to 0.9594) |
| loss | 0.0512 | 0.2500 (0.1500 to 0.3500) | 0.3000 (0.2000 to 0.4000) |
| ECE |  | 0.0210 (0.0105 to 0.0420) | 0.0300 (0.0150 to 0.0600) |

In parentheses: 95 % intervals. ECE is the calibration error of the network as it is; with the temperature \
that val asks for, 1.73, which the command applies, it is 0.0123 on test.

## Data

Cats, dogs and owls. https://example.org/pets Ann (2020). Pets.

Licence of the pictures: CC-BY-4.0. Split: `111111111111`, pictures: `000000000000`.

## Limits

- It knows no other class: whatever a picture shows, one of these is the answer.
- The numbers are of pictures as those of the data set; others may be harder.
- Val chose the epoch and the temperature, so its numbers flatter; test was opened after that.
- Each picture is brought to 64 x 48 pixels (stretch); finer detail is lost.

## Licence

The code is Apache-2.0. The model was made from pictures under CC-BY-4.0."""


def dataset(params, **changed):
    told = {
        "title": "Cats, dogs and owls",
        "homepage": "https://example.org/pets",
        "licence": "CC-BY-4.0",
        "citation": "Ann (2020). Pets.",
    }
    return params().dataset.model_copy(update=told | changed)


def test_the_card_says_all_that_a_finder_needs(params):
    facts = model_facts(("cat", "dog", "owl"), (64, 48), 1.7318)
    assert card(dataset(params), facts, METRICS, "models:/pets/3") == WHOLE


def test_a_persons_own_pictures_have_no_homepage_and_no_citation(params):
    own = dataset(params, homepage="", citation="", licence="unknown")
    text = card(own, model_facts(), METRICS, "models:/pets/3")
    assert "## Data\n\nCats, dogs and owls.\n\n" in text
    assert "pictures under unknown" not in text
    assert "The licence of its pictures is not known" in text


def test_a_thousand_classes_are_counted_and_not_all_named(params):
    classes = [f"a rather long name of class {place}" for place in np.arange(1000)]
    text = card(dataset(params), model_facts(classes), METRICS, "models:/pets/3")
    assert "class 19 and 980 more" in text
    assert "class 20" not in text
    assert text.endswith("under CC-BY-4.0.")
    assert len(text) < LONGEST
