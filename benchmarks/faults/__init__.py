"""A fault campaign: `python -m benchmarks.faults`."""
