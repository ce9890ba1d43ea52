"""From a question to its jobs: read, looked up, filled in, checked, planned."""
