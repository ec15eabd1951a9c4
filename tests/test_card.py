"""The card of a model, whole."""

import numpy as np

from helpers import composed, model_facts
from menagerie.card import card
from menagerie.evaluate.measures import wilson_interval
from menagerie.params.dataset import Dataset
from menagerie.params.section import parse
from menagerie.tracking.registering import LONGEST


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
# cnn: Pets

`cnn`, trained on Pets, says which of 3 classes a picture shows: cat, dog, owl. It gets 94.00 % of the test \
pictures right.

```
menagerie predict PICTURE
```

## How good it is

| | train | val | test |
|---|---|---|---|
| pictures | 2,000 | 200 | 400 |
| accuracy | 0.9900 (0.9846 to 0.9935) | 0.9500 (0.9104 to 0.9726) | 0.9400 (0.9123 to 0.9594) |
| loss | 0.0512 | 0.2500 (0.1500 to 0.3500) | 0.3000 (0.2000 to 0.4000) |
| ECE |  | 0.0210 (0.0105 to 0.0420) | 0.0300 (0.0150 to 0.0600) |

In parentheses: 95 % intervals. Val chose the epoch and the temperature, so its numbers flatter; test was \
opened after that. ECE is the calibration error of the network as it is; with the temperature, 1.73, it is \
0.0123 on test.

| answers as sure as | of val are | and right are (95 % interval) |
|---|---|---|
| 0.5 | 100.0 % | 75.0 % (30.1 to 95.4) of 4 |
| 0.9 | 25.0 % | 100.0 % (20.7 to 100.0) of 1 |
| 0.99 | 0.0 % | - |

## Data

Pets (`pets`). https://example.org/pets Ann (2020). Pets.

SHA-256 of the prepared pictures: `0000000000000000000000000000000000000000000000000000000000000000`, of \
the split: `1111111111111111111111111111111111111111111111111111111111111111`.

## Limits

- It knows no other class: whatever a picture shows, one of these is the answer, at times with a high \
probability.
- The numbers are of pictures as those of the data set; others may be harder.
- Each picture is stretched to 64 x 48 pixels (height x width); finer detail is lost.
- The network gives logits; softmax(logits / 1.732) are the calibrated probabilities, which the command gives.

## Licence

The code, of Menagerie, is Apache-2.0. The model was made from pictures under CC-BY-4.0.
"""
COMMAND = "menagerie predict PICTURE"


def dataset(**changed):
    told = {"homepage": "https://example.org/pets", "licence": "CC-BY-4.0", "citation": "Ann (2020). Pets."}
    digits = parse(Dataset, composed("dataset=digits")["dataset"], "conf")
    return digits.model_copy(update=told | changed)


def test_the_card_says_all_that_a_finder_needs():
    facts = model_facts(("cat", "dog", "owl"), (64, 48), 1.7318)
    assert card(facts, dataset(), METRICS, COMMAND) == WHOLE


def test_a_persons_own_pictures_have_no_homepage_and_no_citation():
    own = dataset(homepage="", citation="", licence="unknown")
    text = card(model_facts(), own, METRICS, COMMAND)
    assert "## Data\n\nPets (`pets`).\n\n" in text
    assert "pictures under unknown" not in text
    assert "The licence of its pictures is not known" in text


def test_what_is_not_at_hand_is_said():
    text = card(model_facts(), None, None, COMMAND)
    assert "is not known here: evaluate wrote nothing of this very file." in text
    assert "test pictures right" not in text
    assert "The licence of its pictures is not known" in text


def test_a_thousand_classes_are_counted_and_not_all_named():
    classes = [f"a rather long name of class {place}" for place in np.arange(1000)]
    text = card(model_facts(classes), dataset(), METRICS, COMMAND)
    assert "class 19 and 980 more" in text
    assert "class 20" not in text
    assert len(text) < LONGEST


def test_where_test_is_val_its_numbers_are_said_to_flatter():
    text = card(model_facts(), dataset(), METRICS | {"test": METRICS["val"]}, COMMAND)
    assert "**here test is val, so its numbers flatter, too.**" in text
    assert "opened after" not in text


def test_names_are_shown_as_they_are_and_the_long_ones_cut():
    classes = ["*star*", "<b>owl_x</b>", "a\n# b", "x" * 255]
    text = card(model_facts(classes), None, None, COMMAND)
    assert rf"shows: \*star\*, \<b\>owl\_x\</b\>, a \# b, {'x' * 57}...." in text
