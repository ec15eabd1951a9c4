"""The command `menagerie`: as click runs it, and as a process of its own."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from helpers import ROOT, Page, cifar_tar, composed, picture, robustness, written
from lying_server import LyingServer, say, serve
from menagerie import paths, tracking
from menagerie.archives.layout import content_sha256, find_pictures
from menagerie.cli.main import main
from menagerie.download import datasets
from menagerie.download.sources import kaggle, zenodo
from menagerie.files import file_sha256
from menagerie.params import Params
from menagerie.params.dataset import Dataset
from menagerie.params.section import parse

RECORD_PATH = "/api/records/4242"
KAGGLE_PATH = "/api/v1/datasets/download/someone/pets?datasetVersionNumber=3"


def zipped(**pictures):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in pictures.items():
            archive.writestr(f"{name}/1.jpg", data)
    return content.getvalue()


ZIP, OTHER = zipped(cat=b"a cat", dog=b"a dog"), zipped(cat=b"a cat", dog=b"a wolf")
MD5 = hashlib.md5(ZIP, usedforsecurity=False)


@pytest.fixture
def server(monkeypatch):
    with LyingServer().running() as server:
        monkeypatch.setattr(zenodo, "RECORDS", server.url("/api/records"))
        monkeypatch.setattr(kaggle, "DOWNLOADS", server.url("/api/v1/datasets/download"))
        yield server


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """A repository with this one's conf/; no proxy and no mirror of the user's."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "menagerie_mirror"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    path = tmp_path / "repository"
    shutil.copytree(ROOT / "conf", path / "conf")
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def mirror(tmp_path):
    return tmp_path / "a mirror"


def content_of(data, tmp_path):
    path = tmp_path / "content.zip"
    path.write_bytes(data)
    return content_sha256(find_pictures([path], "{class}"))


def on_zenodo(server, repository, tmp_path):
    link = server.on(f"{RECORD_PATH}/files/pets.zip/content", serve(ZIP))
    file = {
        "key": "pets.zip",
        "size": len(ZIP),
        "checksum": f"md5:{MD5.hexdigest()}",
        "links": {"self": link},
    }
    server.on(RECORD_PATH, say(200, body=json.dumps({"id": 4242, "files": [file]}).encode()))
    add_data_set(repository, {"kind": "zenodo", "record": 4242})
    return ["zenodo-4242-pets.zip", "zenodo-4242.json"]


def on_kaggle(server, repository, tmp_path):
    server.on(KAGGLE_PATH, say(302, {"Location": "/storage/pets"}))
    server.on("/storage/pets", serve(ZIP, {"x-goog-hash": f"md5={b64encode(MD5.digest()).decode()}"}))
    add_data_set(repository, {"kind": "kaggle", "dataset": "someone/pets", "version": 3})
    return ["someone-pets-v3.zip"]


def on_a_server(server, repository, tmp_path):
    url = server.on("/pets.zip", serve(ZIP))
    content = content_of(ZIP, tmp_path)
    add_data_set(repository, {"kind": "archive", "url": url, "file": "pets.zip", "content_sha256": content})
    return ["pets.zip"]


def of_cifar(server, repository, tmp_path):
    tar, _ = cifar_tar(count=1)
    url = server.on("/cifar.tar.gz", serve(tar))
    sha256 = hashlib.sha256(tar).hexdigest()
    add_data_set(repository, {"kind": "cifar_binary", "url": url, "file": "cifar.tar.gz", "sha256": sha256})
    return ["cifar.tar.gz"]


KINDS = [on_zenodo, on_kaggle, on_a_server, of_cifar]
PROVEN_BY_HASH, PROVEN_BY_CONTENT = [on_zenodo, of_cifar], [on_kaggle, on_a_server]


def add_data_set(repository, source):
    """conf/dataset/pets.yaml, as a user writes it."""
    facts = yaml.safe_load((repository / "conf/dataset/digits.yaml").read_text(encoding="utf-8"))
    del facts["defaults"]  # the split of the digits
    text = yaml.safe_dump(facts | {"name": "pets", "source": source})
    (repository / "conf/dataset/pets.yaml").write_text(text, encoding="utf-8")


def run(*arguments, **environment):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)


def succeed(*arguments, **environment):
    done = run(*arguments, **environment)
    assert done.exit_code == 0, done.output
    return done


def fail(*arguments, **environment):
    done = run(*arguments, **environment)
    assert done.exit_code == 1
    assert done.stdout == ""
    return done.stderr


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# menagerie mirror


@pytest.mark.parametrize("kind", KINDS)
def test_mirror_holds_all_files_and_serves_a_machine_without_network(
    repository, mirror, tmp_path, monkeypatch, kind
):
    with LyingServer().running() as server:
        monkeypatch.setattr(zenodo, "RECORDS", server.url("/api/records"))
        monkeypatch.setattr(kaggle, "DOWNLOADS", server.url("/api/v1/datasets/download"))
        files = kind(server, repository, tmp_path)
        done = succeed("mirror", "pets", mirror)
    assert names(mirror) == files
    for name in files:
        assert f"{(mirror / name).stat().st_size:,} bytes  {name}" in done.stdout

    monkeypatch.setenv("MENAGERIE_MIRROR", str(mirror))
    raw = tmp_path / "raw"
    raw.mkdir()
    values = yaml.safe_load((repository / "conf/dataset/pets.yaml").read_text(encoding="utf-8"))
    split = yaml.safe_load((repository / "conf/split/stable.yaml").read_text(encoding="utf-8"))
    (entry,) = datasets.fetch(parse(Dataset, values | {"split": split}, "pets").source, raw)
    assert names(raw) == [entry["file"]]
    came = entry.get("made_from", entry)
    assert came["sha256"] == hashlib.sha256((mirror / came["file"]).read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_and_right_is_not_fetched_again(server, repository, mirror, tmp_path, kind):
    kind(server, repository, tmp_path)
    first = succeed("mirror", "pets", mirror)
    server.clear()
    assert succeed("mirror", "pets", mirror).stdout == first.stdout
    assert server.seen == []


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", PROVEN_BY_HASH)
def test_damaged_file_that_a_hash_tells_is_replaced(server, repository, mirror, tmp_path, kind, named):
    environment = {"MENAGERIE_MIRROR": str(mirror)} if named else {}
    name = kind(server, repository, tmp_path)[0]
    succeed("mirror", "pets", mirror)
    right = (mirror / name).read_bytes()
    (mirror / name).write_bytes(right[:-1])
    succeed("mirror", "pets", mirror, **environment)
    assert (mirror / name).read_bytes() == right


@pytest.mark.parametrize("kind", PROVEN_BY_CONTENT)
def test_damaged_file_that_no_hash_tells_is_named_and_left(server, repository, mirror, tmp_path, kind):
    (name,) = kind(server, repository, tmp_path)
    mirror.mkdir()
    (mirror / name).write_bytes(ZIP[:-5])
    assert f"{mirror / name} is no whole archive" in fail("mirror", "pets", mirror)
    assert (mirror / name).read_bytes() == ZIP[:-5]
    assert server.seen == []


def test_archive_with_other_pictures_is_refused_and_not_kept(server, repository, mirror, tmp_path):
    on_a_server(server, repository, tmp_path)
    server.on("/pets.zip", serve(OTHER))
    said = fail("mirror", "pets", mirror)
    assert f"content SHA-256 {content_of(OTHER, tmp_path)}" in said
    assert f"dataset.source.content_sha256 {content_of(ZIP, tmp_path)}" in said
    assert names(mirror) == []


def test_archive_whose_pictures_lie_elsewhere_is_refused_and_not_kept(server, repository, mirror, tmp_path):
    on_kaggle(server, repository, tmp_path)
    path = repository / "conf/dataset/pets.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("'{class}'", "photos/{class}"), encoding="utf-8")
    assert "no member is a picture" in fail("mirror", "pets", mirror)
    assert names(mirror) == []


def test_record_that_cannot_be_used_is_not_kept(server, repository, mirror, tmp_path):
    on_zenodo(server, repository, tmp_path)
    server.on(RECORD_PATH, say(200, body=b"<html>busy</html>"))
    assert "Invalid JSON" in fail("mirror", "pets", mirror)
    assert names(mirror) == []
    on_zenodo(server, repository, tmp_path)
    succeed("mirror", "pets", mirror)


@pytest.mark.parametrize("kind", KINDS)
def test_refusal_of_the_server_is_an_error(server, repository, mirror, tmp_path, kind):
    kind(server, repository, tmp_path)
    server.clear()
    assert "HTTP 404" in fail("mirror", "pets", mirror)
    assert names(mirror) == []


def test_another_mirror_is_used_to_fill_a_new_one(server, repository, mirror, tmp_path):
    files = on_zenodo(server, repository, tmp_path)
    succeed("mirror", "pets", mirror)
    server.clear()
    succeed("mirror", "pets", tmp_path / "copy", MENAGERIE_MIRROR=str(mirror))
    assert names(tmp_path / "copy") == files
    assert server.seen == []


@pytest.mark.parametrize("relative", [True, False])
def test_folder_that_menagerie_mirror_names_is_filled_by_default(
    server, repository, mirror, tmp_path, relative
):
    files = on_kaggle(server, repository, tmp_path)
    mirror.mkdir()
    succeed("mirror", "pets", MENAGERIE_MIRROR=os.path.relpath(mirror) if relative else mirror.as_uri())
    assert names(mirror) == files


def test_folder_to_fill_must_be_named_somewhere(server, repository, tmp_path):
    on_kaggle(server, repository, tmp_path)
    fix = "name the folder to fill: menagerie mirror pets FOLDER"
    assert f"MENAGERIE_MIRROR is not set; {fix}" in fail("mirror", "pets")
    assert f"is https://mirror.example.org; {fix}" in fail(
        "mirror", "pets", MENAGERIE_MIRROR="https://mirror.example.org"
    )
    assert "there is no folder" in fail("mirror", "pets", MENAGERIE_MIRROR=str(tmp_path / "nowhere"))


def test_folder_that_cannot_be_made_is_an_error(server, repository, tmp_path):
    on_kaggle(server, repository, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    assert str(tmp_path / "file") in fail("mirror", "pets", tmp_path / "file" / "mirror")
    assert run("mirror", "pets", tmp_path / "file").exit_code == 2


@pytest.mark.parametrize("name", ["digits", "folder"])
def test_data_set_that_needs_no_network_has_nothing_to_mirror(name):
    assert succeed("mirror", name).stdout.startswith(f"{name}: nothing to mirror")


def test_every_data_set_of_conf_is_known_to_the_command(repository, tmp_path):
    """Those that need the network ask for a folder, the others have nothing to mirror; none is an error."""
    for path in (repository / "conf/dataset").glob("*.yaml"):
        done = run("mirror", path.stem)
        assert "nothing to mirror" in done.stdout or "name the folder to fill" in done.stderr


def test_unknown_data_set_is_refused_with_the_nearest_name(mirror):
    assert "unknown data set 'sign_digit'; did you mean 'sign_digits'?" in fail(
        "mirror", "sign_digit", mirror
    )
    assert not mirror.exists()


def test_command_is_run_from_the_root(tmp_path, monkeypatch, mirror):
    monkeypatch.chdir(tmp_path)
    assert "run from the root of the repository" in fail("mirror", "digits", mirror)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: [", "conf/ cannot be composed with dataset=pets"),
        ("name: ${nothing}", "conf/ cannot be composed with dataset=pets"),
        ("name: pets", "conf/dataset/pets.yaml cannot be used"),
        ("name: pets\nsource: {kind: zip}", "dataset/pets.yaml cannot be used"),
    ],
)
def test_data_set_that_conf_gets_wrong_is_an_error_that_names_it(repository, mirror, text, expected):
    (repository / "conf/dataset/pets.yaml").write_text(text, encoding="utf-8")
    assert expected in fail("mirror", "pets", mirror)


# menagerie report


def reported(*arguments, dataset="digits"):
    done = succeed("report", *arguments)
    path = paths.report(dataset).with_suffix(".html")
    assert f"wrote {path}, " in done.stdout
    return Page(path.read_text(encoding="utf-8"))


def test_report_is_written_of_what_the_stages_left():
    found = written("cnn", "ann")
    shown = reported()
    assert [row["model"] for row in shown.rows("Leaderboard")] == ["cnn", "ann"]
    assert shown.rows("Leaderboard")[1]["loss (nats)"].startswith(
        f"{found.metrics['ann']['test']['loss']:.4f};"
    )
    assert shown.rows("Cost of each model")[0]["training"] == "25.0 s"
    assert shown.headings == ["leaderboard", "tests", "cost", "calibration", "data", "models", "repeat"]
    assert names(paths.report("digits").parent) == ["digits.html"]
    drawn = [image["alt"] for image in shown.of("img") if "against each cost" in image["alt"]]
    assert len(drawn) == 1


def test_report_of_one_model():
    written("cnn")
    assert [row["model"] for row in reported().rows("Leaderboard")] == ["cnn"]


def test_model_names_that_look_like_numbers_or_gaps_stay_as_they_are():
    written("cnn", "ann")
    values = composed("model=cnn")
    values["models"] = dict.fromkeys(("007", "nan"), values["models"]["cnn"])
    paths.PARAMS.write_text(yaml.safe_dump(values), encoding="utf-8")
    for old, new in (("cnn", "007"), ("ann", "nan")):
        for place in (paths.metrics, paths.replicates):
            place("digits", old).rename(place("digits", new))
    pairs = paths.comparison_plots("digits") / "pairs.csv"
    pairs.write_text(pairs.read_text(encoding="utf-8").replace("\ncnn,ann,", "\n007,nan,"), encoding="utf-8")
    (row,) = reported().rows("The best model against each other one")
    assert (row["best by val"], row["against"]) == ("007", "nan")


def test_robustness_is_reported_where_evaluate_tested_it():
    written("cnn")
    robustness([0.5, 0.25]).to_csv(paths.metrics("digits", "cnn") / "robustness.csv", index=False)
    assert reported().rows("Accuracy under corruptions")[0]["mean"] == "37.50"


def test_figures_and_records_that_are_not_there_are_no_error():
    written("cnn", "ann")
    for name in ("cnn", "ann"):
        shutil.rmtree(paths.model_plots("digits", name))
    shutil.rmtree(paths.data_plots("digits"))
    paths.run_record("digits", "cnn").unlink()
    shown = reported()
    assert len(shown.of("img")) == 2  # of the comparison
    rows = {row["model"]: row for row in shown.rows("Cost of each model")}
    assert rows["cnn"]["training"] == "\N{EN DASH}"


def test_what_a_stage_did_not_write_is_named_and_nothing_is_written():
    written("cnn", "ann")
    path = paths.metrics("digits", "ann") / "metrics.json"
    path.unlink()
    assert fail("report") == f"Error: {path} is not there; make it with `dvc repro`\n"
    assert not paths.report("digits").parent.exists()


def test_an_older_report_stays_when_a_new_one_cannot_be_made():
    written("cnn", "ann")
    reported()
    path = paths.report("digits").with_suffix(".html")
    before = path.read_bytes()
    (paths.comparison_plots("digits") / "accuracy.png").write_bytes(picture()[:60])
    assert "the figure accuracy.png cannot be read" in fail("report")
    assert path.read_bytes() == before
    assert names(path.parent) == ["digits.html"]


@pytest.mark.parametrize("seeds", [(1, 2), (1,)], ids=str)
def test_report_with_replicates_tells_of_other_seeds_or_how_to_get_some(repository, monkeypatch, seeds):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("DVC_ROOT", str(repository))
    written("cnn")
    paths.split("digits").write_text("index,split\n", encoding="utf-8")
    tags = {"split.sha256": file_sha256(paths.split("digits"))}
    try:
        for seed, accuracy in zip(seeds, (0.5, 0.75), strict=False):
            params = parse(Params, composed("model=cnn", f"seed={seed}"), "conf")
            with tracking.training_run(params, "cnn", tags, Path("begun")) as training:
                training.set_tags({"model.sha256": str(seed)})
            with tracking.evaluation_run(params, "cnn", str(seed)) as evaluation:
                evaluation.log_metrics({"test_accuracy": accuracy})
        done = succeed("report", "--replicates")
    finally:
        mlflow.set_tracking_uri(None)
    if len(seeds) < 2:
        assert "nothing was trained from two seeds yet; make more with `dvc exp run --queue -S" in done.stdout
        return
    assert "yet" not in done.stdout
    assert re.search(r"cnn +2 +1, 2 +0\.6250 +0\.1768", done.stdout)
    (row,) = Page(paths.report("digits").with_suffix(".html").read_text(encoding="utf-8")).rows(
        "Runs with other seeds"
    )
    assert (row["what differs from these settings"], row["n"], row["seeds"]) == ("nothing", "2", "1, 2")
    assert row["mean test accuracy (%)"].startswith("62.50; ")


def test_report_with_runs_compares_them_in_a_table_and_a_figure(repository, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("DVC_ROOT", str(repository))
    written("cnn")
    paths.split("digits").write_text("index,split\n", encoding="utf-8")
    tags = {"split.sha256": file_sha256(paths.split("digits"))}
    try:
        for rate, accuracy in (("0.0001", 0.5), ("0.01", 0.75)):
            override = f"models.cnn.phases.main.learning_rate={rate}"
            params = parse(Params, composed("model=cnn", override), "conf")
            with tracking.training_run(params, "cnn", tags, Path("begun")) as training:
                training.set_tags({"model.sha256": rate})
            with tracking.evaluation_run(params, "cnn", rate) as evaluation:
                evaluation.log_metrics({"test/accuracy": 0.9, "val/accuracy": accuracy, "val/n": 20})
        done = succeed("report", "--runs")
    finally:
        mlflow.set_tracking_uri(None)
    table = pd.read_csv(paths.runs_report("digits"))
    assert table["changed"].fillna("").to_list() == ["phases.main.learning_rate=0.01", ""]
    assert table["val_accuracy"].to_list() == [0.75, 0.5]
    assert "learning_rate=0.01" in done.stdout
    assert paths.runs_report("digits").with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_replicates_without_a_run_are_an_error_that_says_how_to_get_some(repository, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(repository))
    written("cnn")
    paths.split("digits").write_text("index,split\n", encoding="utf-8")
    assert "dvc exp run --queue -S 'seed=1,2,3'" in fail("report", "--replicates")
    assert not paths.report("digits").parent.exists()


# as a process


def process(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", "from menagerie.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_process_fills_the_mirror_and_ends_with_the_right_code(server, repository, mirror, tmp_path):
    files = on_a_server(server, repository, tmp_path)
    done = process("mirror", "pets", mirror)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(mirror) == files
    wrong = process("mirror", "pet", mirror)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("Error: unknown data set 'pet'; did you mean 'pets'?")


def test_help_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from menagerie.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "mirror" in done.stdout
    loaded = set(yaml.safe_load(done.stderr))
    assert "click" in loaded
    assert loaded.isdisjoint(
        {"tensorflow", "keras", "mlflow", "hydra", "numpy", "pandas", "httpx", "pydantic"}
    )


def test_report_loads_no_network_and_no_store():
    """It takes seconds, not a quarter of a minute."""
    written("cnn")
    script = (
        "import sys\n"
        "from menagerie.cli.main import main\n"
        "main(['report'], standalone_mode=False)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(yaml.safe_load(done.stderr))
    assert "pandas" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "torch", "jax", "mlflow", "dvc"})


@pytest.mark.parametrize("command", ["mend", "sync", "verify"])
def test_away_from_the_root_what_looks_after_the_repository_says_so_and_makes_nothing(
    command, tmp_path, monkeypatch
):
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    done = CliRunner().invoke(main, [command])
    assert done.exit_code == 1
    assert f"is not in {away}; run from the root of the repository" in done.output
    assert list(away.iterdir()) == []
