"""How large the HTML report of a wide study is, and how soon it is there to be read.

    python benchmarks/report.py [--transfer 38] [--targets 125] [--seeds 3]

Writes the report of made-up records, opens it in a headless Chromium (playwright's own or the system's) at a
desktop's and a phone's size, and prints a markdown table: seconds to write it, its size, and seconds from
opening the file to the ranking and the heat map of its first view drawn.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from synthetic import wide

from xlbench.reporting import Provenance, opening, summary, write_report
from xlbench_probes import transfer_pages, zero_shot_pages

SIZES = {"desktop, 1440 x 900": (1440, 900), "phone, 390 x 844": (390, 844)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--transfer", type=int, default=38)
    parser.add_argument("--targets", type=int, default=125)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="where to leave the file; nowhere where not said")
    chosen = parser.parse_args()
    records = wide(chosen.transfer, chosen.targets, seeds=range(chosen.seeds))
    pages = [("transfer", page) for page in transfer_pages.pages(records)]
    pages += [("zero-shot", page) for page in zero_shot_pages.pages(records)]
    first = opening(records.study, records.expected, summary(pages, "tiny", records.languages))
    made = Provenance("tiny", "xlbench run", "", ())
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.out or Path(folder) / "report.html"
        start = time.monotonic()
        write_report(path, pages, lambda page: made, records.languages, records.seen, first)
        written = time.monotonic() - start
        rows = [
            ("seconds to write", f"{written:.2f}"),
            ("megabytes", f"{path.stat().st_size / 1e6:.2f}"),
            *(
                (f"seconds to first view, {name}", _opened(path, *size, chosen.rounds))
                for name, size in SIZES.items()
            ),
        ]
    print(f"| {chosen.transfer} by {chosen.targets} | |\n|---|---|")
    for row in rows:
        print(f"| {row[0]} | {row[1]} |")


def _opened(path: Path, width: int, height: int, rounds: int) -> str:
    """Median and largest, in seconds, of a browser that runs already; and the median of what its main thread
    worked, which depends less on what else the machine does.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        system = shutil.which("chromium") or shutil.which("google-chrome")
        own = Path(play.chromium.executable_path)
        browser = play.chromium.launch(executable_path=own if own.exists() else system, args=["--no-sandbox"])
        seconds, worked = [], []
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": width, "height": height})
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            start = time.monotonic()
            page.goto(path.resolve().as_uri())
            page.wait_for_function("() => document.documentElement.dataset.ready")
            seconds.append(time.monotonic() - start)
            found = {x["name"]: x["value"] for x in session.send("Performance.getMetrics")["metrics"]}
            worked.append(found["TaskDuration"])
            page.close()
        browser.close()
    middle = statistics.median(seconds)
    return f"{middle:.2f} (at most {max(seconds):.2f}; main thread {statistics.median(worked):.2f})"


if __name__ == "__main__":
    main()
