"""Figures: functions of values that return a matplotlib Figure; nothing else draws."""

import matplotlib
from matplotlib.figure import Figure

matplotlib.rcParams["text.parse_math"] = False  # a $ in the name of a class is a $

__all__ = ["Figure"]
