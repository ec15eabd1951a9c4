"""Pictures fed from disk, ahead of the step."""

import keras
import numpy as np

from menagerie.data import Subset, gather
from menagerie.train.augmenting import Augmenter


class Batches(keras.utils.PyDataset):
    """Batches of a split, (pictures uint8 (b, height, width, 3), labels int32 (b,)), read ahead of the step.

    In place of pictures there may be what a part of the network gives for them, float32. With `classes`
    the labels are one-hot, float32 (b, classes), for a loss that smooths them or pictures that are mixed.
    With a `seed` the pictures come in an order that is a function of (seed, epoch) alone, once `begin` has
    said which epoch it is; with None they come in the split's own order. `augment` then makes of each batch
    what the network takes, at random where there is a seed.
    """

    def __init__(
        self,
        images: np.ndarray,
        subset: Subset,
        batch_size: int,
        seed: int | None,
        classes: int | None = None,
        augment: Augmenter | None = None,
    ) -> None:
        # TensorFlow's side of Keras reads ahead by itself; for the others Keras does, given two threads.
        super().__init__(workers=1 if keras.backend.backend() == "tensorflow" else 2, max_queue_size=8)
        self.images, self.subset, self.batch_size = images, subset, batch_size
        self.seed, self.epoch, self.augment = seed, 0, augment
        self.labels = subset.labels if classes is None else np.eye(classes, dtype=np.float32)[subset.labels]
        self.order = np.arange(len(subset.rows))

    def begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take up the order of an epoch, from 0; Keras's own hooks are called at other times too."""
        if self.seed is not None:
            self.epoch = epoch
            self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.order))

    @property
    def num_batches(self) -> int:
        return -(-len(self.subset.rows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        pictures, labels = gather(self.images, self.subset.rows[chosen]), self.labels[chosen]
        if self.augment is None:
            return pictures, labels
        place = None if self.seed is None else (self.seed, self.epoch, index)
        return self.augment(pictures, labels, place)
