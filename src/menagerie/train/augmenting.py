"""Augmentation while the step before runs: on the thread that reads pictures ahead, outside the network.

What is drawn for a batch is a function of (seed, epoch, batch) alone, however many were drawn before.
"""

import random
import threading
from collections.abc import Callable, Iterable

import keras
import numpy as np

from menagerie.models.parts.augmentation import AUGMENTED, augmentation
from menagerie.params.model import Layer

Place = tuple[int, int, int]  # seed, epoch, batch


class Augmenter:
    """Makes of a batch what `rest` is fed with: augmented at a place of a training, else as it is.

    `rest` is the network behind its augmentation. Of several layers that mix a batch, each batch is mixed by
    one, by lot.
    """

    def __init__(self, network: keras.Model, augmentations: Iterable[Layer]) -> None:
        """`augmentations` are those that the network was built for."""
        cut = network.get_layer(AUGMENTED).output
        self.plain, self.rest = keras.Model(network.input, cut), keras.Model(cut, network.output, name="rest")
        model, self.mixing = augmentation(network, augmentations)
        names = {type(layer).__name__ for layer in model.layers}
        # AugMix draws with Python's generator, too: a graph would have one draw in it for good.
        self.random = _eager(model) if "AugMix" in names else _fast(model)
        states = [*model.variables, *(state for mix in self.mixing for state in mix.variables)]
        self.states = [state for state in states if state.path.endswith("seed_generator_state")]
        self.lock = threading.Lock()  # Keras has several threads on other backends than TensorFlow

    def __call__(
        self, pictures: np.ndarray, labels: np.ndarray, place: Place | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pictures (b, height, width, 3), and labels as `Batches` has them: one-hot to be mixed."""
        if place is None:
            return keras.ops.convert_to_numpy(self.plain(pictures, training=False)), labels
        with self.lock:
            draws = np.random.default_rng(place)
            for state in self.states:
                state.assign(np.array([draws.integers(2**31), 0]))
            before = random.getstate()
            random.seed(int(draws.integers(2**31)))
            made = self.random(pictures)
            random.setstate(before)
            if self.mixing:
                mix = self.mixing[draws.integers(len(self.mixing))]
                mixed = mix({"images": made, "labels": labels}, training=True)
                made, labels = mixed["images"], keras.ops.convert_to_numpy(mixed["labels"])
            return keras.ops.convert_to_numpy(made), labels


def _eager(model: keras.Model) -> Callable[[np.ndarray], keras.KerasTensor]:
    return lambda pictures: model(pictures, training=True)


def _fast(model: keras.Model) -> Callable[[np.ndarray], keras.KerasTensor]:
    if keras.backend.backend() != "tensorflow":
        return _eager(model)
    import tensorflow as tf

    return tf.function(_eager(model))
