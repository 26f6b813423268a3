"""`layers:` in headway.yml: which models the Map draws in which layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.errors import ConfigError
from headway.project import settings


def read(folder: Path, text: str) -> settings.Config:
    (folder / "headway.yml").write_text(text)
    return settings.load(folder, {})


def test_layers_are_read(tmp_path: Path) -> None:
    config = read(tmp_path, "layers: {staging: models/staging, marts: [models/marts, models/reporting]}")
    assert config.layers == {"staging": ("models/staging",), "marts": ("models/marts", "models/reporting")}
    assert read(tmp_path, "project: shop").layers == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: models", "layers must be a mapping"),
        ("layers: {bronze: models/raw}", "unknown key layers.bronze"),
        ("layers: {marts: 3}", "layers.marts must be a list of texts"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path, text)
    assert "headway.yml" in str(caught.value)
