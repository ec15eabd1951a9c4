"""README, "Tracking": its commands on the embedded digits, trained for an epoch."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner

from helpers import ROOT, composed
from menagerie.cli.main import main
from serving import free_port, started

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("keras")
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*type hint:UserWarning"),  # MLflow's, of a function of its own
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are of a Unix shell"),
]

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"\n## Tracking\n(.*?)\n## ", README, re.DOTALL)[1]
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def commands(start):
    """The lines of the block of the section whose first line starts so."""
    return re.search(rf"```\n({start}.*?)```", SECTION, re.DOTALL)[1].splitlines()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A repository in which cnn was trained on the digits for an epoch, evaluated and compared."""
    folder = tmp_path_factory.mktemp("trained")
    settings = composed("model=cnn", "compute.max_epochs=1")
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    stages = ("download", "prepare", "split", "train cnn", "evaluate cnn", "replicate cnn", "compare")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
            patch.delenv(name, raising=False)
        for stage, *model in map(str.split, stages):
            import_module(f"stages.{stage}").main(*model)
    yield folder
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def store(trained):
    return mlflow.MlflowClient(f"sqlite:///{(trained / 'mlflow.db').as_posix()}")


def test_the_best_by_val_is_champion_described_by_its_card(trained, store):
    metrics = json.loads((trained / "metrics/digits/models/cnn/metrics.json").read_text())
    version = store.get_model_version_by_alias("digits", "champion")
    assert version.tags["model.sha256"] == metrics["model_sha256"]
    assert version.tags["champion.reason"].startswith("version 1 (cnn) is the first champion: val accuracy ")
    assert "menagerie predict PICTURE --uri models:/digits/1" in version.description
    run = store.get_run(version.run_id)
    assert run.data.metrics["test/accuracy"] == metrics["test"]["accuracy"]
    assert run.data.tags["mlflow.note.content"] == version.description
    contexts = [one.tags[0].value for one in run.inputs.dataset_inputs]
    assert sorted(contexts) == ["test", "train", "val"]


def test_a_bundle_of_the_champion_tells_the_test_that_its_run_knows(trained, monkeypatch, tmp_path):
    monkeypatch.chdir(trained)
    metrics = Path("metrics/digits/models/cnn/metrics.json")
    metrics.rename(tmp_path / "elsewhere.json")
    try:
        done = CliRunner().invoke(main, ["bundle", "--champion", "--output", str(tmp_path / "b.zip")])
    finally:
        (tmp_path / "elsewhere.json").rename(metrics)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        page = file.read("b/README.md").decode()
    accuracy = json.loads(metrics.read_text())["test"]["accuracy"]
    assert f"It gets {100 * accuracy:.2f} % of the test pictures right." in page


def test_compare_says_again_that_the_champion_stays(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    import_module("stages.compare").main()
    told = capsys.readouterr().out
    assert "compare: champion of digits: version 1 (cnn) stays: none of the compared models is better" in told


def test_without_a_server_compare_warns_once_and_writes_the_same(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    before = (trained / "reports/digits.md").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens on discard
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    import_module("stages.compare").main()
    told = capsys.readouterr()
    assert told.err.count("no champion is chosen, the tracking store gives no answer") == 1
    assert "champion" not in told.out
    assert (trained / "reports/digits.md").read_bytes() == before


@pytest.fixture
def serving(trained):
    """The server of the README, on a free port; that port."""
    command, port = commands("mlflow models serve")[0], free_port()
    command = ["bash", "-c", command.replace("5001", port)]
    with started(command, f"http://127.0.0.1:{port}/ping", trained, os.environ | {"PATH": PATH}):
        yield port


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_a_picture_is_asked_with_curl(trained, serving, no_proxy):
    with zipfile.ZipFile(trained / "data/digits/raw/digits.zip") as archive:
        (trained / "photo.png").write_bytes(archive.read(archive.namelist()[0]))
    script = "\n".join(commands("mlflow models serve")[1:]).replace("5001", serving)
    done = subprocess.run(["bash", "-ec", script], cwd=trained, capture_output=True, text=True, check=True)
    (answer,) = json.loads(done.stdout)["predictions"]
    assert answer["class"] in set("0123456789")
    assert answer["top"][0]["class"] == answer["class"]
    assert len(answer["top"]) == 2


# make


def made(*arguments):
    """What `make` would run; the environment counts as set up."""
    command = ["make", "--no-print-directory", "-n", "-o", ".venv/bin/.installed", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.replace("\\\n", " ")


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_ui_lets_in_those_who_type_a_name_that_was_given_and_no_others(trained, no_proxy):
    (command,) = re.findall(r"`(make ui HOST=.*?)`", SECTION)
    host, allowed = re.search(r"HOST=(\S+) ALLOWED_HOSTS=(\S+)", command).groups()
    port = free_port()
    script = made("ui", f"HOST={host}", f"ALLOWED_HOSTS={allowed}", f"PORT={port}")
    base = f"http://127.0.0.1:{port}"
    with started(["bash", "-c", script], f"{base}/health", trained, os.environ | {"PATH": PATH}):
        for name, status in ((allowed, 200), ("127.0.0.1", 200), ("evil.example.org", 403)):
            headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
            asked = httpx.post(
                f"{base}/api/2.0/mlflow/experiments/search",
                json={"max_results": 1},
                headers=headers,
                trust_env=False,
            )
            assert asked.status_code == status, name


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_ui_opens_on_the_runs_of_networks(trained, browser, no_proxy):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = ["bash", "-c", made("ui", f"PORT={port}")]
    with started(command, f"{base}/health", trained, os.environ | {"PATH": PATH}):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(base)
        page.get_by_role("link", name="digits").click()
        page.get_by_role("heading", name="Runs", exact=True).wait_for()
        page.get_by_role("link", name="cnn", exact=True).first.wait_for()
        text = page.locator("body").inner_text()
        page.close()
    for foreign in ("Agent versions", "telemetry", "Ask a question", "Detect Issues"):
        assert foreign not in text
