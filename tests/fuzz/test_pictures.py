"""Whatever is damaged in a picture: its pixels come out, or one line that says why not."""

import io

import numpy as np
from hypothesis import strategies as st

from broken_pictures import good
from menagerie.prepare.decoding import decode
from menagerie.prepare.opening import Reading, size_of
from mutations import EFFORTS, attempt, damaged, png_mended, search

SIZE = 12, 20
LIMIT = 2**20  # pixels: what is larger is refused, whatever memory a machine has
READINGS = st.builds(
    Reading, st.sampled_from(["exact", "fast"]), st.sampled_from(["refuse", "accept"]), st.just(LIMIT)
)


@EFFORTS
def test_a_damaged_picture_is_decoded_or_refused(examples):
    def check(file, reading, resize):
        decoded, refusal = attempt(decode, file[1], SIZE, resize, reading)
        if refusal is None:
            pixels, stored = decoded
            assert (pixels.shape, pixels.dtype) == ((*SIZE, 3), np.uint8)
            assert 0 < stored.width * stored.height <= LIMIT
        else:
            assert len(refusal.splitlines()) == 1

    pictures = damaged(good(), {"png": png_mended})
    search(examples, check, pictures, READINGS, st.sampled_from(["stretch", "crop", "pad"]))


@EFFORTS
def test_the_size_of_a_damaged_picture_is_told_or_refused(examples):
    def check(file):
        size, refusal = attempt(size_of, io.BytesIO(file[1]))
        assert refusal or min(size) > 0

    search(examples, check, damaged(good(), {"png": png_mended}))
