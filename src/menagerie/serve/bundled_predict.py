"""Say what pictures show, with Keras, Pillow and NumPy: python predict.py PICTURE ..."""

import json
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
ABOUT = json.loads((HERE / "classes.json").read_text(encoding="utf-8"))
PIXELS = ABOUT["pixels"]


def opened(path):
    """The network. Keras alone reads on where a checksum is wrong."""
    with zipfile.ZipFile(path) as file:
        if damaged := file.testzip():
            sys.exit(f"{path}: its member {damaged} is damaged; copy the folder again")
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def pixels(path):
    """A picture as uint8 (height, width, 3), as those of training were made."""
    picture = Image.open(path)
    if PIXELS["jpeg"] == "exact" or picture.format != "JPEG":
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):  # 16 bits
        picture = Image.fromarray(np.rint(np.asarray(picture, np.float32) / 257).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture, (height, width) = picture.convert("RGB"), PIXELS["image_size"]
    if PIXELS["resize"] != "stretch":
        fit = {"crop": ImageOps.fit, "pad": ImageOps.pad}[PIXELS["resize"]]
        return np.array(fit(picture, (width, height), Image.Resampling.BILINEAR))
    values = np.asarray(picture, np.float32)
    values = keras.ops.image.resize(values, (height, width), interpolation="bilinear", antialias=False)
    return np.rint(keras.ops.convert_to_numpy(values)).astype(np.uint8)


def probabilities(model, path):
    """By class, calibrated."""
    logits = np.asarray(keras.ops.convert_to_numpy(model.predict_on_batch(pixels(path)[None]))[0], np.float64)
    values = np.exp((logits - logits.max()) / ABOUT["temperature"])
    return values / values.sum()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    network = opened(HERE / "model.keras")
    lost = 0
    for name in sys.argv[1:]:
        try:
            found = probabilities(network, name)
        except Exception as error:  # a decoder may raise anything at broken bytes
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            lost = 1
            continue
        print(f"{name}\t{ABOUT['classes'][found.argmax()]}\t{found.max():.6f}")
    sys.exit(lost)
