"""A third party's package that fails when it is imported."""

raise RuntimeError("the author forgot something")
