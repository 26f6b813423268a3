"""What stands around every page: tabs, search, the day; and where addresses and files lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec


class Tab(msgspec.Struct, frozen=True):
    """One tab of the header."""

    name: str
    to: str
    count: int = 0
    """Open decisions behind it; 0 shows nothing."""
    current: bool = False


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """The header of a page, and what its head links."""

    title: str
    tabs: tuple[Tab, ...] = ()
    as_of: str = ""
    """`as of 22 Nov, 06:00`."""
    as_of_exact: str = ""
    stale: str = ""
    """`as of 3 days ago` where the last sync is older than it should be; else ''."""
    historic: str = ""
    """`1 Oct` where the page is about an earlier day."""
    at: str = ""
    """That day as an address has it, for forms; '' for today."""
    today: str = ""
    """The same page today."""
    theme: str = ""
    """light, dark, or '' for the system's."""
    sheets: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    picture: bool = False
    twin: str = ""
    """Address of the JSON twin; '' where there is none."""
    search: bool = True
    """There is a server that searches."""
    token: str = ""
    """Against forged requests: every form that writes sends it back. '' where nobody can write."""
    may: tuple[str, ...] = ()
    """What the reader may write: `ask` for something new, `decide`. Buttons for anything else are not shown."""
    user: str = ""
    """Who is signed in, in words; '' without signing in."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where addresses of pages and static files lead: on a server, in a folder, in one file."""

    to: Callable[[str], str]
    """From an address inside Headway (`/map?colour=cost`) to one that a browser can follow from this page."""
    file: Callable[[str], str]
    """From a static file (`base.css`) to its address."""
    served: bool = True
    """A server is there: forms can be sent."""
    bare: bool = False
    """Only what stands below the header: a part of another document."""
    head: str = ""
    """What stands in the head in the place of links to static files, as Markup; '' for those links."""
    tail: str = ""
    """What stands at the end of the document, as Markup."""
