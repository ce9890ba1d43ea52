"""Checkpoints and adapters on disk and on the hub, checked without loading any weights."""
