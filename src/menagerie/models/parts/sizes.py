"""How large a picture must be for a network without padding."""

from collections.abc import Sequence

from menagerie.errors import ModelError


def check_size(arch: str, input_shape: tuple[int, int, int], windows: Sequence[tuple[int, int]]) -> None:
    """Raise ModelError when nothing would be left of the picture after the last window.

    `windows` are the (size, stride) of the convolutions and pools that shrink the picture, in their order.
    """
    smallest = 1
    for size, stride in reversed(windows):
        smallest = (smallest - 1) * stride + size
    height, width = input_shape[:2]
    if min(height, width) < smallest:
        raise ModelError(
            f"arch {arch} needs {smallest}x{smallest} pixels; the pictures have {height}x{width}: "
            "raise dataset.image_size or take a network that shrinks them less"
        )
