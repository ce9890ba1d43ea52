"""The observers that are built in."""
