"""Getting jobs done: one job in a process, executors, what a run shows, and what made its results."""
