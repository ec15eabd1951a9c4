"""Servers for tests: ours, as uvicorn in a thread with a small network, and any other as a process."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

import httpx
import numpy as np

from helpers import model_facts

CLASSES = ("cat", "dog", "hen")
SIZE = (24, 32)  # of broken_pictures' pictures: nothing is resized


def small_model(path, convolution=True, classes=CLASSES, **facts):
    """A .keras file of a network with random weights that tells pictures apart."""
    import keras

    from menagerie.model_files import save_model

    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((*SIZE, 3), dtype="uint8")
    x = layers.Rescaling(1 / 25.5)(inputs)
    if convolution:
        x = layers.Conv2D(8, 3, activation="relu")(x)
        x = layers.GlobalAveragePooling2D()(x)
    else:
        x = layers.Flatten()(x)
    outputs = layers.Dense(len(classes))(x)
    save_model(keras.Model(inputs, outputs), path, model_facts(classes, SIZE, **facts))
    return path


@contextlib.contextmanager
def served(predictor, hosts=(), **limits):
    """The address of a running service; it is shut down gracefully after the block."""
    import uvicorn

    from menagerie.serve.app import application
    from menagerie.serve.connections import configuration
    from menagerie.serve.limits import Limits

    chosen = Limits(**limits)
    server = uvicorn.Server(configuration(application(predictor, chosen, hosts), chosen))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=60)
    assert not thread.is_alive()


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@contextlib.contextmanager
def started(command, address, cwd, env=None):
    """A process that serves, once `address` answers; it is ended after the block, with its children."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def answers():
        assert process.poll() is None, "the server ended"
        try:
            return httpx.get(address, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers, seconds=180)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def noisy(count, seed=0):
    """PNGs of SIZE that differ, and their pixels uint8 (count, height, width, 3)."""
    from PIL import Image

    from broken_pictures import encoded

    pixels = np.random.default_rng(seed).integers(0, 256, (count, 1, 1, 3), np.uint8)
    pixels = np.broadcast_to(pixels, (count, *SIZE, 3)).copy()
    pixels[:, ::2] //= 2
    return [encoded(Image.fromarray(picture), "PNG") for picture in pixels], pixels


def until(true, seconds=20):
    """Wait for something that another thread or process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
