"""All that a study imports of xlbench and its built-in plugins, and the scripts of a report.

`warm.prime("primed")` has it in the process that command lines are forked from: for runs of many
command lines that test nothing of what is imported when.
"""

import importlib
import pkgutil
from importlib.metadata import entry_points

import xlbench.cli.app
import xlbench.lab
import xlbench.testing  # noqa: F401
from xlbench import cli, lab, reporting, results, running, scores, studies

for package in (cli, lab, reporting, results, running, scores, studies):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith(("__main__", "drawing", "mlflow", "ray_cluster")):
            importlib.import_module(found.name)
for point in entry_points(group="xlbench"):
    if point.dist is not None and point.dist.name == "xlbench":
        point.load()
importlib.import_module("xlbench.reporting.html").no_charts()  # keeps the scripts
engine = importlib.import_module("xlbench.reporting.engine").engine
engine().close()
engine.cache_clear()
