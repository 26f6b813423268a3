"""A baseline: findings that are known and not counted. It only shrinks: what is gone is taken out, nothing is added.

    {"version": 1, "findings": [{"fingerprint": "HW808::dbt:model.shop.orders", "finding": "orders serves ..."}]}

The fingerprint is what counts; the sentence is for whoever reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from headway.errors import InputError, Place
from headway.files import write_whole

VERSION = 1


class _Known(msgspec.Struct):
    fingerprint: str
    finding: str = ""


class _File(msgspec.Struct):
    version: int
    findings: list[_Known]


class Baseline:
    """The known findings of a file."""

    def __init__(self, known: Mapping[str, str] | None) -> None:
        self._known = known
        """Fingerprint -> sentence; None where the file is still to be written."""

    @property
    def fingerprints(self) -> frozenset[str]:
        """Fingerprints of the findings that are known."""
        return frozenset(self._known or ())

    def knows(self, fingerprint: str) -> bool:
        """Whether a finding is known; one that is about to be written for the first time is."""
        return self._known is None or fingerprint in self._known

    @staticmethod
    def read(path: Path | None, *, missing_is_empty: bool) -> Baseline:
        """The baseline in a file; one that knows nothing without a file. Raises InputError.

        A file that is missing is an error, unless it is about to be written for the first time.
        """
        if path is None:
            return Baseline({})
        place = Place(str(path))
        try:
            found = msgspec.json.decode(path.read_bytes(), type=_File)
        except FileNotFoundError:
            if missing_is_empty:
                return Baseline(None)
            raise InputError("there is no such file", place=place, hint="--update-baseline writes it") from None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", place=place) from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"is not a baseline: {error}", place=place) from None
        if found.version != VERSION:
            raise InputError(f"is a baseline of version {found.version}; {VERSION} is known here", place=place)
        return Baseline({known.fingerprint: known.finding for known in found.findings})

    def write(self, today: Mapping[str, str], path: Path) -> None:
        """Write what is known and still found; everything of today where there was no file. Raises ConfigError."""
        kept = today if self._known is None else {f: s for f, s in today.items() if f in self._known}
        findings = [{"fingerprint": f, "finding": kept[f]} for f in sorted(kept)]
        text = json.dumps({"version": VERSION, "findings": findings}, indent=2, ensure_ascii=False) + "\n"
        write_whole(path, text.encode("utf-8"), str(path))
