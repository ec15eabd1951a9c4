"""What a preset takes for which pictures, and which can be run with what is at hand."""

import pytest

pytest.importorskip("keras")

from menagerie.models.parts.choosing import PRESETS, choice, chosen, runnable
from menagerie.models.parts.imagenet import weights_file

pytestmark = pytest.mark.tensorflow

NARROW = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
WIDE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


@pytest.mark.parametrize(
    ("picture", "classes", "count", "alpha", "size"),
    [
        ((32, 32), 10, 50_000, 1.0, (112, 112)),  # many pictures
        ((32, 32), 10, 20_000, 0.35, (112, 112)),
        ((100, 100), 10, 1_650, 0.35, (112, 112)),
        ((100, 100), 20, 1_650, 0.35, (112, 112)),
        ((100, 100), 21, 1_650, 1.0, (112, 112)),  # many classes
        ((112, 112), 2, 100, 0.35, (112, 112)),
        ((113, 113), 2, 100, 0.35, (176, 176)),
        ((224, 224), 6, 3_000, 0.35, (224, 224)),
        ((500, 500), 6, 3_000, 0.35, (224, 224)),
        ((100, 50), 6, 3_000, 0.35, (112, 56)),  # the shape stays
        ((2000, 100), 6, 3_000, 0.35, (224, 32)),  # as far as the base can see it
    ],
)
def test_the_base_and_its_pictures_are_chosen_by_these_rules(picture, classes, count, alpha, size):
    assert choice(picture, classes, count) == (alpha, size)


@pytest.mark.parametrize("side", [32, 100, 112, 150, 176, 224, 500])
def test_every_size_has_the_one_file_of_its_width(side):
    alpha, size = choice((side, side), 10, 1000)
    assert weights_file("MobileNetV2", *size, {"alpha": alpha}).file == NARROW


def test_a_preset_is_chosen_for_and_what_was_chosen_is_told(params):
    spec, told = chosen(params("model=good").model("good"), (100, 100), 10, 1650)
    assert (spec.base, spec.base_settings, spec.image_size) == ("MobileNetV2", {"alpha": 0.35}, (112, 112))
    assert "alpha 0.35 (at most 20 classes and 20,000 training pictures: 10 and 1,650)" in told
    assert "100x100 in 112x112" in told
    spec, told = chosen(params("model=good").model("good"), (100, 100), 30, 1650)
    assert spec.base_settings == {"alpha": 1.0}
    assert "(more than 20 classes or 20,000 training pictures: 30 and 1,650)" in told
    assert chosen(params("model=fast").model("fast"), (100, 100), 30, 1650)[0].base_settings == {
        "alpha": 0.35
    }


def test_another_recipe_is_left_as_it_is(params):
    for name in ("cnn", "xception_partial"):
        spec = params(f"model={name}").model(name)
        assert chosen(spec, (100, 100), 10, 1650) == (spec, None)


def test_the_presets_are_files_with_the_base_that_is_said_of_them(params):
    assert {name: params(f"model={name}").model(name).base for name in PRESETS} == PRESETS


@pytest.mark.parametrize(
    ("at_hand", "classes", "names"),
    [([], 10, []), ([NARROW], 10, [*PRESETS]), ([NARROW], 30, ["fast"]), ([NARROW, WIDE], 30, [*PRESETS])],
)
@pytest.mark.parametrize("place", ["mirror", "cache"])
def test_a_preset_can_be_run_when_its_weights_are_at_hand(
    repository, tmp_path, monkeypatch, at_hand, classes, names, place
):
    mirror, cache = tmp_path / "mirror", tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(cache))
    folder = mirror / "weights" if place == "mirror" else cache / "models"
    for one in (mirror, folder):
        one.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("MENAGERIE_MIRROR", str(mirror))
    for file in at_hand:
        folder.joinpath(file).touch()
    assert runnable((100, 100), classes, 1650) == names
