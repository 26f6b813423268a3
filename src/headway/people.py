"""Who it was: a keyed hash (a name only where the configuration asks for it), and which class of people."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.errors import ConfigError, InputError, Place

KEY_VARIABLE = "HEADWAY_PEOPLE_KEY"
KEY_FILE = ".headway/people.key"
_SHORTEST_KEY = 16
_LONGEST_KEY = 4096

SERVICE = (
    r".*[._-](svc|service|bot|sa|etl|elt|app|robot|automation|integration)",
    r"(svc|service|bot|sa|etl)[._-].*",
    r".*\.gserviceaccount\.com",
    r"(fivetran|airbyte|stitch|hightouch|census|segment|dbt|airflow|dagster|prefect|rdsadmin|system)([._-].*)?",
    r"(looker|metabase|superset|tableau|mode|hex|lightdash|powerbi|redash|sigma)([._-].*)?",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
)
"""Login names that are machines when the configuration does not say; matched whole, case folded."""


@dataclass(frozen=True, slots=True)
class People:
    """Turns login names into what records may carry."""

    key: bytes
    names: bool = False
    """Keep names as they are: only where the configuration asks for it."""

    @staticmethod
    def of(root: str | Path, environment: Mapping[str, str], *, names: bool = False) -> People:
        """With the key from HEADWAY_PEOPLE_KEY, or from `.headway/people.key` below `root`, made at first use.

        Raises ConfigError for a key that is too short, InputError when the file can be neither read nor made.
        """
        given = environment.get(KEY_VARIABLE, "")
        if given:
            return People(_checked(given.encode(), KEY_VARIABLE), names)
        return People(_checked(_key_file(Path(root, KEY_FILE)), KEY_FILE), names)

    def known_as(self, person: str) -> str:
        """'' for nobody; else the name where names are kept, or its hash."""
        person = person.strip().casefold()
        return person if self.names else self.hashed(person)

    def hashed(self, person: str) -> str:
        """'' for nobody; else a hash keyed so that nobody can try names out without the key.

        128 bits of BLAKE2b in keyed mode (RFC 7693, section 2.9) over the case-folded name.
        """
        person = person.strip().casefold()
        if not person:
            return ""
        key = self.key if len(self.key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(self.key).digest()
        return hashlib.blake2b(person.encode(), key=key, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Classes:
    """Which class of people a login name, or what a tool says of its user, belongs to."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]

    @staticmethod
    def of(given: Mapping[str, Any] | None = None) -> Classes:
        """From the option `people`: `{service: [".*_svc"], data_team: [...], scheduled: [...], person: [...]}`.

        Patterns are regular expressions that match a whole login name, case folded. A class that is given replaces its
        defaults. Raises ConfigError for anything else.
        """
        given = given or {}
        known = ("executive", "person", "data_team", "scheduled", "service")
        if not isinstance(given, Mapping):
            raise ConfigError("option people is not a mapping", hint='people: {service: [".*_svc"]}')
        for name in given:
            if name not in known:
                raise ConfigError(
                    f"option people has no class {str(name)[:60]!r}", hint=f"there are {', '.join(known)}"
                )
        defaults: dict[str, Sequence[str]] = {"service": SERVICE}
        found = []
        for name in known:
            patterns = given.get(name, defaults.get(name, ()))
            patterns = (patterns,) if isinstance(patterns, str) else patterns
            if not isinstance(patterns, list | tuple) or not all(isinstance(p, str) and p for p in patterns):
                raise ConfigError(f"people.{name} is not a list of patterns", hint=f'{name}: [".*_svc"]')
            found += [(name, _compiled(name, pattern)) for pattern in patterns]
        return Classes(tuple(found))

    def of_person(self, person: str, otherwise: str = "person") -> str:
        """The first class one of whose patterns fits the name; `otherwise` when none does, '' for nobody."""
        person = person.strip().casefold()
        if not person:
            return ""
        return next((name for name, pattern in self.patterns if pattern.fullmatch(person)), otherwise)


def _compiled(name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ConfigError(f"people.{name}: {pattern[:60]!r} is not a regular expression: {error}") from None


def _checked(key: bytes, where: str) -> bytes:
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(f"the key in {where} is shorter than {_SHORTEST_KEY} characters", hint="use a random one")
    return key


def _key_file(path: Path) -> bytes:
    """What is in the key file, made with a random key and for its owner alone where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            # a file of its own that is linked into place, so that two first syncs agree on one whole key
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            if not path.exists():
                handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    with os.fdopen(handle, "wb") as stream:
                        stream.write(secrets.token_hex(32).encode())
                    os.link(draft, path)
                finally:
                    draft.unlink()
        with path.open("rb") as stream:
            return stream.read(_LONGEST_KEY).strip()
    except OSError as error:
        raise InputError(
            f"the key that hides people's names can be neither read nor made: {error.strerror or type(error).__name__}",
            place=Place(str(path)),
            hint=f"set {KEY_VARIABLE}, or let this file be written",
        ) from error
