"""What a GPU gives: scores beside the CPU's, tokens per second, memory, and the paper's study's time."""
