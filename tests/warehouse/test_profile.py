"""dbt profiles: where they are looked for, what is rendered, and one clear sentence for each way they can be wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ConfigError
from headway.warehouse.profile import Profile, load_profile

PROFILES = """\
    shop:
      target: dev
      outputs:
        dev: {type: duckdb, path: shop.duckdb, schema: main}
        prod:
          type: postgres
          host: "{{ env_var('DB_HOST', 'db.example') }}"
          port: "{{ env_var('DB_PORT', '5433') | int }}"
          user: headway
          password: "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"
          dbname: "shop_{{ env_var('STAGE', 'prod') }}"
          schema: analytics
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / ".dbt").mkdir(parents=True)
    return folder


@pytest.fixture
def shop_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (folder / "profiles.yml").write_text(dedent(PROFILES))
    return folder


def load(project: Path, home: Path, target: str = "", profiles_dir: str = "", **environment: str) -> Profile:
    return load_profile(
        project,
        target=target,
        profiles_dir=profiles_dir,
        environment=environment,
        home=home,
        working_directory=home,
    )


def test_the_default_target(shop_dir: Path, home: Path) -> None:
    profile = load(shop_dir, home)
    assert (profile.adapter, profile.target, profile.schema) == ("duckdb", "dev", "main")


def test_variables_are_rendered_only_in_the_target_that_is_used(shop_dir: Path, home: Path) -> None:
    profile = load(shop_dir, home, "prod", DBT_ENV_SECRET_PASSWORD="s3cr3t-word", DB_PORT="6000")
    assert profile.settings["host"] == "db.example"
    assert profile.settings["port"] == 6000
    assert profile.database == "shop_prod"
    assert load(shop_dir, home).adapter == "duckdb", "prod's unset password is nobody's business in dev"


def test_secrets_are_not_shown(shop_dir: Path, home: Path) -> None:
    profile = load(shop_dir, home, "prod", DBT_ENV_SECRET_PASSWORD="p@ss/word")
    assert "p@ss" not in repr(profile)
    assert profile.scrub("postgresql://u:p%40ss%2Fword@h and p@ss/word") == "postgresql://u:***@h and ***"
    assert profile.scrub("host=x password=other port=1") == "host=x password=*** port=1"


@pytest.mark.parametrize(
    "key", ["password", "pass", "token", "private_key_passphrase", "client_secret", "keyfile_json"]
)
def test_every_kind_of_secret_is_scrubbed(key: str) -> None:
    secrets = frozenset({"hunter22"})
    assert Profile("x", "t", "", "", {key: "hunter22"}, secrets).scrub("no: hunter22!") == "no: ***!"


@given(st.text(alphabet=st.characters(categories=("L", "N", "S")), min_size=4).filter(lambda s: set(s) != {"*"}))
def test_no_secret_survives_scrubbing(secret: str) -> None:
    said = Profile("x", "t", "", "", {}, frozenset({secret})).scrub(f"\n{secret}\n")
    assert said == "\n***\n"


def test_a_target_can_be_chosen_by_the_environment_as_dbt_does(shop_dir: Path, home: Path) -> None:
    assert load(shop_dir, home, DBT_TARGET="prod", DBT_ENV_SECRET_PASSWORD="x").target == "prod"
    assert load(shop_dir, home, "dev", DBT_TARGET="prod").target == "dev"


def test_the_places_in_dbts_order(shop_dir: Path, home: Path, tmp_path: Path) -> None:
    def at(folder: Path, schema: str) -> Path:
        folder.mkdir(exist_ok=True)
        text = f"shop: {{outputs: {{default: {{type: postgres, schema: {schema}}}}}}}"
        (folder / "profiles.yml").write_text(text)
        return folder

    at(home / ".dbt", "in_home")
    (shop_dir / "profiles.yml").unlink()
    assert load(shop_dir, home).schema == "in_home"
    at(shop_dir, "in_project")
    assert load(shop_dir, home).schema == "in_project"
    at(home, "in_working_directory")
    assert load(shop_dir, home).schema == "in_working_directory"
    named = at(tmp_path / "named", "by_variable")
    assert load(shop_dir, home, DBT_PROFILES_DIR=str(named)).schema == "by_variable"
    flag = at(tmp_path / "flag", "by_flag")
    assert load(shop_dir, home, profiles_dir=str(flag), DBT_PROFILES_DIR=str(named)).schema == "by_flag"
    with pytest.raises(ConfigError, match=r"no profiles\.yml"):
        load(shop_dir, home, profiles_dir=str(tmp_path / "nowhere"))


def test_a_relative_duckdb_path(shop_dir: Path, home: Path) -> None:
    (shop_dir / "shop.duckdb").touch()
    assert load(shop_dir, home).settings["path"] == str(shop_dir / "shop.duckdb")
    (home / "shop.duckdb").touch()
    assert load(shop_dir, home).settings["path"] == str(home / "shop.duckdb"), "dbt's own rule comes first"


@pytest.mark.parametrize("path", ["md:shop", "motherduck:shop", "ducklake:x.db"])
def test_a_remote_duckdb_path_is_left_alone(shop_dir: Path, home: Path, path: str) -> None:
    (shop_dir / "profiles.yml").write_text(f"shop: {{target: a, outputs: {{a: {{type: duckdb, path: '{path}'}}}}}}")
    assert load(shop_dir, home).settings["path"] == path


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ("other: {outputs: {dev: {type: duckdb}}}", "there is no profile called 'shop' (profiles here: other)"),
        ("shop: {outputs: {}}", "profile 'shop' has no `outputs:`"),
        ("shop: 7", "profile 'shop' has no `outputs:`"),
        ("shop: {target: live, outputs: {dev: {type: duckdb}}}", "profile 'shop' has no target 'live' (targets: dev)"),
        ("shop: {target: dev, outputs: {dev: {path: x}}}", "target 'dev' of profile 'shop' has no `type:`"),
        ("shop: {target: dev, outputs: {dev: 3}}", "target 'dev' of profile 'shop' has no `type:`"),
        ("shop: {target: dev, outputs: {dev: {type: duckdb}}}", "this DuckDB target lives in memory"),
        ("shop: {target: dev, outputs: {dev: {type: duckdb, path: 3}}}", "`path` of a DuckDB target must be text"),
        ("shop: {target: \"{{ env_var('T') }}\", outputs: {d: {type: duckdb}}}", "environment variable T is not set"),
        ("shop: {target: d, outputs: {d: {type: p, port: \"{{ env_var('W') | int }}\"}}}", "W should be a number"),
        ("shop: {target: d, outputs: {d: {type: p, port: \"{{ 7 * 7 }}\"}}}", "only env_var is rendered here"),
        ("shop: {target: d, outputs: {d: {type: \"{% if 1 %}p{% endif %}\"}}}", "only env_var is rendered here"),
        ("shop: {target: d, outputs: {d: {type: p, a: \"{{ env_var('W') | upper }}\"}}}", "only env_var is rendered"),
        ("shop: [1", "this is not YAML"),
        ("shop: 1\nshop: 2", "this is not YAML"),
        ("- 1", "a mapping is expected at its top"),
        ("", "a mapping is expected at its top"),
        ("shop: " + "[" * 5000, "nested too deeply"),
        ("shop: {target: d, outputs: {d: &a {type: x, again: *a}}}", "nested too deeply, or too many"),
    ],
)  # fmt: skip
def test_what_can_be_wrong_is_said_with_the_file(shop_dir: Path, home: Path, profiles: str, said: str) -> None:
    (shop_dir / "profiles.yml").write_text(profiles)
    with pytest.raises(ConfigError) as caught:
        load(shop_dir, home, W="wide")
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(shop_dir / "profiles.yml"))


def test_endless_aliases_end(shop_dir: Path, home: Path) -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for last, this in zip("abcdefg", "bcdefgh", strict=True):
        laughs += f"{this}: &{this} [{', '.join([f'*{last}'] * 10)}]\n"
    (shop_dir / "profiles.yml").write_text(laughs + "shop: {target: d, outputs: {d: {type: p, more: *h}}}")
    with pytest.raises(ConfigError, match="too many"):
        load(shop_dir, home)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00bad", b"\x00\x01\x02", b"shop: \x80"])
def test_a_binary_profile(shop_dir: Path, home: Path, data: bytes) -> None:
    (shop_dir / "profiles.yml").write_bytes(data)
    with pytest.raises(ConfigError, match=r"profiles\.yml"):
        load(shop_dir, home)


def test_a_project_without_profile_or_file(shop_dir: Path, home: Path) -> None:
    (shop_dir / "dbt_project.yml").write_text("name: shop\n")
    with pytest.raises(ConfigError, match="names no profile"):
        load(shop_dir, home)
    (shop_dir / "dbt_project.yml").unlink()
    with pytest.raises(ConfigError, match=r"there is no dbt_project\.yml, so there is not a dbt project here"):
        load(shop_dir, home)


def test_a_number_in_a_secret_variable_is_not_quoted_in_the_error(shop_dir: Path, home: Path) -> None:
    (shop_dir / "profiles.yml").write_text(
        "shop: {target: d, outputs: {d: {type: p, port: \"{{ env_var('DBT_ENV_SECRET_PORT') | as_number }}\"}}}"
    )
    with pytest.raises(ConfigError) as caught:
        load(shop_dir, home, DBT_ENV_SECRET_PORT="topsecret")
    assert "topsecret" not in str(caught.value)


def test_as_text_and_as_number(shop_dir: Path, home: Path) -> None:
    (shop_dir / "profiles.yml").write_text(
        "shop: {target: d, outputs: {d: {type: p, a: \"{{ env_var('N') | as_text }}\", "
        "b: \"{{ env_var('N') | as_number }}\", c: \"{{ env_var('F') | as_number }}\", e: \"{{ env_var('N') }}\"}}}"
    )
    settings = load(shop_dir, home, N="12", F="1.5").settings
    assert [settings[k] for k in "abce"] == ["12", 12, 1.5, "12"]
