"""A YAML file as nodes with their lines: nothing in it is constructed, so nothing in it can do anything."""

from __future__ import annotations

import re
import warnings
from typing import Any

from headway.errors import InputError, Place

MOST_BYTES = 5_000_000
_DEEP = re.compile(r"(?:[\[{]\s*){20}|^[ \t]*(?:-[ \t]+){20}", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


def composed(data: bytes, file: str) -> Any:
    """The root node of ruamel.yaml, None for an empty file; `file` is how messages call it.

    Raises InputError, with the place, for what is too large, no UTF-8 text, nested too deeply, or no YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    place = Place(file)
    if len(data) > MOST_BYTES:
        raise InputError(f"is {len(data):,} bytes; at most {MOST_BYTES:,} are read", place=place)
    try:
        text = data.decode("utf-8-sig")
        if _DEEP.search(_COMMENT.sub("", text)):
            raise InputError("lists and mappings are nested too deeply", place=place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an anchor that is declared twice the later one counts
            return YAML(typ="rt", pure=True).compose(text)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text at byte {error.start}", place=place) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = Place(file, mark.line + 1, mark.column + 1) if mark else place
        raise InputError(f"this is not valid YAML: {error.problem or error.context}", place=where) from None
    except RecursionError:
        raise InputError("lists and mappings are nested too deeply", place=place) from None
    except (YAMLError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"this is not valid YAML: {reason}", place=place) from None
