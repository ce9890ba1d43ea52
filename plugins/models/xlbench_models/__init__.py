"""Built-in models, registered through the entry-point group `xlbench` like anyone's."""
