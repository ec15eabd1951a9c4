"""A training that is killed at random moments, thirty times, and goes on each time to the same end."""

import json
import shutil
import sys
from collections import Counter

import pytest
import yaml

from helpers import composed, run

mlflow = pytest.importorskip("mlflow")

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

NAME, TRIALS = "mobilenet_v2_finetune", 30
SMALL = ("weights=random", "base=MobileNet", "output_layer=conv_pw_1_relu", "image_size=[32,32]")
SMALL += ("pooling=average", "head=[]", "batch_size=16", "phases.head.learning_rate=0.03")
SMALL += ("phases.finetune.learning_rate=0.01", "phases.head.early_stopping.patience=3")
SMALL += ("phases.finetune.early_stopping={monitor: val_loss, patience: 3, restore_best: true}",)
SMALL += tuple(f"phases.{phase}.reduce_on_plateau.patience=1" for phase in ("head", "finetune"))

# Loads TensorFlow once. Each training is a process of its own, which runs `train` as `python src train` does.
TRAININGS = """
import hashlib, json, os, random, shutil, signal, sys, time
sys.path.insert(0, "src")
import stages.train
from menagerie.train import checkpoints

checkpoints.EVERY = 0  # a checkpoint after each epoch
name, dataset, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
folder = f"models/{dataset}/{name}"
rng = random.Random(0)


def train(kill_after=None):
    \"\"\"Whether it was killed.\"\"\"
    child = os.fork()
    if child == 0:
        sys.stdout = open("log.txt", "a")
        try:
            stages.train.main(name)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    if kill_after is None:
        assert os.waitpid(child, 0)[1] == 0
        return False
    time.sleep(kill_after)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def hashes():
    files = [f"{folder}/{file}" for file in sorted(os.listdir(folder))]
    found = [hashlib.sha256(open(file, "rb").read()).hexdigest() for file in files]
    shutil.rmtree(folder)
    return found


began = time.monotonic()
train()
seconds = time.monotonic() - began
shutil.copy(f"{folder}/history.csv", "history.csv")
expected = hashes()
killed, same, went_on = 0, 0, 0
for _ in range(trials):
    killed += train(rng.uniform(0, seconds))
    assert not os.path.exists(folder) or len(os.listdir(folder)) == len(expected)
    went_on += any(file.endswith(".npz") for file in os.listdir(".work/checkpoints"))
    train()
    same += hashes() == expected
print(json.dumps({"killed": killed, "same": same, "went_on": went_on}))
"""


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_thirty_kills_give_thirty_times_the_same_model_and_one_finished_run_each(all_stages, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(all_stages, folder, ignore=shutil.ignore_patterns(".work", "mlflow.db", "mlartifacts"))
    shutil.rmtree(folder / "models")
    settings = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    recipe = composed(f"model={NAME}", *(f"models.{NAME}.{one}" for one in SMALL))["models"][NAME]
    settings |= {"models": {NAME: recipe}, "compute": settings["compute"] | {"max_epochs": 6}}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    done = run(
        folder, sys.executable, "-c", TRAININGS, NAME, "colours", str(TRIALS), TF_CPP_MIN_LOG_LEVEL="2"
    )
    assert done.returncode == 0, done.everything[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same"] == TRIALS
    assert found["killed"] > TRIALS / 2  # the others ended before their moment came
    assert found["went_on"] > TRIALS / 4  # or it would be tested that trainings begin anew

    store = mlflow.MlflowClient(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    runs = store.search_runs([store.get_experiment_by_name("colours").experiment_id])
    epochs = [
        line.split(",")[0] for line in (folder / "history.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    trainings = 1 + TRIALS + (TRIALS - found["killed"])  # one that ended before its moment is one more
    assert Counter(one.info.status for one in runs) == {"FINISHED": trainings}
    for one in runs:
        steps = [metric.step for metric in store.get_metric_history(one.info.run_id, "val_loss")]
        assert steps == [int(epoch) for epoch in epochs]
