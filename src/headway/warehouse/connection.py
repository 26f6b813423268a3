"""An open warehouse: one method that runs a statement as written and returns plain Python values.

Values are normalised at this border, so that nothing behind it knows drivers: naive datetimes in UTC, dates as dates,
Decimal kept, NaN as None. Errors are WarehouseError in one sentence, with every secret of the profile taken out.
"""

from __future__ import annotations

import importlib.util
import json
import math
import warnings
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headway.errors import ConfigError, HeadwayError, MissingExtra, WarehouseError
from headway.warehouse.adapters import ADAPTERS, Adapter, Rows, supported
from headway.warehouse.profile import Profile

TIMEOUT_SECONDS = 60.0


def connect(profile: Profile) -> Connection:
    """Open the warehouse of a profile, for reading.

    Raises ConfigError for an adapter that cannot be used, MissingExtra when its driver is not installed, and
    WarehouseError when it cannot be reached.
    """
    adapter = ADAPTERS.get(profile.adapter)
    if adapter is None:
        raise ConfigError(
            f"key results cannot be evaluated on {profile.adapter!r}", hint=f"supported: {', '.join(supported())}"
        )
    if any(importlib.util.find_spec(module) is None for module in ("ibis", adapter.driver)):
        raise MissingExtra(adapter.extra, f"reading from {profile.adapter}")
    if profile.adapter == "duckdb":
        _need_file(str(profile.settings["path"]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # drivers warn about one another's versions
            backend = adapter.open_it(profile)
    except HeadwayError:
        raise
    except ImportError as error:
        raise MissingExtra(adapter.extra, f"reading from {profile.adapter}") from error
    except Exception as error:  # each driver has its own tree of errors; all of them mean the same here
        raise WarehouseError(*_why_closed(profile, error)) from None
    return Connection(profile, adapter, backend)


class Connection:
    """An open warehouse session. Use it as a context manager, or call `close`."""

    def __init__(self, profile: Profile, adapter: Adapter, backend: Any) -> None:
        self.profile = profile
        self._adapter = adapter
        self._backend = backend

    @property
    def adapter(self) -> str:
        """dbt's adapter type."""
        return self.profile.adapter

    @property
    def dialect(self) -> str:
        """sqlglot's name of the SQL spoken here."""
        return self._adapter.dialect

    @property
    def backend(self) -> Any:
        """The Ibis backend below, for what is more than running a statement."""
        return self._backend

    def rows(self, sql: str, timeout_s: float = TIMEOUT_SECONDS, *, key_result: str = "") -> Rows:
        """Run one statement as written and return all of its rows.

        The statement carries a trailing comment that names the key result, so that query history can attribute it.
        Raises WarehouseError when the warehouse refuses it or does not answer within `timeout_s` seconds.
        """
        try:
            found = self._adapter.ask(self._backend, sql + comment(key_result), timeout_s)
        except TimeoutError as error:
            raise WarehouseError(f"{self.adapter} did not answer: {error}") from None
        except Exception as error:  # see connect
            raise WarehouseError(f"{self.adapter} refused the query: {_sentence(self.profile, error)}") from None
        return [tuple(normal(value) for value in row) for row in found]

    def close(self) -> None:
        """End the session."""
        # Ibis keeps some drivers' sessions elsewhere (BigQuery's has no `con`), and knows how to end those itself.
        session = getattr(self._backend, "con", None)
        if session is not None:
            session.close()
        else:
            self._backend.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def comment(key_result: str) -> str:
    """A trailing SQL comment that says who asks. JSON in ASCII, with `*/` broken up so that nothing can leave it."""
    said = json.dumps({"key_result": key_result} if key_result else {}).replace("*", "\\u002a").replace("?", "\\u003f")
    return f"\n/* headway: {said} */"


def normal(value: Any) -> Any:
    """A driver's value as plain Python: naive UTC datetimes, NaN and pandas' NaT as None, numpy scalars unpacked."""
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, Decimal):
        return None if value.is_nan() else value
    if isinstance(value, datetime):
        if value != value:  # noqa: PLR0124  (NaT is a datetime that is not equal to itself)
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if value is None or isinstance(value, bool | int | str | date):
        return value
    return normal(value.item()) if hasattr(value, "item") else value


def _need_file(path: str) -> None:
    remote = ":" in path and not Path(path).is_absolute()
    if remote:
        return
    if not Path(path).exists():
        raise WarehouseError(f"there is no DuckDB file {path}", hint="run `dbt build` first, or mend `path:`")
    if Path(path).is_dir():
        raise WarehouseError(f"{path} is a directory, not a DuckDB file")


def _why_closed(profile: Profile, error: Exception) -> tuple[str]:
    """One sentence for a warehouse that did not open."""
    said = _sentence(profile, error)
    if profile.adapter != "duckdb":
        return (f"{profile.adapter} cannot be reached: {said}",)
    path = profile.settings["path"]
    whole = str(error).lower()
    if "conflicting lock" in whole or "set lock" in whole:
        return (f"the DuckDB file {path} is open for writing in another process; wait until it ends",)
    if "different configuration" in whole:
        return (f"the DuckDB file {path} is open for writing in this process; close that first",)
    if "not a valid duckdb" in whole or "magic" in whole:
        return (f"{path} is not a DuckDB file",)
    if "storage version" in whole or "version number" in whole:
        return (f"the DuckDB file {path} was written by another version of DuckDB than the one installed: {said}",)
    return (f"the DuckDB file {path} cannot be opened: {said}",)


def _sentence(profile: Profile, error: Exception) -> str:
    """The first lines of a driver's message, without secrets, control characters and the statement itself."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept: list[str] = []
    for line in lines:
        if not line or line.startswith("LINE "):  # from here on the statement is quoted
            break
        kept.append(line)
    text = " ".join(kept) or type(error).__name__
    return profile.scrub("".join(c for c in text if c.isprintable()))[:500]
