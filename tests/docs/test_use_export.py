"""README, "Export" and "Hand over": its commands, run in a clone of this repository and one of that."""

import json
import re
import shlex
import zipfile
from importlib.util import find_spec

import pytest

from helpers import ROOT, commit, make_clone, run, stages_run, succeed

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text(encoding="utf-8")
MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")


def commands(heading):
    """What the code of a section says to type, without comments."""
    section = re.search(rf"^### {heading}\n(.*?)(?=^##)", README, re.DOTALL | re.MULTILINE)[1]
    blocks = re.findall(r"^```\n(.*?)```", section, re.DOTALL | re.MULTILINE)
    lines = [line.split("  #") for block in blocks for line in block.splitlines()]
    return {line[0].strip(): "".join(line[1:]).strip() for line in lines}


def typed(clone, line, **environment):
    """Run a line as it stands, with the program of the clone."""
    words = shlex.split(line)
    if words[0] == "menagerie":
        words = [*MENAGERIE, *words[1:]]
    return run(clone, *words, PYTHONPATH=str(clone / "src"), **environment)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An MLflow store that both clones see."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory, store):
    """A clone in which the embedded digits were trained for an epoch, committed."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    succeed(
        target, "dvc", "exp", "run", "-S", "model=cnn", "-S", "compute.max_epochs=1",
        MLFLOW_TRACKING_URI=store,
    )  # fmt: skip
    commit(target, "A model")
    return target


@pytest.mark.parametrize(("line", "comment"), commands("Export").items())
def test_a_command_of_export_writes_what_it_says_or_names_what_to_install(clone, line, comment):
    done = typed(clone, line)
    extra = re.search(r"pip install -e '\.\[(\w+)\]'", comment)
    if extra and find_spec(extra[1]) is None:
        assert done.returncode == 1
        assert extra[0] in done.stderr
        return
    assert done.returncode == 0, done.everything
    assert "parity on 270 pictures (val of digits): largest difference of a probability" in done.stdout
    assert (clone / re.search(r"^wrote (\S+): ", done.stdout, re.MULTILINE)[1]).exists()
    for path in re.findall(r"exports/\S+", comment):
        assert (clone / path).exists()


def test_a_bundle_tells_the_test_of_the_model(clone):
    (line,) = [line for line in commands("Hand over") if line.startswith("menagerie")]
    done = typed(clone, line)
    assert done.returncode == 0, done.everything
    metrics = json.loads((clone / "metrics/digits/models/cnn/metrics.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(clone / "exports/digits/cnn.zip") as file:
        page = file.read("cnn/README.md").decode()
    assert f"It gets {100 * metrics['test']['accuracy']:.2f} % of the test pictures right." in page
    assert "pictures under CC-BY-4.0" in page
    assert succeed(clone, "git", "status", "--porcelain").stdout == ""


def test_what_is_pushed_is_there_in_another_clone_where_no_stage_runs(clone, tmp_path, store):
    lines = list(commands("Hand over"))
    remotes = [line for line in lines if line.startswith("dvc remote add")]
    assert [re.search(r"storage (s3:|ssh:|/)", line)[1] for line in remotes] == ["/", "s3:", "ssh:"]
    for line in remotes[1:]:  # such a one is only named here
        assert typed(clone, line).returncode == 0
        succeed(clone, "git", "checkout", "-q", "--", ".dvc/config")
    storage = str(tmp_path / "storage")
    assert typed(clone, remotes[0].replace("/srv/menagerie", storage)).returncode == 0
    for line in [line for line in lines if line.startswith(("git commit", "dvc push"))]:
        done = typed(clone, line)
        assert done.returncode == 0, done.everything

    other = tmp_path / "other"
    succeed(tmp_path, "git", "clone", "-q", str(clone), str(other))
    assert not (other / "models").exists()
    early = succeed(other, "dvc", "repro", "--pull", "--allow-missing", "--dry")
    assert stages_run(early) == []
    (one,) = re.findall(r"`(dvc pull [^`]+)` fetches one model", README)
    assert typed(other, one).returncode == 0
    assert (other / "models/digits/cnn/model.keras").exists()
    assert not (other / "data").exists()
    for line in [line for line in lines if line.startswith(("dvc pull", "dvc repro"))]:
        done = typed(other, line)
        assert done.returncode == 0, done.everything
        assert stages_run(done) == []
    assert succeed(other, "git", "status", "--porcelain").stdout == ""
    model = "models/digits/cnn/model.keras"
    assert (other / model).read_bytes() == (clone / model).read_bytes()
    assert typed(other, "menagerie bundle --model cnn").returncode == 0
    exports = "exports/digits/cnn.zip"
    assert (other / exports).read_bytes() == (clone / exports).read_bytes()

    succeed(other, "dvc", "repro", "--force", "--single-item", "evaluate@cnn", MLFLOW_TRACKING_URI=store)
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(store)
    found = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert [kept.data.tags["model"] for kept in found] == ["cnn"]
    assert found[0].info.status == "FINISHED"
    assert "model.origin" not in found[0].data.tags
