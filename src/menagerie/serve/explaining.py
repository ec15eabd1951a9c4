"""Where a network looked, as a picture."""

import base64

import cv2
import keras
import numpy as np

from menagerie.evaluate.grad_cam import grad_cam

SIDE = 224  # pixels: smaller pictures are shown larger
HEAT = 0.6  # how much of it covers a pixel at the most


def explainable(model: keras.Model, image_size: tuple[int, int]) -> bool:
    """Whether there is a convolution to look at."""
    return grad_cam(model, np.zeros((1, *image_size, 3), np.uint8), np.zeros(1, int)) is not None


def explained(model: keras.Model, pixels: np.ndarray, column: int) -> bytes:
    """PNG of a picture uint8 (height, width, 3) under the heat of the evidence for the class of a column."""
    heat = grad_cam(model, pixels[np.newaxis], np.array([column]))[0]
    scale = max(1, -(-SIDE // max(heat.shape)))
    size = (heat.shape[1] * scale, heat.shape[0] * scale)
    heat = cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR)[..., np.newaxis]
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    below = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2BGR)
    mixed = below * (1 - HEAT * heat) + colours * (HEAT * heat)
    return cv2.imencode(".png", mixed.round().astype(np.uint8))[1].tobytes()


def as_address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
