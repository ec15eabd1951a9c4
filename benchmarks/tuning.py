"""What a search costs beside the training of the heads that it tries, the frozen base being run once.

use: MENAGERIE_MIRROR=<folder> python benchmarks/tuning.py   (ten minutes; writes benchmarks/tuning.md)

`menagerie tune --model mobilenet_imagenet --budget 30` on the sign digits, in a clone where nothing was made
but the split. The seconds of the whole command, start-up and the pass through the base included, beside the
sum of the seconds that Keras's fit took for the epochs of all trials, as each logged them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODEL, TRIALS = "mobilenet_imagenet", 30
COMMAND = [sys.executable, "-c", "from menagerie.cli.main import main; main()", "tune"]
EPOCHS = """
import json, mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
experiments = [experiment.experiment_id for experiment in client.search_experiments()]
runs = client.search_runs(experiments)
trials = [run for run in runs if "tune.trial" in run.data.tags]
history = [client.get_metric_history(run.info.run_id, "epoch_seconds") for run in trials]
print(json.dumps([sum(epoch.value for epoch in epochs) for epochs in history]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name, "menagerie")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        variables |= {"PYTHONPATH": str(clone / "src")}
        variables |= {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
        settings = ["-S", "study=sign_digits", "-S", f"model={MODEL}"]
        run = {"cwd": clone, "env": variables, "check": True}
        subprocess.run(["dvc", "exp", "run", "--quiet", *settings, "split"], **run)
        started = time.perf_counter()
        subprocess.run([*COMMAND, "--model", MODEL, "--budget", str(TRIALS)], **run)
        seconds = time.perf_counter() - started
        told = subprocess.run([sys.executable, "-c", EPOCHS], **run, stdout=subprocess.PIPE, text=True).stdout
    trials = json.loads(told.splitlines()[-1])
    heads = sum(trials)
    lines = [
        "# What a search costs beside the heads that it trains",
        "",
        f"`MENAGERIE_MIRROR=... python benchmarks/tuning.py` on {os.cpu_count()} cores: "
        f"{len(trials)} trials of `{MODEL}` on the sign digits.",
        "",
        "| | seconds |",
        "|---|---|",
        f"| `menagerie tune --model {MODEL} --budget {TRIALS}`, all of it | {seconds:.0f} |",
        f"| the epochs of its trials, as fit took them | {heads:.0f} |",
        "",
        f"The search costs **{seconds / heads:.2f} times** its heads.",
        "",
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
