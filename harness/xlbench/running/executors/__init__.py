"""Executors: what gets jobs done, here or elsewhere."""
