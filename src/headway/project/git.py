"""Asking git, with fixed arguments and never through a shell. Nothing is checked out and nothing in it is changed."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from headway.errors import InputError

SECONDS = 60
"""How long git may take to answer."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the branch that is checked out."""

    name: str
    """The whole hash."""
    at: datetime
    """When it was committed, in UTC."""

    @property
    def day(self) -> date:
        """The day it was committed on, in UTC."""
        return self.at.date()


class Git:
    """The repository that a folder is in, seen from that folder."""

    def __init__(self, folder: Path, *, without: str = "git is not installed") -> None:
        self._folder = folder
        self._without = without

    def ask(self, *arguments: str) -> bytes | None:
        """What git says; None when it refuses. Raises InputError when there is no git, or it does not answer."""
        command = ["git", "-C", str(self._folder), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - no shell
                command, capture_output=True, check=False, timeout=SECONDS, stdin=subprocess.DEVNULL
            )
        except FileNotFoundError:
            raise InputError(self._without) from None
        except subprocess.TimeoutExpired:
            raise InputError(f"git did not answer in {SECONDS} seconds") from None
        except OSError as error:
            raise InputError(f"git could not be started: {error.strerror or type(error).__name__}") from None
        return done.stdout if done.returncode == 0 else None

    def commit(self, revision: str) -> str | None:
        """The whole hash of what a revision names; None when it names no commit."""
        said = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return None if said is None else said.decode("ascii", "replace").strip()

    def blob(self, commit: str, path: str) -> bytes | None:
        """Content of a file (relative to the folder) in a commit; None where that has none."""
        return self.ask("cat-file", "blob", f"{commit}:./{path}")

    def tree(self, commit: str) -> str:
        """The hash of the folder's content in a commit; '' where that has no such folder."""
        said = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:./")
        return "" if said is None else said.decode("ascii", "replace").strip()

    def history(self) -> list[Commit] | None:
        """Commits of the branch that is checked out, newest first, those of merged branches left out.

        None where there is no repository, or nothing was committed yet.
        """
        said = self.ask("log", "--no-show-signature", "--first-parent", "--format=%H %ct", "HEAD")
        if said is None:
            return None
        rows = (line.split() for line in said.decode("ascii", "replace").splitlines())
        return [Commit(name, _moment(at)) for name, at in (row for row in rows if len(row) == 2)]

    def authors(self, since: date) -> Iterator[tuple[datetime, str, str]]:
        """Time, address and name of who wrote each commit that touched the folder since a day; `.mailmap` counts."""
        after = f"--since={since.isoformat()}T00:00:00Z"
        said = self.ask(
            "log", "--no-show-signature", "--no-merges", after, "--format=%ct%x00%aE%x00%aN", "HEAD", "--", "."
        )
        for line in (said or b"").decode("utf-8", "replace").splitlines():
            parts = line.split("\0")
            if len(parts) == 3:
                yield _moment(parts[0]), parts[1], parts[2]

    @property
    def shallow(self) -> bool:
        """Whether the repository holds only the newest part of its history."""
        return (self.ask("rev-parse", "--is-shallow-repository") or b"").strip() == b"true"

    def export(self, commit: str, into: Path, *paths: str) -> None:
        """Write the folder as it was in a commit, or only some paths of it, below `into`.

        Raises InputError when git refuses, or when something in it would be written elsewhere.
        """
        packed = into.with_name(f"{into.name}.tar")
        limit = ("--", *paths) if paths else ()
        command = ("--literal-pathspecs", "archive", "--format=tar", f"--output={packed}", commit, *limit)
        try:
            if self.ask(*command) is None:
                raise InputError(f"git cannot export {commit[:10]}")
            into.mkdir(exist_ok=True)
            with tarfile.open(packed) as tar:
                tar.extractall(into, filter="data")
        except tarfile.TarError as error:
            raise InputError(f"what git exported of {commit[:10]} cannot be unpacked: {error}") from None
        except OSError as error:
            raise InputError(f"{commit[:10]} cannot be exported: {error.strerror or type(error).__name__}") from None
        finally:
            packed.unlink(missing_ok=True)


def _moment(seconds: str) -> datetime:
    """A time in UTC; the beginning of time for what is none, so that nothing is dated by a broken commit."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)
