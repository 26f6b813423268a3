"""Whatever a history of a warehouse cannot do is one sentence, without logins and secrets; and its options are data."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from cloud_warehouse import KEY, NOW

from headway.connectors.protocol import Connector, Context
from headway.errors import ConfigError, MissingExtra, WarehouseError
from headway.project.plugins import connector_class
from headway.warehouse.history import views
from headway.warehouse.profile import Profile

NEEDED: dict[str, dict[str, Any]] = {
    "bigquery": {},
    "databricks": {},
    "redshift": {},
    "snowflake": {},
    "trino": {"table": "audit.events.completed_queries"},
}
DRIVERS = {"bigquery": "google", "databricks": "databricks", "snowflake": "snowflake", "trino": "trino"}


def history(adapter: str, folder: Path, **options: Any) -> Connector:
    """The registered history of a warehouse, on a profile that leads nowhere."""
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (folder / "profiles.yml").write_text(
        f"shop: {{target: dev, outputs: {{dev: {{type: {adapter}, host: 127.0.0.1, port: 1, user: jo.secret, "
        "dbname: shop, password: hush-hush, connect_timeout: 2}}}\n"
    )
    found = connector_class(f"{adapter}_history")
    return found({**NEEDED[adapter], **options}, Context(str(folder), NOW, KEY))


@pytest.mark.parametrize("adapter", DRIVERS)
def test_a_driver_that_is_not_installed_is_named_with_its_extra(adapter: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(DRIVERS[adapter]):
        pytest.skip(f"the driver of {adapter} is installed here")
    with pytest.raises(MissingExtra) as caught:
        list(history(adapter, tmp_path).records())
    assert f"headway[{adapter}]" in str(caught.value)


def test_a_warehouse_that_is_not_there_is_said_without_login_and_password(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="redshift cannot be reached") as caught:
        list(history("redshift", tmp_path).records())
    assert "jo.secret" not in str(caught.value)
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize("adapter", NEEDED)
def test_options_that_cannot_be(adapter: str, tmp_path: Path) -> None:
    for options, said in (({"keep": 3}, "did you mean keep_days"), ({"target": 7}, "is to be str, not int")):
        with pytest.raises(ConfigError, match=said):
            history(adapter, tmp_path, **options)
    with pytest.raises(ConfigError, match="keep_days"):
        list(history(adapter, tmp_path, keep_days=0).records())


@pytest.mark.parametrize("adapter", NEEDED)
def test_what_a_history_says_of_itself(adapter: str) -> None:
    found: Any = connector_class(f"{adapter}_history")
    assert found.name == f"{adapter}_history"
    assert found.sync_only, "no question waits for a warehouse's history"
    assert len({option.name for option in found.options}) == len(found.options)
    for option in found.options:
        assert option.help
        assert option.default is None or isinstance(option.default, option.type)
        assert not (option.required and option.default)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("User 'ana@shop.example' does not have SELECT", "User '***' does not have SELECT"),
        ("role of JO_READER may not", "role of *** may not"),
        ("JO_READER_2 is another", "JO_READER_2 is another"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_nobody_is_named_in_what_a_warehouse_says(text: str, kept: str) -> None:
    assert views.nobody(Profile("snowflake", "dev", "", "", {"user": "jo_reader"}), text) == kept
