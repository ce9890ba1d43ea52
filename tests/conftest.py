"""What all tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("XLBENCH_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no real data in {folder}; set XLBENCH_TEST_DATA to a folder that has it")
    return folder
