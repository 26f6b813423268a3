"""What a dataset is called: one name for every way in which producers write it.

A namespace says where it is (`postgres://db.example:5432`, `snowflake://org-account`, `s3://bucket`), a name what it is
there: `catalog.schema.table` of a table, a path of files, a topic.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

from headway.connectors.openlineage.addresses import clean_name, without_secrets
from headway.graph.tables import fold_relation, fold_table

LONGEST = 400
"""Characters of a namespace and a name together, as an id has them."""

_PATHS = frozenset(
    {
        *("s3", "s3a", "s3n", "gs", "gcs", "oss", "abfs", "abfss", "adl", "wasb", "wasbs", "dbfs", "hdfs", "file"),
        *("ftp", "sftp", "http", "https", "kafka", "pubsub", "nats", "mongodb", "inmemory"),
    }
)
"""Schemes behind which a name is a path, a topic or a collection, and no table."""
_GLUE = re.compile(r"table/([^/]+)/([^/]+)")
_PARTITION = re.compile(r"(^|/)[^/=]+=[^/]*(/.*)?$", re.DOTALL)
"""From the first `key=value` on, a path names a part of a dataset: another one each day."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)(?:://|:|$)", re.IGNORECASE)
_UNQUOTED = str.maketrans("", "", '"`[]')


class Key(NamedTuple):
    """Where a dataset or a job is, and what it is called there: equal for the same thing."""

    namespace: str
    name: str


def dataset_key(namespace: str, name: str) -> Key:
    """The key of a dataset. Names of tables are folded as relations are, paths are kept."""
    place, found = without_secrets(namespace.strip()), clean_name(name.strip())
    scheme = _scheme(place)
    if place.startswith("arn:") and (glue := _GLUE.fullmatch(found)):
        found = f"{glue[1]}.{glue[2]}"
    if scheme in _PATHS:
        plain = found.partition("?")[0] if scheme in {"http", "https"} else _PARTITION.sub("", found)
        return Key(place.rstrip("/"), plain.strip("/") or "/")
    if scheme == "bigquery":
        found = fold_table(found)  # without the partition of `table$20261122`, and `project:dataset.table` with dots
    return Key(place.rstrip("/"), fold_relation(found) if _parts(found) else found)


def relation(key: Key) -> str:
    """The name of a table as a relation of two or three parts; '' for what is none."""
    return key.name if _scheme(key.namespace) not in _PATHS and _parts(key.name) else ""


def unquoted(name: str) -> str:
    """A name without quotes, its case kept."""
    return name.strip().translate(_UNQUOTED)


def readable(text: str, most: int = LONGEST) -> str:
    """Text from outside on one line, with nothing in it that cannot be printed; cut with a digest when it is long."""
    if len(text) <= most and text.isprintable() and " ".join(text.split()) == text:
        return text
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return f"{line[: most - 14]}~{told_apart(text)}"


def told_apart(*texts: str) -> str:
    """A short digest that other texts do not have."""
    return blake2b("\0".join(texts).encode(errors="surrogatepass"), digest_size=6).hexdigest()


def _scheme(namespace: str) -> str:
    found = _SCHEME.match(namespace)
    return found[1].lower() if found else ""


def _parts(name: str) -> bool:
    """Whether a name is that of a table in a schema: two or three parts, none empty, no path."""
    return name.count(".") in (1, 2) and not any(c in name for c in "/\\:*") and all(p.strip() for p in name.split("."))
