"""How answers look, in files that people can read. HEADWAY_UPDATE_SNAPSHOTS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from render_specimens import EMPTY, EVERYTHING, HOSTILE, PATHS, hostile

from headway.render.formats import RenderOptions, render_as

FOLDER = Path(__file__).parent / "snapshots"

SHOTS = {
    "everything-80.txt": ("table", EVERYTHING, RenderOptions(width=80)),
    "everything-120.txt": ("table", EVERYTHING, RenderOptions(width=120)),
    "everything-200.txt": ("table", EVERYTHING, RenderOptions(width=200)),
    "everything-40.txt": ("table", EVERYTHING, RenderOptions(width=40)),
    "everything-colour.txt": ("table", EVERYTHING, RenderOptions(width=120, colour=True)),
    "everything-verbose.txt": ("table", EVERYTHING, RenderOptions(width=120, verbose=True)),
    "everything-cut.txt": ("table", EVERYTHING, RenderOptions(width=120, limit=1)),
    "everything-ascii.txt": ("table", EVERYTHING, RenderOptions(width=80, encoding="ascii")),
    "everything.json": ("json", EVERYTHING, RenderOptions()),
    "everything.csv": ("csv", EVERYTHING, RenderOptions()),
    "everything.md": ("md", EVERYTHING, RenderOptions()),
    "paths-80.txt": ("table", PATHS, RenderOptions(width=80)),
    "paths-120.txt": ("table", PATHS, RenderOptions(width=120)),
    "paths.md": ("md", PATHS, RenderOptions()),
    "empty.txt": ("table", EMPTY, RenderOptions(width=80)),
    "empty.md": ("md", EMPTY, RenderOptions()),
    "empty.csv": ("csv", EMPTY, RenderOptions()),
    "empty.json": ("json", EMPTY, RenderOptions()),
    "hostile-80.txt": ("table", hostile(HOSTILE[10]), RenderOptions(width=80)),
    "hostile.md": ("md", hostile(HOSTILE[9]), RenderOptions()),
}


@pytest.mark.parametrize("name", SHOTS)
def test_snapshot(name):
    style, answer, options = SHOTS[name]
    text = render_as(style, answer, options)
    file = FOLDER / name
    if os.environ.get("HEADWAY_UPDATE_SNAPSHOTS") == "1":
        file.write_text(text, encoding="utf-8", newline="")
    assert text == file.read_bytes().decode(), f"{name} changed; HEADWAY_UPDATE_SNAPSHOTS=1 writes it anew"


def test_there_is_no_snapshot_that_nothing_makes():
    assert {file.name for file in FOLDER.iterdir()} == set(SHOTS)
