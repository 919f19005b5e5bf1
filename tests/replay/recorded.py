"""Where the recorded data stand (beside the repository, never in it), and what a converted event is."""

from pathlib import Path
from typing import Any

import pytest

Event = dict[str, Any]
"""One event as it would be published, and "line", which tells where."""

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "data"

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded data are not here: ../shared/data beside the repository"
)
