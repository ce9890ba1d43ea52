"""Built-in tasks, registered through the entry-point group `xlbench` like anyone's."""
