"""YAML edits: only the lines that are meant differ, on the demo's files and on hostile ones; the rest is refused."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.errors import InputError
from headway.project.yaml_edit import Document, Step

DEMO = Path(__file__).parents[2] / "examples" / "lumaloop"
FILES = sorted([*DEMO.glob("models/**/*.yml"), *DEMO.glob("seeds/*.yml"), *DEMO.glob("snapshots/*.yml")])
SECTIONS = ("models", "sources", "seeds", "snapshots", "exposures", "metrics", "semantic_models", "saved_queries")


def changed(before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came, line ends included."""
    lines = [data.decode("utf-8").splitlines(keepends=True) for data in (before, after)]
    found = list(difflib.ndiff(lines[0], lines[1]))
    return [x[2:] for x in found if x.startswith("- ")], [x[2:] for x in found if x.startswith("+ ")]


def items(file: Path) -> list[tuple[Step, ...]]:
    """Everything a property file declares, tables of sources and versions of models too."""
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    found: list[tuple[Step, ...]] = []
    for section in SECTIONS:
        for item in said.get(section, ()):
            top = (section, "name", item["name"])
            inner = "tables" if section == "sources" else "versions"
            by = "name" if section == "sources" else "v"
            parts = [(inner, by, str(one[by])) for one in item.get(inner, ())]
            found += [(top, part) for part in parts] or [(top,)]
    return found


def pick(said: Any, steps: tuple[Step, ...]) -> Any:
    for section, by, name in steps:
        said = next(i for i in said[section] if str(i[by]) == name)
    return said


ITEMS = [pytest.param(f, s, id=f"{f.name}-{'-'.join(x[2] for x in s)}") for f in FILES for s in items(f)]


def test_the_demo_has_items_of_every_kind() -> None:
    assert {s[0][0] for f in FILES for s in items(f)} >= set(SECTIONS) - {"saved_queries"}
    assert len(ITEMS) > 150


@pytest.mark.parametrize(("file", "steps"), ITEMS)
def test_each_item_of_the_demo_can_be_switched_off(file: Path, steps: tuple[Step, ...]) -> None:
    before = file.read_bytes()
    document = Document(before, file.name)
    document.disable(*steps)
    gone, came = changed(before, document.data)
    off = pick(yaml.safe_load(before), steps).get("config", {}).get("enabled") is False
    assert len(came) == (not off)
    assert len(gone) <= 1  # a config or an item in brackets is on one line
    old, new = yaml.safe_load(before), yaml.safe_load(document.data)
    assert pick(new, steps)["config"].pop("enabled") is False
    pick(old, steps).get("config", {}).pop("enabled", None)
    for said in (old, new):
        if not pick(said, steps).get("config", True):
            pick(said, steps).pop("config")
    assert new == old
    assert list(pick(new, steps)) == list(pick(old, steps))


@pytest.mark.parametrize(("file", "steps"), ITEMS)
def test_each_item_of_the_demo_can_be_dated(file: Path, steps: tuple[Step, ...]) -> None:
    before = file.read_bytes()
    document = Document(before, file.name)
    document.set("deprecation_date", "2026-12-31", *steps)
    gone, came = changed(before, document.data)
    assert (len(gone), len(came)) in {(0, 1), (1, 1), (0, 0)}
    old, new = yaml.safe_load(before), yaml.safe_load(document.data)
    pick(old, steps)["deprecation_date"] = yaml.safe_load("2026-12-31")
    assert new == old


@pytest.mark.parametrize(("file", "steps"), ITEMS)
def test_each_item_of_the_demo_can_be_removed(file: Path, steps: tuple[Step, ...]) -> None:
    before = file.read_bytes()
    document = Document(before, file.name)
    document.remove(*steps)
    gone, came = changed(before, document.data)
    assert gone
    assert len(came) <= 1  # of a list in brackets the line stays, shorter
    assert not document.has(*steps)
    assert_only_inner_comments(gone)


def assert_only_inner_comments(gone: list[str]) -> None:
    """Comments go only with what they stand in, never those around it."""
    lines = [line.strip() for line in gone if line.strip()]
    assert not lines[0].startswith("#")
    assert not lines[-1].startswith("#")


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_all_items_of_a_file_can_be_removed_one_by_one(file: Path) -> None:
    document = Document(file.read_bytes(), file.name)
    for steps in items(file):
        document.remove(*steps)
    said = yaml.safe_load(document.data) or {}
    assert not set(said) & set(SECTIONS)


HOSTILE = """\
%YAML 1.1
---
# head
version: 2   # two

models:   # all of them

  # about orders
  - name: orders   # the name
    description: >
      long text
      - name: not_an_item

    # inside
    columns:
      - name: "id"  # a\ttab
        data_tests: [unique, {accepted_values: {values: ['a: b', "c # d"]}}]
    # end of orders

  # about users
  -   name: 'users'
      config:
        # why
        tags: ["a", 'b']
      description: "tab\there {{ doc('x') }}"
  - {name: flow, config: {meta: {owner: x}}}   # in brackets
  - {
      name: wide,   # first
      description: "}"
    }
  - name: nothing
    config:
  - name: emptied
    config: {}
  - name: jinja
    config: {enabled: "{{ target.name == 'prod' }}"}
  - description: first
    name: late
# tail
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize(
    ("name", "gone", "came"),
    [
        ("orders", [], ["    config: {enabled: false}"]),
        ("users", [], ["        enabled: false"]),
        (
            "flow",
            ["  - {name: flow, config: {meta: {owner: x}}}   # in brackets"],
            ["  - {name: flow, config: {meta: {owner: x}, enabled: false}}   # in brackets"],
        ),
        ("wide", ["      name: wide,   # first"], ["      name: wide, config: {enabled: false},   # first"]),
        ("nothing", ["    config:"], ["    config: {enabled: false}"]),
        ("emptied", ["    config: {}"], ["    config: {enabled: false}"]),
        ("jinja", ["    config: {enabled: \"{{ target.name == 'prod' }}\"}"], ["    config: {enabled: false}"]),
        ("late", [], ["    config: {enabled: false}"]),
    ],
)
def test_only_the_intended_lines_of_a_hostile_file_differ(
    name: str, gone: list[str], came: list[str], ends: str, bom: str
) -> None:
    before = (bom + HOSTILE).replace("\n", ends).encode("utf-8")
    document = Document(before, "hostile.yml")
    document.disable(("models", "name", name))
    assert changed(before, document.data) == ([x + ends for x in gone], [x + ends for x in came])
    assert document.data.startswith(bom.encode("utf-8"))


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", ["orders", "users", "flow", "wide", "nothing", "emptied", "jinja", "late"])
def test_removing_from_a_hostile_file_keeps_all_others(name: str, ends: str) -> None:
    before = HOSTILE.replace("\n", ends).encode("utf-8")
    document = Document(before, "hostile.yml")
    document.remove(("models", "name", name))
    gone, came = changed(before, document.data)
    assert not came
    old, new = yaml.safe_load(before), yaml.safe_load(document.data)
    old["models"] = [m for m in old["models"] if m["name"] != name]
    assert new == old
    assert b"# tail" in document.data
    assert b"# about users" in document.data
    assert_only_inner_comments(gone)


def test_a_file_without_a_line_end_at_its_end_still_has_none() -> None:
    document = Document(b"models:\n  - name: a", "x.yml")
    document.disable(("models", "name", "a"))
    assert document.data == b"models:\n  - name: a\n    config: {enabled: false}"


def test_the_last_item_takes_its_list_and_what_consisted_of_it() -> None:
    text = b"version: 2\n\nsources:\n  - name: app\n    tables:\n      - name: t\n\nmodels:\n  - name: m\n"
    document = Document(text, "x.yml")
    document.remove(("sources", "name", "app"), ("tables", "name", "t"))
    assert document.data == b"version: 2\n\nmodels:\n  - name: m\n"
    assert not document.empty
    document.remove(("models", "name", "m"))
    assert document.empty


def test_items_in_brackets_go_with_their_comma() -> None:
    text = b"sources:\n  - name: app\n    tables: [{name: a}, {name: b}, {name: c}]\n"
    app = ("sources", "name", "app")
    for name, left in (
        ("a", b"[{name: b}, {name: c}]"),
        ("b", b"[{name: a}, {name: c}]"),
        ("c", b"[{name: a}, {name: b}]"),
    ):
        document = Document(text, "x.yml")
        document.remove(app, ("tables", "name", name))
        assert left in document.data


def test_an_anchor_that_nothing_repeats_is_no_hindrance_and_one_that_is_repeated_elsewhere_stays() -> None:
    text = b"x: &x {a: 1}\nmodels:\n  - &m\n    name: a\n    meta: *x\n  - name: b\n    meta: *x\n"
    document = Document(text, "x.yml")
    document.disable(("models", "name", "a"))
    document.remove(("models", "name", "b"))
    assert document.data == b"x: &x {a: 1}\nmodels:\n  - &m\n    name: a\n    config: {enabled: false}\n    meta: *x\n"


REFUSED = {
    "duplicate key": (b"models:\n  - name: a\n    config: {}\n    config: {tags: [x]}\n", "twice"),
    "duplicate key in brackets": (b"models:\n  - {name: a, name: a}\n", "twice"),
    "duplicate section": (b"models:\n  - name: a\nmodels:\n  - name: b\n", "twice"),
    "item twice": (b"models:\n  - name: a\n  - name: a\n", "twice"),
    "shared config": (
        b"models:\n  - name: a\n    config: &c {tags: [x]}\n  - name: b\n    config: *c\n",
        "alias",
    ),
    "config by alias": (
        b"models:\n  - name: b\n    config: &c {tags: [x]}\n  - name: a\n    config: *c\n",
        "alias",
    ),
    "shared item": (b"all:\n  - &m {name: a}\nmodels:\n  - *m\n", "alias"),
    "merge": (b"base: &b {config: {tags: [x]}}\nmodels:\n  - <<: *b\n    name: a\n", "<<"),
    "old style": (b"models:\n  - name: a\n    config: {+enabled: true}\n", "+enabled"),
    "tab": (b"models:\n\t- name: a\n", "not valid YAML"),
    "two documents": (b"models:\n  - name: a\n---\nmodels: []\n", "not valid YAML"),
    "list": (b"- name: a\n", "no mapping"),
    "not there": (b"models:\n  - name: b\n", "does not declare"),
    "jinja for a name": (b"models:\n  - name: \"{{ var('a') }}\"\n", "does not declare"),
    "jinja without quotes": (b"models: {{ all }}\n", ""),
    "not text": (b"\xff\xfe\x00m", "UTF-8"),
    "control": (b"models:\n  - name: a\x07\n", "not valid YAML"),
    "mac line ends": (b"models:\r  - name: a\r", "carriage return"),
    "deep": (b"a: " + b"[" * 5000, "deep"),
    "deep dashes": (b"- " * 5000 + b"a", "deep"),
    "huge": (b"#" * 5_000_001, "bytes"),
    "empty": (b"", "does not declare"),
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.replace(" ", "_"))
def test_what_cannot_be_edited_safely_is_refused_with_its_place(case: str) -> None:
    text, says = REFUSED[case]
    with pytest.raises(InputError) as caught:
        Document(text, "models/x.yml").disable(("models", "name", "a"))
    assert says in str(caught.value)
    assert str(caught.value).startswith("models/x.yml")
    assert "\n" not in str(caught.value)


def test_a_refused_edit_leaves_the_document_as_it_was() -> None:
    text, _ = REFUSED["shared config"]
    document = Document(text, "x.yml")
    with pytest.raises(InputError):
        document.disable(("models", "name", "a"))
    assert document.data == text
    document.set("deprecation_date", "2026-12-31", ("models", "name", "a"))
    assert yaml.safe_load(document.data)["models"][1]["config"] == {"tags": ["x"]}


def test_removing_what_others_repeat_is_refused() -> None:
    document = Document(b"models:\n  - name: a\n    meta: &m {x: 1}\n  - name: b\n    meta: *m\n", "x.yml")
    with pytest.raises(InputError, match="without changing something else"):
        document.remove(("models", "name", "a"))


def test_a_name_that_is_anchored_twice_does_not_change_what_an_alias_means() -> None:
    text = b"models:\n  - {name: a, meta: &m 1}\n  - {name: b, meta: &m 2}\n  - {name: c, meta: *m}\n"
    document = Document(text, "x.yml")
    with pytest.raises(InputError):
        document.remove(("models", "name", "b"))
    assert document.data == text


def test_a_bomb_of_aliases_is_read_without_unfolding_it() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    document = Document(("\n".join(lines) + "\nmodels:\n  - name: m\n").encode(), "x.yml")
    document.disable(("models", "name", "m"))
    assert document.data.endswith(b"    config: {enabled: false}\n")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
KEYS = TEXTS.filter(lambda t: t not in {"name", "config", "<<"})
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=2, max_size=4),
    st.sampled_from([None, False, True]),
    st.booleans(),
    st.integers(0, 3),
)  # fmt: skip
def test_whatever_a_file_says_an_edit_changes_what_is_meant_or_nothing(
    models: list[dict[str, Any]], flow: bool | None, windows: bool, which: int
) -> None:
    said = {"version": 2, "models": [{"name": f"m{k}", **m} for k, m in enumerate(models)]}
    text = yaml.safe_dump(said, default_flow_style=flow, sort_keys=False, allow_unicode=True)
    before = (text.replace("\n", "\r\n") if windows else text).encode("utf-8")
    name = f"m{which % len(models)}"
    for edit in ("disable", "remove"):
        try:
            document = Document(before, "x.yml")
            getattr(document, edit)(("models", "name", name))
        except InputError:
            continue
        new = yaml.safe_load(document.data)
        expected = yaml.safe_load(before)
        item = next(m for m in expected["models"] if m["name"] == name)
        if edit == "disable":
            item["config"] = {"enabled": False}
        else:
            expected["models"].remove(item)
        assert new == expected


# ---------------------------------------------------------------------- put


LISTED = b"# ours\nversion: 2\r\nexposures:\r\n- name: a  # first\r\n  type: ml\r\n\r\n"
LISTED += b"- name: b\r\n  type: ml\r\n\r\nmodels: []\r\n"


def test_an_item_is_put_in_place_of_the_one_that_is_called_so_and_every_other_byte_stays() -> None:
    document = Document(LISTED, "x.yml")
    document.put("exposures", "name", "name: b\ntype: analysis\nconfig:\n  tags: [x]\n")
    went, came = changed(LISTED, document.data)
    assert went == ["  type: ml\r\n"]
    assert came == ["  type: analysis\r\n", "  config:\r\n", "    tags: [x]\r\n"]


def test_an_item_that_is_new_comes_after_the_last_one() -> None:
    document = Document(LISTED, "x.yml")
    document.put("exposures", "name", "name: c\ntype: ml\n")
    assert document.names(under="exposures") == ["a", "b", "c"]
    assert changed(LISTED, document.data) == ([], ["- name: c\r\n", "  type: ml\r\n"])


def test_a_list_that_is_missing_is_made_at_the_end() -> None:
    document = Document(b"version: 2\nmodels:\n  - name: m", "x.yml")
    document.put("exposures", "name", "name: c\nwords: |-\n  one\n\n  two\n")
    assert document.data.startswith(b"version: 2\nmodels:\n  - name: m\n\nexposures:\n  - name: c\n")
    assert yaml.safe_load(document.data)["exposures"] == [{"name": "c", "words": "one\n\ntwo"}]


@pytest.mark.parametrize(
    "before", [b"exposures: []\n", b"exposures: [{name: a}]\n", b"exposures: all\n", b"exposures:\n  name: a\n"]
)
def test_what_is_no_list_of_lines_is_not_added_to(before: bytes) -> None:
    document = Document(before, "x.yml")
    with pytest.raises(InputError):
        document.put("exposures", "name", "name: c\n")
    assert document.data == before


def test_an_item_that_others_refer_to_is_not_replaced() -> None:
    before = b"exposures:\n  - &one\n    name: a\n  - <<: *one\n    name: b\n"
    document = Document(before, "x.yml")
    with pytest.raises(InputError):
        document.put("exposures", "name", "name: a\ntype: ml\n")
    assert document.data == before


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_whatever_is_put_one_after_another_is_what_the_file_says(names: list[str], ending: str) -> None:
    document = Document(f"version: 2{ending}".encode(), "x.yml")
    for number, name in enumerate(names):
        document.put("exposures", "name", f"name: {name}\nat: {number}\n")
    last = {name: number for number, name in enumerate(names)}
    said = yaml.safe_load(document.data)["exposures"]
    assert said == [{"name": name, "at": last[name]} for name in dict.fromkeys(names)]


@given(
    st.lists(st.sampled_from("abcde"), unique=True, max_size=5),
    st.lists(st.sampled_from("abcdefg"), unique=True, min_size=1, max_size=7),
    st.sampled_from(["", "\n", "\n\n# the end\n", "\nmodels:\n  - name: m\n"]),
)
@settings(max_examples=120, deadline=None)
def test_several_items_are_put_at_once_and_the_others_keep_every_byte(
    old: list[str], new: list[str], tail: str
) -> None:
    parts = [f"  # about {name}\n  - name: {name}\n    at: [1, 2]  # {name}\n" for name in old]
    before = "version: 2\n" + ("exposures:\n" + "".join(parts) if old else "") + tail
    document = Document(before.encode(), "x.yml")
    document.put("exposures", "name", *(f"name: {name}\nat: 9\n" for name in new))
    after = document.data.decode()
    said = yaml.safe_load(after)
    expected = [{"name": n, "at": 9 if n in new else [1, 2]} for n in old]
    assert said["exposures"] == expected + [{"name": n, "at": 9} for n in new if n not in old]
    assert said.get("models") == yaml.safe_load(before).get("models")
    for name, part in zip(old, parts, strict=True):
        assert f"  # about {name}\n" in after
        assert (part in after) == (name not in new)
