"""Pictures: found in archives (layout), decoded once into one uint8 array (preparing), listed in a manifest.

Nothing is imported here, so that a stage depends only on the modules that it names.
"""
