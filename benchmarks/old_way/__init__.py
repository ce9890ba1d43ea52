"""The protocol of the code released with arXiv 2403.20088, written anew from its description.

Each module is one process, as there: `finetune` makes a checkpoint, `tag` and `parse` score one on all
targets. Each reads its arguments from a JSON file named on the command line. What is unlike there serves the
comparison: seeds are passed; masks, and chunks of text, are those that xlbench draws; labels are written out
beside the scores.
"""
