"""The moving average of the weights: what val measures, early stopping keeps and training ends with."""

import keras
import numpy as np


class AveragedWeights(keras.callbacks.Callback):
    """Puts the average that the optimizer keeps into the network from val to the end of the epoch.

    It stands behind the callbacks that are to see the average, and before a checkpoint, which is to see the
    weights themselves. After the last epoch Keras's fit puts the average in for good. Keras's own
    SwapEMAWeights rounds the weights at each swap, and after an early stop it leaves those of the last step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: list[np.ndarray] = []  # the weights themselves, while the average is in their place

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)  # of 16 bits
        averages = optimizer._model_variables_moving_average  # Keras has no public name for it
        weights = self.model.trainable_variables
        self.own = [keras.ops.convert_to_numpy(weight) for weight in weights]
        for weight, average in zip(weights, averages, strict=True):
            weight.assign(average)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for weight, own in zip(self.model.trainable_variables, self.own, strict=True):
            weight.assign(own)
        self.own = []
