"""The service over real sockets: what it answers, and what it does not put up with."""

import base64
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import numpy as np
import pytest
from PIL import Image

from broken_pictures import bad, encoded, good, noise
from serving import CLASSES, SIZE, noisy, served, small_model, until

pytest.importorskip("keras")
pytest.importorskip("multipart")
from menagerie.prepare.modes import UnreadableError
from menagerie.serve.predictor import Predictor, pixels_of

pytestmark = pytest.mark.tensorflow
POST = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(small_model(tmp_path_factory.mktemp("model") / "model.keras", temperature=1.7))


@pytest.fixture(scope="module")
def service(predictor):
    with served(predictor) as address:
        yield address


@pytest.fixture
def client(service, no_proxy):
    with httpx.Client(base_url=service, timeout=60) as client:
        yield client


def form(files):
    return [("file", (name, data)) for name, data in files.items()]


def row(answer):
    """The probabilities of an answer, in the order of the classes."""
    of = {guess["class"]: guess["probability"] for guess in answer["top"]}
    return [of[name] for name in CLASSES]


def test_a_picture_has_the_probabilities_that_the_predictor_gives(client, predictor):
    files, pixels = noisy(5)
    expected = predictor.probabilities(pixels)
    assert len({tuple(values) for values in expected.round(6)}) == 5
    for data, values in zip(files, expected, strict=True):
        (answer,) = client.post("/predict", content=data).json()["pictures"]
        assert row(answer) == pytest.approx(values, abs=1e-6)
        assert answer["class"] == CLASSES[values.argmax()]
        assert answer["probability"] == answer["top"][0]["probability"] == max(row(answer))


def test_every_kind_of_file_is_answered_as_prepare_reads_it(client, predictor):
    files = good()
    reply = client.post("/predict", files=form(files)).json()
    pixels = np.stack([pixels_of(data, predictor.facts.pixels) for data in files.values()])
    assert [answer["picture"] for answer in reply["pictures"]] == list(files)
    rows = [row(answer) for answer in reply["pictures"]]
    np.testing.assert_allclose(rows, predictor.probabilities(pixels), rtol=0, atol=1e-6)
    assert (reply["model"], reply["dataset"]) == ("cnn", "pets")


def test_of_several_pictures_each_has_its_answer_or_its_error(client):
    files = good()
    reply = client.post(
        "/predict?top=1", files=form({"a.png": files["picture.png"], "b.png": b"", "c.txt": b"words"})
    )
    first, *failed = reply.json()["pictures"]
    assert reply.status_code == 200
    assert len(first["top"]) == 1
    assert [failure["picture"] for failure in failed] == ["b.png", "c.txt"]
    assert failed[0]["error"] == "empty file"
    assert failed[1]["error"].startswith("none of AVIF, BMP")


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, "empty file"),
        (good()["photo.jpg"][:300], 422, ""),
        (bad()["claims_100000x100000.png"], 422, "10,000,000,000 pixels, more than dataset.max_pixels"),
        (b"<html>Sign in</html>", 415, "none of AVIF"),
        (b'{"picture": 1}', 415, "none of AVIF"),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_single_picture_that_cannot_be_read_is_an_error_with_its_reason(client, path, data, status, words):
    for reply in (client.post(path, content=data), client.post(path, files=form({"it.png": data}))):
        assert reply.status_code == status
        assert words in reply.json()["detail"]


def test_health_says_what_answers(client):
    health = client.get("/health").json()
    assert health["classes"] == list(CLASSES)
    assert health["image_size"] == list(SIZE)
    assert health["status"] == "ok"
    assert health["explains"] is True


def test_openapi_tells_the_real_replies(client):
    described = client.get("/openapi.json").json()
    post = described["paths"]["/predict"]["post"]
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "image/*"}
    assert set(post["responses"]) == {"200", "400", "408", "413", "415", "422", "503", "504"}
    schema = described["components"]["schemas"]["Answer"]
    assert list(schema["properties"]) == ["picture", "class", "probability", "top"]
    answer = client.post("/predict", content=good()["picture.png"]).json()["pictures"][0]
    assert list(answer) == list(schema["properties"])


def test_a_number_of_classes_that_is_none_is_refused(client):
    reply = client.post("/predict?top=0", content=good()["picture.png"])
    assert (reply.status_code, reply.json()["detail"][:4]) == (422, "top:")


# Grad-CAM


def test_an_explanation_is_a_picture_with_heat_for_the_class_asked_for(client):
    (data,), _ = noisy(1)
    reply = client.post("/explain?class=hen", content=data).json()
    kind, _, coded = reply["image"].partition(",")
    with Image.open(io.BytesIO(base64.b64decode(coded))) as picture:
        assert (picture.format, picture.width % SIZE[1], picture.height % SIZE[0]) == ("PNG", 0, 0)
        assert picture.width >= 224
    assert (kind, reply["class"]) == ("data:image/png;base64", "hen")
    usual = client.post("/explain", content=data).json()
    assert usual["class"] == client.post("/predict", content=data).json()["pictures"][0]["class"]


def test_an_unknown_class_is_told_with_the_nearest_name(client):
    reply = client.post("/explain?class=cats", content=good()["picture.png"])
    assert (reply.status_code, "did you mean 'cat'?" in reply.json()["detail"]) == (422, True)


def test_a_network_without_convolutions_says_that_it_cannot_explain(tmp_path, no_proxy):
    with served(Predictor(small_model(tmp_path / "model.keras", convolution=False))) as address:
        assert httpx.get(f"{address}/health").json()["explains"] is False
        assert httpx.post(f"{address}/explain", content=good()["picture.png"]).status_code == 501
        assert httpx.post(f"{address}/predict", content=good()["picture.png"]).status_code == 200


# many at once


def test_of_many_clients_none_is_lost_and_each_gets_its_own_answer(service, predictor, no_proxy):
    files, pixels = noisy(96, seed=1)
    expected = predictor.probabilities(pixels)

    def ask(place):
        with httpx.Client(base_url=service, timeout=60) as client:
            several = {str(at): files[at] for at in range(place, 96, 8)}
            first = client.post("/predict", files=form(several)).json()["pictures"]
            second = [
                client.post("/predict", content=files[at]).json()["pictures"][0] for at in (place, place + 8)
            ]
        return [(int(answer["picture"]), row(answer)) for answer in first] + [
            (at, row(answer)) for at, answer in zip((place, place + 8), second, strict=True)
        ]

    with ThreadPoolExecutor(8) as pool:
        found = [pair for pairs in pool.map(ask, range(8)) for pair in pairs]
    assert len(found) == 96 + 16
    for at, values in found:
        assert values == pytest.approx(expected[at], abs=1e-6)


# limits


@pytest.fixture(scope="module")
def strict(predictor):
    """A service that puts up with little."""
    with served(predictor, body_bytes=20_000, pictures=3, seconds=0.5) as address:
        yield address


@pytest.fixture
def strict_client(strict, no_proxy):
    with httpx.Client(base_url=strict, timeout=60) as client:
        yield client


def test_too_many_bytes_are_refused_before_they_are_read_or_while(strict_client):
    def unknown_length():
        for _ in range(100):
            yield bytes(1000)

    for content in (bytes(20_001), unknown_length()):
        reply = strict_client.post("/predict", content=content)
        assert (reply.status_code, "20,000 bytes" in reply.json()["detail"]) == (413, True)
    assert strict_client.post("/predict", files=form({"a": bytes(30_000)})).status_code == 413


def test_too_many_pictures_are_refused(strict_client):
    data = good()["picture.png"]
    assert strict_client.post("/predict", files=form(dict.fromkeys("abc", data))).status_code == 200
    reply = strict_client.post("/predict", files=form(dict.fromkeys("abcd", data)))
    assert (reply.status_code, reply.json()["detail"]) == (
        413,
        "a request may have 3 pictures: send them in parts",
    )


def test_a_form_without_a_file_or_broken_is_refused(strict_client):
    reply = strict_client.post("/predict", data={"a": "b"}, files=[("words", (None, "c"))])
    assert (reply.status_code, "no file" in reply.json()["detail"]) == (422, True)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (b"", b"--y\r\n", b"--x\r\nnothing", bytes(100)):
        assert strict_client.post("/predict", content=content, headers=kind).status_code in (400, 422)
    without = {"Content-Type": "multipart/form-data"}
    assert strict_client.post("/predict", content=b"--x", headers=without).status_code == 400


def begun(address, data):
    """A socket on which these bytes were sent."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(data)
    return connection


def sent(address, head, body=b""):
    """A socket on which a request was begun, its head whole."""
    return begun(address, f"{POST}{head}\r\n\r\n".encode() + body)


def test_a_client_that_sends_too_slowly_is_told_so(strict):
    with sent(strict, "Content-Length: 5000", b"slow") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")


def closed_after(connection, data, most):
    """How many bytes a service takes of what does not end, before it closes the connection."""
    taken = 0
    with suppress(ConnectionError):
        while taken < most:
            connection.sendall(data)
            taken += len(data)
    return taken


@pytest.mark.parametrize(
    ("start", "endless"),
    [(POST.encode(), b"x: " + b"y" * 997 + b"\r\n"), (b"POST /", b"y" * 1000)],
    ids=["headers", "URL"],
)
def test_a_head_without_end_is_refused(client, service, start, endless):
    with begun(service, start) as connection:
        assert closed_after(connection, endless, 50_000_000) < 20_000_000  # more than sockets hold
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("head", [b"", POST.encode()], ids=["none", "a part"])
def test_a_connection_on_which_no_request_comes_is_closed(strict, head):
    with begun(strict, head) as connection:
        assert connection.recv(1000) == b""


def test_a_form_that_is_cut_short_is_refused(client):
    lead = b'--next\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    whole = b"".join(lead + good()["picture.png"] + b"\r\n" for _ in range(3)) + b"--next--\r\n"
    head = {"Content-Type": "multipart/form-data; boundary=next"}
    assert len(client.post("/predict", content=whole, headers=head).json()["pictures"]) == 3
    for cut in (10, len(whole) // 4):
        reply = client.post("/predict", content=whole[:-cut], headers=head)
        assert (reply.status_code, "pictures are missing" in reply.text) == (400, True)


def test_clients_that_leave_in_the_middle_leave_the_service_as_it_was(client, service):
    data = good()["photo.jpg"]
    for part in (0, 10, len(data) - 1, len(data)):
        for _ in range(5):
            sent(service, f"Content-Length: {len(data)}", data[:part]).close()
    assert client.post("/predict", content=data).status_code == 200


class Held:
    """A predictor whose network does not answer before it is let go: a slow model."""

    def __init__(self, predictor):
        self.model, self.facts, self._of = predictor.model, predictor.facts, predictor
        self.begun, self.go = threading.Event(), threading.Event()
        self.go.set()

    def probabilities(self, pictures):
        self.begun.set()
        assert self.go.wait(60)
        return self._of.probabilities(pictures)


def test_where_too_much_waits_a_client_is_told_when_to_come_again(predictor, no_proxy):
    data, held = good()["picture.png"], Held(predictor)
    with served(held, waiting=4, pictures=4) as address, ThreadPoolExecutor(1) as pool:
        held.begun.clear()
        held.go.clear()
        try:
            four = pool.submit(httpx.post, f"{address}/predict", files=form(dict.fromkeys("abcd", data)))
            until(held.begun.is_set)
            reply = httpx.post(f"{address}/predict", content=data)
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
            assert "4 pictures are waiting" in reply.json()["detail"]
        finally:
            held.go.set()
        assert len(four.result().json()["pictures"]) == 4
        assert httpx.post(f"{address}/predict", content=data).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up_and_its_room_comes_back(predictor, no_proxy):
    data, held = good()["picture.png"], Held(predictor)
    with served(held, seconds=0.3, waiting=3, pictures=3) as address:
        held.go.clear()
        try:
            assert httpx.post(f"{address}/predict", files=form(dict.fromkeys("abc", data))).status_code == 504
            assert httpx.post(f"{address}/predict", content=data).status_code == 503
        finally:
            held.go.set()
        until(lambda: httpx.post(f"{address}/predict", content=data).status_code == 200)
        assert httpx.post(f"{address}/predict", files=form(dict.fromkeys("abc", data))).status_code == 200


def test_a_service_that_ends_finishes_what_it_began(predictor, no_proxy):
    held = Held(predictor)
    with ThreadPoolExecutor(1) as pool:
        with served(held) as address:
            held.begun.clear()
            held.go.clear()
            reply = pool.submit(httpx.post, f"{address}/predict", content=good()["picture.png"])
            until(held.begun.is_set)
            threading.Timer(0.2, held.go.set).start()
        assert reply.result().status_code == 200


# hostile pictures


def test_hostile_pictures_get_what_the_predictor_says_of_them_and_the_service_stays_right(client, predictor):
    files = bad() | {
        "bomb.png": encoded(Image.new("1", (14_000, 14_000)), "PNG"),  # 196 megapixels in a few kilobytes
    }
    expected = {}
    for name, data in files.items():
        try:
            expected[name] = pixels_of(data, predictor.facts.pixels)
        except UnreadableError as error:
            expected[name] = str(error)
    names = list(files)
    for start in range(0, len(names), 40):
        part = {name: files[name] for name in names[start : start + 40]}
        for answer in client.post("/predict", files=form(part)).json()["pictures"]:
            told = expected[answer["picture"]]
            if isinstance(told, str):
                assert answer["error"] == told
            else:
                assert row(answer) == pytest.approx(predictor.probabilities(told[np.newaxis])[0], abs=1e-6)
    files, pixels = noisy(1, seed=2)
    (answer,) = client.post("/predict", content=files[0]).json()["pictures"]
    assert row(answer) == pytest.approx(predictor.probabilities(pixels)[0], abs=1e-6)


def test_random_bytes_as_requests_leave_the_service_up_and_right(client, service):
    chance = np.random.default_rng(3)
    host, port = service.removeprefix("http://").split(":")
    for length in (1, 10, 100, 1000, 20_000):
        for head in (b"", b"POST /predict HTTP/1.1\r\n", b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                connection.sendall(head + chance.bytes(length))
    starts = [value[:12] for value in good().values()]
    for number in range(60):
        reply = client.post("/predict", content=starts[number % len(starts)] + chance.bytes(500))
        assert reply.status_code in (200, 415, 422)
    assert client.post("/predict", content=good()["photo.jpg"]).status_code == 200


@pytest.mark.slow
def test_the_memory_of_a_service_under_load_is_bounded(service, no_proxy):
    """Bombs of 196 megapixels and large photographs from 16 clients: one is decoded at a time."""
    psutil = pytest.importorskip("psutil")
    bomb = encoded(Image.new("RGB", (14_000, 14_000)), "PNG")
    photograph = encoded(Image.fromarray(noise((3000, 4000))), "JPEG")
    peak, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], psutil.Process().memory_info().rss)

    def ask(data):
        return httpx.post(f"{service}/predict", content=data, timeout=120).status_code

    before = psutil.Process().memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, [bomb, photograph] * 12))
    done.set()
    watcher.join()
    assert set(statuses) <= {200, 503, 504}
    assert statuses.count(200) >= 12
    assert peak[0] - before < 3 * 2**30


# who may ask


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("192.168.1.9:8000", 200),
        ("evil.example", 400),
        ("localhost.evil.example:8000", 400),
        ("", 400),
        ("[evil.example]", 400),
    ],
)
def test_only_a_known_name_or_an_address_reaches_the_service(client, host, status):
    assert client.get("/health", headers={"Host": host}).status_code == status


def test_a_name_that_was_allowed_reaches_the_service(predictor, no_proxy):
    with served(predictor, hosts=["Pictures.example"]) as address:
        assert httpx.get(f"{address}/health", headers={"Host": "pictures.example:8000"}).status_code == 200


def test_pages_of_other_sites_get_no_answer(client):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    data = good()["picture.png"]
    assert client.post("/predict", content=data, headers=foreign).status_code == 400
    reply = client.get("/", headers=foreign)  # a link may lead here
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers
