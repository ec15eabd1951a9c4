"""Where pictures and weights are: in this folder, in a mirror, at an address that answers."""

import socket

from lying_server import say
from menagerie import paths
from menagerie.notebooks import reach

FAR = "no network here"


def nobody(url):
    return FAR


def test_an_archive_in_the_mirror_is_at_hand(repository, params, tmp_path):
    dataset = params("study=sign_digits").dataset
    (tmp_path / dataset.source.file).write_bytes(b"zip")
    assert reach.pictures(dataset, tmp_path.as_uri(), nobody) == (True, "in the mirror")


def test_what_neither_mirror_nor_network_has_is_told_by_both(repository, params, tmp_path):
    there, told = reach.pictures(params("study=cifar10_model_s").dataset, tmp_path.as_uri(), nobody)
    assert not there
    assert told == "no network here, and the mirror has no cifar-10-binary.tar.gz"
    assert reach.pictures(params("study=cifar10_model_s").dataset, None, nobody) == (False, FAR)


def test_an_address_that_answers_is_enough(repository, params):
    found = reach.pictures(params("study=animals5").dataset, None, lambda url: None)
    assert found == (True, "at www.kaggle.com, which answers")


def test_a_record_in_the_mirror_needs_all_its_archives(repository, params, tmp_path):
    listing = '{"id": 10898524, "files": [{"key": "a.zip", "size": 3, "checksum": "md5:' + 32 * "0" + '"}]}'
    (tmp_path / "zenodo-10898524.json").write_text(listing, encoding="utf-8")
    dataset = params("study=animals10").dataset
    assert not reach.pictures(dataset, tmp_path.as_uri(), nobody).there
    (tmp_path / "zenodo-10898524-a.zip").write_bytes(b"zip")
    assert reach.pictures(dataset, tmp_path.as_uri(), nobody) == (True, "in the mirror")


def test_of_a_record_that_nobody_listed_the_list_is_asked_for(repository, params):
    asked = []
    reach.pictures(params("study=animals10").dataset, None, asked.append)
    assert asked == ["https://zenodo.org/api/records/10898524"]


def test_pictures_that_were_downloaded_or_trained_on_need_no_network(repository, params):
    dataset = params("study=animals5").dataset
    record = paths.run_record("animals5", "resnet")
    record.parent.mkdir(parents=True)
    record.write_text("{}", encoding="utf-8")
    assert reach.pictures(dataset, None, nobody).told.startswith("in DVC's cache")
    paths.raw("animals5").mkdir(parents=True)
    (paths.raw("animals5") / "a.zip").write_bytes(b"zip")
    assert reach.pictures(dataset, None, nobody) == (True, "in this folder")


def test_a_folder_is_looked_at_and_embedded_pictures_are_there(repository, params, tmp_path):
    assert reach.pictures(params().dataset, None, nobody) == (True, "installed with the program")
    own = ("dataset=folder", "dataset.name=pets")
    assert reach.pictures(params(*own, f"dataset.source.path={tmp_path}").dataset, None, nobody).there
    gone = reach.pictures(params(*own, f"dataset.source.path={tmp_path}/gone").dataset, None, nobody)
    assert not gone.there
    assert "gone is not there" in gone.told


def test_weights_come_from_the_mirrors_folder_of_weights_or_from_kerass_host(repository, params, tmp_path):
    spec = params("study=animals5").models["mobilenet_v2_transfer"]
    file = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    missing = reach.weights(spec, (100, 100, 3), tmp_path.as_uri(), nobody)
    assert missing == (False, f"no network here, and the mirror has no weights/{file}")
    assert reach.weights(spec, (100, 100, 3), None, lambda url: None).there
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / file).write_bytes(b"h5")
    assert reach.weights(spec, (100, 100, 3), tmp_path.as_uri(), nobody) == (True, "in the mirror")


def test_weights_of_a_file_are_looked_for_here_and_in_the_mirror(repository, params, tmp_path):
    spec = (
        params("model=mobilenet_imagenet")
        .models["mobilenet_imagenet"]
        .model_copy(update={"weights": "mine.weights.h5"})
    )
    assert reach.weights(spec, (64, 64, 3), None, nobody).told.endswith("MENAGERIE_MIRROR is not set")
    (repository / "mine.weights.h5").write_bytes(b"h5")
    assert reach.weights(spec, (64, 64, 3), None, nobody).there


def test_a_server_that_is_there_answers_and_one_that_is_not_does_not(server):
    host = server.url().removeprefix("http://")
    assert reach.answers(server.on("/here", say(200))) is None
    assert reach.answers(server.on("/moved", say(302, {"Location": "/here"}))) is None
    assert reach.answers(server.url("/gone")) == f"{host} answers HTTP 404"
    with socket.socket() as taken:  # a port at which nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert reach.answers(f"http://127.0.0.1:{port}/") == f"127.0.0.1:{port} does not answer"
