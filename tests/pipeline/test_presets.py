"""The presets through the stage `train`: what it says it took, and what it says when weights are missing."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import composed
from lying_server import say
from menagerie.errors import WeightsError

keras = pytest.importorskip("keras")

from menagerie.model_files import load_model  # noqa: E402
from menagerie.models.parts import imagenet  # noqa: E402

pytestmark = pytest.mark.tensorflow

NARROW = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


@pytest.fixture
def workplace(repository, tmp_path, monkeypatch, server):
    """`workplace("fast")`: a folder with what `train` reads, pictures in three colours, and no weights."""
    monkeypatch.setattr(imagenet, "HOST", server.url())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "mirror" / "weights").mkdir(parents=True)
    monkeypatch.setenv("MENAGERIE_MIRROR", str(tmp_path / "mirror"))

    def made(model, *overrides):
        settings = composed("dataset=digits", f"model={model}", "compute.max_epochs=1", *overrides)
        (repository / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        folder = repository / "data" / "digits"
        folder.mkdir(parents=True)
        labels = np.arange(18) % 3
        pictures = np.zeros((18, 32, 32, 3), np.uint8)
        pictures[np.arange(18), :, :, labels] = 200
        np.save(folder / "images.npy", pictures)
        table = pd.DataFrame({"index": np.arange(18), "split": ["train"] * 9 + ["val"] * 9, "label": labels})
        table["class"], table["path"] = table["label"].map(dict(enumerate("rgb"))), table["index"].astype(str)
        table.to_csv(folder / "split.csv", index=False)
        return repository

    return made


def test_weights_that_cannot_be_had_are_named_with_the_presets_that_can_be_run(workplace, tmp_path, server):
    file = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    server.on(f"/tensorflow/keras-applications/vgg16/{file}", say(404))
    workplace("good", "models.good.base=VGG16", "models.good.image_size=[32,32]")
    train = import_module("stages.train")
    with pytest.raises(WeightsError) as caught:
        train.main("good")
    assert file in str(caught.value)
    assert str(caught.value).endswith(
        "\nor from random weights: dvc exp run -S model=good -S models.good.weights=random"
    )
    (tmp_path / "mirror" / "weights" / NARROW).touch()
    said = r"\nor dvc exp run -S model=best, or dvc exp run -S model=fast, or from random weights: dvc "
    with pytest.raises(WeightsError, match=said):
        train.main("good")


def test_a_preset_says_what_it_took_and_its_model_has_pictures_of_that_size(
    workplace, mirror, tmp_path, capsys
):
    (tmp_path / "mirror" / "weights" / NARROW).write_bytes((mirror / "weights" / NARROW).read_bytes())
    folder = workplace("fast")
    import_module("stages.train").main("fast")
    told = capsys.readouterr().out
    assert "train@fast: MobileNetV2 of alpha 0.35 (always) sees pictures of 32x32 in 112x112" in told
    model = load_model(folder / "models" / "digits" / "fast" / "model.keras")
    assert model.input_shape == (None, 32, 32, 3)
    assert model.get_layer("backbone_input").output.shape == (None, 112, 112, 3)
    assert len(list((folder / ".work" / "prefixes").glob("*.npy"))) == 1  # the base ran once
