"""What the presets reach and take, from pictures to the report: the sign digits, and a small folder of them.

use: MENAGERIE_MIRROR=<folder> python benchmarks/presets.py   (20 minutes; writes benchmarks/presets.md)

Each run is `dvc exp run` and `menagerie report` in a clone of its own, where nothing was made before; the
archive comes from the mirror. The published split of the sign digits has 1,650 pictures to train and select
by, and 412 to test. The folder is what a person might have: 60 pictures of each of the ten signs, taken from
the archive by lot, added by `menagerie add` and split by its default.
"""

import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from menagerie.evaluate.intervals import newcombe_interval, wilson_interval  # noqa: E402

ARCHIVE = "Sign-Language-Digits-Dataset-4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip"
PRESETS = ("fast", "good", "best")
A_CLASS = 60
SPLIT = "sign digits, published split"
# Beside the data set of each: the study has further seeds, which no preset needs.
PUBLISHED = ("study=sign_digits", "replicates=0")
FOLDER = ("dataset=hands",)


class Row(NamedTuple):
    pictures: str
    preset: str
    accuracy: float
    low: float
    high: float
    n: int
    train_seconds: float
    seconds: float


def menagerie(clone: Path, *words: str) -> None:
    run(clone, sys.executable, "-c", "from menagerie.cli.main import main; main()", *words)


def run(clone: Path, *command: str) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    variables |= {"PYTHONPATH": str(clone / "src")}
    variables |= {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def folder_of(path: Path) -> None:
    """Write A_CLASS pictures of each sign, as files in a folder for each."""
    with zipfile.ZipFile(Path(os.environ["MENAGERIE_MIRROR"]) / ARCHIVE) as archive:
        names = sorted(name for name in archive.namelist() if name.upper().endswith(".JPG"))
        by_class: dict[str, list[str]] = {}
        for name in names:
            if (sign := PurePosixPath(name).parent.name).isdecimal():  # beside them lie some to show
                by_class.setdefault(sign, []).append(name)
        for kind, inside in by_class.items():
            (path / f"sign {kind}").mkdir(parents=True)
            for name in random.Random(0).sample(inside, A_CLASS):
                (path / f"sign {kind}" / PurePosixPath(name).name).write_bytes(archive.read(name))


def measured(told: str, dataset: str, preset: str, settings: Sequence[str], pictures: Path) -> Row:
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name, "menagerie")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        if dataset == "hands":
            menagerie(clone, "add", "hands", str(pictures))
            run(clone, "git", "add", "--all")
            run(clone, "git", "-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "hands")
        options = [word for setting in (*settings, f"model={preset}") for word in ("-S", setting)]
        started = time.perf_counter()
        run(clone, "dvc", "exp", "run", "--quiet", *options)
        menagerie(clone, "report")
        seconds = time.perf_counter() - started
        summary = json.loads((clone / f"metrics/{dataset}/summary.json").read_text("utf-8"))
        record = json.loads((clone / f".work/runs/{dataset}/{preset}.json").read_text("utf-8"))
        found = summary["models"][preset]
    scores = (found[key] for key in ("accuracy", "accuracy_low", "accuracy_high", "n"))
    row = Row(told, preset, *scores, record["fit_seconds"], seconds)
    print(*row, flush=True)
    return row


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder_of(Path(name))
        pictures = Path(name)
        for preset in PRESETS[:2]:  # the last takes three times as long as the second: the folder tells of it
            rows.append(measured(SPLIT, "sign_digits", preset, PUBLISHED, pictures))
        for preset in PRESETS:
            rows.append(measured("a folder, 60 a class", "hands", preset, FOLDER, pictures))
    text = written(rows)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def written(rows: Sequence[Row]) -> str:
    lines = [
        "# The presets, from pictures to the report",
        "",
        f"`MENAGERIE_MIRROR=... benchmarks/presets.py` on {os.cpu_count()} cores ({platform.machine()}), "
        "one run each, on the processor. Intervals are Wilson's, at 95 %.",
        "",
        "| pictures | preset | test accuracy in % | of | fit, seconds | all, seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        score = f"{100 * row.accuracy:.2f} ({100 * row.low:.2f} to {100 * row.high:.2f})"
        cells = (row.pictures, row.preset, score, row.n, f"{row.train_seconds:.0f}", f"{row.seconds:.0f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    reported, n = best_reported()
    lines += [
        "",
        f"The notebook's best on the published split is {100 * reported:.2f} of {n}, as printed. Less that "
        "(Newcombe's interval of two shares):",
        "",
    ]
    for row in rows:
        if row.pictures == SPLIT:
            theirs = (reported, *wilson_interval(reported * n, n))
            found, low, high = (
                100 * one for one in newcombe_interval((row.accuracy, row.low, row.high), theirs)
            )
            lines.append(f"- {row.preset}: {found:+.1f} points ({low:+.1f} to {high:+.1f})")
    return "\n".join([*lines, ""])


def best_reported() -> tuple[float, int]:
    """The best accuracy that the notebook printed, and of how many pictures."""
    study = yaml.safe_load((ROOT / "conf/study/sign_digits.yaml").read_text("utf-8"))
    printed = [model["val"] for model in study["reported"]["models"].values()]
    best = max(printed, key=lambda score: float(score["accuracy"]))
    return float(best["accuracy"]), best["n"]


if __name__ == "__main__":
    main()
