"""Makes the notation of the cases importable from every test, and the names of the tests the same in every process."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """What a compressor made carries the second it was made in, and is no name: processes would collect other tests."""
    return argname if isinstance(val, bytes) and not val.isascii() else None
