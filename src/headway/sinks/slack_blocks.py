"""A message as blocks of Slack's Block Kit, within its limits, whatever the message holds."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from headway.sinks.message import Button, Line, Message, Part, said

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_CHARACTERS = 12_000
"""Of all blocks as JSON. Slack documents no limit and refuses messages of about 13,200 characters."""
LONGEST_HEADER = 150
LONGEST_SECTION = 3_000
LONGEST_LABEL = 75
LONGEST_VALUE = 2_000
LONGEST_URL = 3_000
MOST_PARTS = 8
MOST_BUTTONS = 5
LINES_WITH_BUTTONS = 5
LONGEST_LINE = 300
"""Characters of each half of a line, where there is room for them."""


class _Room(NamedTuple):
    """How much is shown: lines under a heading, characters of half a line, lines with buttons under a heading."""

    lines: int
    width: int
    pressed: int


def blocks_of(message: Message) -> list[Block]:
    """The message as blocks: as many lines under each heading as there is room for, the others counted.

    At most 50 blocks and 12,000 characters of JSON, each text within the limit of where it stands.
    """
    found: list[Block] = []
    for room in _rooms():
        found = _blocks(message, room)
        if len(found) <= MOST_BLOCKS and _size(found) <= MOST_CHARACTERS:
            break
    return found


def _rooms() -> Iterator[_Room]:
    """From the largest to one in which every message has room."""
    lines = 40
    while lines > 1:
        yield _Room(lines, LONGEST_LINE, LINES_WITH_BUTTONS)
        lines = lines * 3 // 4
    yield _Room(1, LONGEST_LINE // 2, LINES_WITH_BUTTONS - 2)
    yield _Room(1, LONGEST_LINE // 5, 1)
    yield _Room(1, LONGEST_LINE // 10, 0)


def fallback_of(message: Message) -> str:
    """What notifications show, and clients without blocks."""
    return escaped(cut(f"{message.title}. {message.lead}".strip(), LONGEST_LINE))


def escaped(text: str) -> str:
    """Text in which nothing means anything to Slack: no mention, no link, no mark-up that spans lines."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, most: int) -> str:
    """Text of at most so many characters; an ellipsis where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _size(blocks: list[Block]) -> int:
    return len(msgspec.json.encode(blocks).decode("utf-8"))


def _blocks(message: Message, room: _Room) -> list[Block]:
    title = " ".join(cut("".join(c if c.isprintable() else " " for c in message.title), LONGEST_HEADER).split())
    found: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": title or "Headway", "emoji": False}}
    ]
    if message.lead:
        found.append(_section(escaped(cut(message.lead, 2 * room.width))))
    for part in message.parts[:MOST_PARTS]:
        found += _part(part, room)
    foot = [escaped(cut(message.note, room.width))] if message.note else []
    if _linkable(message.url):
        foot.append(f"<{_address(message.url)}|Open in Headway>")
    if foot:
        found.append({"type": "context", "elements": [_mrkdwn(text) for text in foot]})
    return found


def _part(part: Part, room: _Room) -> list[Block]:
    """A section of lines; lines with buttons are sections of their own, with what can be pressed below."""
    title = escaped(cut(part.title, min(LONGEST_HEADER, room.width)))
    linked = _linkable(part.url) and len(part.url) <= room.width
    title = f"*<{_address(part.url)}|{title.replace('|', ' ')}>*" if linked else f"*{title}*"
    pressed = [line for line in part.lines if line.buttons][: room.pressed]
    plain = [line for line in part.lines if not line.buttons]
    shown, size = [title], len(title)
    for line in plain[: room.lines]:
        text = _line(line, room.width)
        if size + len(text) + 1 > LONGEST_SECTION - 200:
            break
        shown.append(text)
        size += len(text) + 1
    left = len(part.lines) - len(pressed) - (len(shown) - 1)
    if left:
        more = f"{left:,} more"
        shown.append(f"<{_address(part.url)}|{more}>" if linked else more)
    found = [_section("\n".join(shown))]
    for line in pressed:
        found += _pressed(line, room.width)
    return found


def _line(line: Line, width: int) -> str:
    """`• *Revenue*: behind`, its lead a link where there is one."""
    lead = escaped(cut(line.lead, width // 2))
    if lead and _linkable(line.url) and len(line.url) <= width:
        lead = f"<{_address(line.url)}|{lead.replace('|', ' ')}>"
    elif lead:
        lead = f"*{lead}*"
    text = escaped(cut(line.text, width))
    return f"• {lead}: {text}" if lead and text else f"• {lead or text}"


def _pressed(line: Line, width: int) -> list[Block]:
    found = [_section(_line(line, width)[2:])]
    known = blake2b(f"{said(line)}/{line.buttons[0].value}".encode("utf-8", "replace"), digest_size=8).hexdigest()
    if line.ask:
        found.append(
            {
                "type": "input",
                "block_id": f"why-{known}",
                "optional": True,
                "label": {"type": "plain_text", "text": cut(line.ask, LONGEST_HEADER)},
                "element": {"type": "plain_text_input", "action_id": "why", "max_length": 500},
            }
        )
    buttons = [_button(button) for button in line.buttons[:MOST_BUTTONS]]
    found.append({"type": "actions", "block_id": f"do-{known}", "elements": buttons})
    return found


def _button(button: Button) -> Block:
    found: Block = {
        "type": "button",
        "action_id": button.action[:LONGEST_LABEL],
        "text": {"type": "plain_text", "text": cut(button.label, LONGEST_LABEL), "emoji": False},
        "value": button.value[:LONGEST_VALUE],
    }
    if button.confirm:
        found["confirm"] = {
            "title": {"type": "plain_text", "text": "Are you sure?"},
            "text": {"type": "plain_text", "text": cut(button.confirm, LONGEST_LINE)},
            "confirm": {"type": "plain_text", "text": "Yes"},
            "deny": {"type": "plain_text", "text": "No"},
        }
    return found


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(cut(text, LONGEST_SECTION))}


def _mrkdwn(text: str) -> Block:
    # Verbatim: names that look like channels or addresses are not made into links.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _linkable(url: str) -> bool:
    return url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL and url.isprintable()


def _address(url: str) -> str:
    return escaped(url).replace("|", "%7C").replace(" ", "%20")
