"""Built-in probes, registered through the entry-point group `xlbench` like anyone's."""
