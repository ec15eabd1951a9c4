"""Menagerie: a reproducible image-classification pipeline on DVC, Keras and MLflow."""
