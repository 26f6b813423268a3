"""The earlier manifest that a check compares with: a file, a folder that holds one, or a git revision.

For a revision the manifest is looked for where a pipeline keeps it (`.headway/manifests/<commit>.json`, also `.gz`),
then in the revision itself, for projects that commit `target/manifest.json`. Nothing is checked out and dbt is not run.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

from headway.errors import InputError, UsageError
from headway.project.git import Git

KEPT = ".headway/manifests"
_NAMES = ("manifest.json", "manifest.json.gz")


class Against:
    """A context in which `manifest` is the path of the earlier manifest, or None where nothing is compared.

    Raises InputError when there is none and UsageError when `said` is neither a file nor a revision.
    """

    def __init__(self, said: str, root: Path) -> None:
        self._said = said
        self._root = root
        self._made: tempfile.TemporaryDirectory[str] | None = None
        self.manifest: Path | None = None

    def __enter__(self) -> Against:
        if self._said:
            try:
                self.manifest = self._file() or self._revision()
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._made is not None:
            self._made.cleanup()
            self._made = None

    def _file(self) -> Path | None:
        """A path that exists, from here or from the project."""
        for path in (Path(self._said), self._root / self._said):
            try:
                if path.is_dir():
                    found = [path / n for n in _NAMES if (path / n).is_file()]
                    if found:
                        return found[0].resolve()
                elif path.exists():
                    return path.resolve()
            except (OSError, ValueError):
                continue
        if self._said.endswith((".json", ".gz")):
            raise InputError(
                f"there is no file {self._said}", hint="--against takes the manifest.json of the main branch"
            )
        return None

    def _revision(self) -> Path:
        git = Git(self._root, without=f"{self._said!r} is no file, and git is not installed to look for a revision")
        name = git.commit(self._said)
        if name is None:
            message = f"{self._said!r} is neither a manifest.json, nor a folder that holds one, nor a git revision here"
            raise UsageError(message)
        kept = kept_manifest(self._root, name)
        if kept is not None:
            return kept
        for inside in ("target/manifest.json", "target/manifest.json.gz"):
            content = git.blob(name, inside)
            if content is not None:
                self._made = tempfile.TemporaryDirectory(prefix="headway-")
                made = Path(self._made.name) / Path(inside).name
                made.write_bytes(content)
                return made
        raise InputError(
            f"no manifest of {self._said} ({name[:10]}) is known",
            hint=f"write one with dbt parse in a checkout of it, and give the file, or keep it as {KEPT}/{name}.json",
        )


def kept_manifest(root: Path, commit: str) -> Path | None:
    """The manifest of a commit that a pipeline kept in the project; None where there is none."""
    kept = (root / KEPT / f"{commit}{end}" for end in (".json", ".json.gz"))
    return next((path for path in kept if path.is_file()), None)
