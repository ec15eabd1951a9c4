"""A script a stage: reads, calls the library, writes."""
