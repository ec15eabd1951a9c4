"""What using a trained model costs beside doing the same by hand: seconds of whole processes.

use: MENAGERIE_MIRROR=<folder> python benchmarks/use.py   (four minutes; writes benchmarks/use.md)

`predict`: `menagerie predict` on a folder of 2,000 JPEGs of 500x375, the sign digits enlarged, with noise as
cameras have it. Beside it a loop that loads the same model file, decodes each picture by the very function
and gives 32 at a time to `predict_on_batch`. Start-up: `predict` of one picture, its answer included, beside
`import keras` and loading the file alone. The sides are processes that take turns.
"""

import io
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import yaml  # noqa: E402
from PIL import Image  # noqa: E402

from menagerie.model_facts import ModelFacts, Pixels, Promise, versions  # noqa: E402
from menagerie.model_files import save_model  # noqa: E402
from menagerie.params.model import ScratchModel  # noqa: E402
from menagerie.params.section import parse  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402

ARCHIVE = "Sign-Language-Digits-Dataset-4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip"
PHOTOGRAPHS, WIDTH, HEIGHT, BATCH = 2_000, 500, 375, 32
ROUNDS, STARTS = 3, 5
COMMAND = [sys.executable, "-c", "from menagerie.cli.main import main; main()", "predict"]
LOOP = f"""
import sys
from pathlib import Path
import numpy as np
from menagerie.serve.predictor import Predictor, pixels_of
file, *paths = sys.argv[1:]
predictor = Predictor(Path(file))
paths = sorted(Path(paths[0]).iterdir())
for start in range(0, len(paths), {BATCH}):
    batch = [pixels_of(path.read_bytes(), predictor.facts.pixels) for path in paths[start : start + {BATCH}]]
    predictor.model.predict_on_batch(np.stack(batch))
"""
BARE_START = """
import sys
import keras
keras.saving.load_model(sys.argv[1], compile=False)
"""


def photographs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(Path(os.environ["MENAGERIE_MIRROR"]) / ARCHIVE) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))
        for number, name in enumerate(names[:PHOTOGRAPHS]):
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                large = np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
            noisy = large.astype(np.int16) + rng.integers(-12, 13, large.shape)
            pixels = noisy.clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:04}.jpg", quality=88)


def sign_cnn() -> keras.Model:
    values = yaml.safe_load((ROOT / "conf/model/sign_cnn.yaml").read_text(encoding="utf-8"))
    return build_model(parse(ScratchModel, values, "sign_cnn"), (100, 100, 3), 10)


def mobilenet() -> keras.Model:
    inputs = keras.Input((128, 128, 3), dtype="uint8")
    base = keras.applications.MobileNet(
        input_shape=(128, 128, 3), include_top=False, weights=None, pooling="avg"
    )
    return keras.Model(inputs, keras.layers.Dense(10)(base(keras.layers.Rescaling(1 / 127.5, -1)(inputs))))


MODELS = {"sign_cnn, 100x100": sign_cnn, "MobileNet, 128x128": mobilenet}


def model_file(folder: Path, build: Callable[[], keras.Model]) -> Path:
    """A file of random weights: they cost what trained ones cost."""
    model, path = build(), folder / f"{build.__name__}.keras"
    pixels = Pixels(
        image_size=model.input_shape[1:3], resize="stretch", jpeg="exact", truncated="refuse",
        max_pixels=210_000_000,
    )  # fmt: skip
    facts = ModelFacts(
        model=build.__name__, dataset="sign_digits", title="Sign digits", classes=list("0123456789"),
        pixels=pixels, temperature=1.0, val=Promise(n=1, answered=[1] * 1000, right=[1] * 1000),
        images_sha256="0" * 64, split_sha256="0" * 64, versions=versions(),
    )  # fmt: skip
    save_model(model, path, facts)
    return path


class Taken(NamedTuple):
    """Of a process from its start to its end, with the processes that it started."""

    seconds: float
    cpu_seconds: float  # of all cores; unlike the clock, hardly moved by what else the machine does


def taken(*command: object) -> Taken:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*map(str, command)], env=environment, stdout=subprocess.DEVNULL, check=True)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Taken(ended - started, sum(after[:2]) - sum(before[:2]))


def turns(sides: Sequence[Sequence[object]], rounds: int) -> list[list[Taken]]:
    """What each side takes, round by round; every other round begins with the other side."""
    found: list[list[Taken]] = [[] for _ in sides]
    for number in range(rounds):
        for side in sorted(range(len(sides)), reverse=number % 2 == 1):
            found[side].append(taken(*sides[side]))
    return found


def row(what: str, ours: list[Taken], by_hand: list[Taken], target: str) -> str:
    """Medians, of the ratios too: each is of two processes of one round."""
    cells = []
    for one, other in zip(zip(*ours, strict=True), zip(*by_hand, strict=True), strict=True):
        ratio = statistics.median(mine / theirs for mine, theirs in zip(one, other, strict=True))
        cells += [f"{statistics.median(one):.1f}", f"{statistics.median(other):.1f}", f"{ratio:.2f}"]
    return f"| {what} | {' | '.join(cells)} | {target} |"


def predict_rows(folder: Path) -> list[str]:
    photos, one = folder / "photos", folder / "one"
    for path in (photos, one):
        path.mkdir()
    photographs(photos)
    (one / "0.jpg").write_bytes((photos / "0000.jpg").read_bytes())
    rows = []
    for name, build in MODELS.items():
        file = model_file(folder, build)
        output = folder / "answers.csv"
        predict = [*COMMAND, photos, "--file", file, "--output", output]
        ours, by_hand = turns([predict, [sys.executable, "-c", LOOP, file, photos]], ROUNDS)
        rows.append(row(f"`predict`, 2,000 photographs, {name}", ours, by_hand, "1.1"))
    file = folder / "sign_cnn.keras"
    started = turns([[*COMMAND, one, "--file", file], [sys.executable, "-c", BARE_START, file]], STARTS)
    return [*rows, row("`predict`, one photograph: start-up", *started, "1.2")]


def main() -> None:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        rows = predict_rows(Path(name))
    text = (
        "# Using a model\n\n"
        f"`python benchmarks/use.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}; medians of {ROUNDS} rounds in turns, {STARTS} of "
        "the start-up; whole processes, the start of Python and of TensorFlow included.\n"
        f"Before it began, {load:.1f} processes of others wanted these cores (load average of a minute).\n\n"
        "| what | seconds | by hand | ratio | CPU seconds | by hand | ratio | ratio at most |\n"
        "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
