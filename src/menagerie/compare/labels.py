"""What wrong labels leave to be reached."""

import math

from menagerie.evaluate.intervals import Z95, Interval


def ceiling(wrong: int, checked: int, n: int) -> Interval:
    """The accuracy, on `n` labels, of a network that always names what the picture shows.

    It disagrees with the wrong labels alone, of which there were `wrong` among others that were `checked`.
    Its interval is that of a prediction at 95 % (Hahn and Meeker 1991, section 6.4, in the normal
    approximation): the n labels have the chance of their own, beside that of the checked ones. Cut to 0..1.
    """
    share = 1 - wrong / checked
    half = Z95 * math.sqrt(share * (1 - share) * (1 / n + 1 / checked))
    return share, max(share - half, 0.0), min(share + half, 1.0)
