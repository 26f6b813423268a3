"""Plain conditions become templates; literals, quoted names and templates stay as they are; nothing else gets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import InputError
from headway.warehouse.where import jinja_where


@pytest.mark.parametrize(
    ("plain", "turned"),
    [
        ("plan__tier = 'pro'", "{{ Dimension('plan__tier') }} = 'pro'"),
        (
            "location__name in ('a__b', 'b') and metric_time > '2026-01-01'",
            "{{ Dimension('location__name') }} in ('a__b', 'b') and {{ TimeDimension('metric_time') }} > '2026-01-01'",
        ),
        ("metric_time__month = '2026-01-01'", "{{ TimeDimension('metric_time', 'month') }} = '2026-01-01'"),
        ("order__at__week < x", "{{ TimeDimension('order__at', 'week') }} < x"),
        ("order__at < '2026-01-01'", "{{ TimeDimension('order__at') }} < '2026-01-01'"),
        ("account__plan__tier = 1", "{{ Dimension('plan__tier', entity_path=['account']) }} = 1"),
        ("customer = 5 or customers = 6", "{{ Entity('customer') }} = 5 or customers = 6"),
        ("lower(plan__tier) = 'x'", "lower({{ Dimension('plan__tier') }}) = 'x'"),
        ("plan__fn (1) = 2", "plan__fn (1) = 2"),
        ("t.plan__tier = 1", "t.plan__tier = 1"),
        ('"plan__tier" = `plan__tier`', '"plan__tier" = `plan__tier`'),
        ("plan__tier = 'it''s plan__x'", "{{ Dimension('plan__tier') }} = 'it''s plan__x'"),
        ("{{ Dimension('plan__tier') }} = 'x' and plan__y = 2",
         "{{ Dimension('plan__tier') }} = 'x' and {{ Dimension('plan__y') }} = 2"),
        ("{{ Metric('orders', group_by=['customer']) }} > 1", "{{ Metric('orders', group_by=['customer']) }} > 1"),
        ("{{ TimeDimension('metric_time').grain('day') }} > 1", "{{ TimeDimension('metric_time').grain('day') }} > 1"),
        ("{{- Entity('customer') -}} = 1", "{{- Entity('customer') -}} = 1"),
        ("x = $$plan__tier$$", "x = $$plan__tier$$"),
    ],
)  # fmt: skip
def test_names_of_dimensions_are_turned_into_templates(plain: str, turned: str) -> None:
    assert jinja_where(plain, entities={"customer"}, times={"order__at"}) == turned


def test_a_backslash_escapes_only_where_the_warehouse_says_so() -> None:
    condition = r"plan__tier = 'it\'s plan__x' or plan__y = 1"
    assert jinja_where(condition, dialect="bigquery").count("Dimension") == 2
    with pytest.raises(InputError, match="does not end"):
        jinja_where(condition, dialect="postgres")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("plan__tier = 'pro", "has a ' that does not end"),
        ('plan__tier = "pro', 'has a " that does not end'),
        ("plan__tier = 1; drop table x", "has a ; in it"),
        ("plan__tier = 1 -- and more", "has a comment"),
        ("plan__tier = 1 /* and more", "has a comment"),
        ("plan__tier = 1) or (1 = 1", "brackets"),
        ("(plan__tier = 1", "brackets"),
        ("  ", "empty"),
        ("", "empty"),
        ("x = {{ Dimension('a__b')", "has a {{ that does not end"),
        ("x = {{ ''.__class__.__mro__ }}", "has Jinja that is not let through"),
        ("x = {{ 'a' * 10000000000 }}", "has Jinja that is not let through"),
        ("x = {{ Dimension('a__b' * 99) }}", "has Jinja that is not let through"),
        ("x = {{ Dimension(Dimension) }}", "has Jinja that is not let through"),
        ("x = {{ Dimension('a__b').__init__('x') }}", "has Jinja that is not let through"),
        ("x = {{ env_var('HOME') }}", "has Jinja that is not let through"),
        ("{% for i in range(10) %}1{% endfor %}", "has Jinja that is not let through"),
        ("{# plan #} 1 = 1", "has Jinja that is not let through"),
        ("x = '{{ cycler.__init__ }}'", "has Jinja inside a string"),
        ("x = $${{ cycler.__init__ }}$$", "has Jinja inside a string"),
    ],
)
def test_what_is_refused(condition: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        jinja_where(condition)
    assert said in str(caught.value)


literals = st.text(alphabet=st.characters(exclude_characters="{", exclude_categories=("Cs",))).map(
    lambda text: "'" + text.replace("'", "''") + "'"
)
names = st.from_regex(r"[a-z]{1,6}(__[a-z]{1,6}){0,3}", fullmatch=True)
pieces = st.lists(st.one_of(literals, names, st.sampled_from(["=", "and", "(1)", " ", "<>", '"a__b"'])), min_size=1)


@given(literals)
def test_a_literal_is_never_touched(literal: str) -> None:
    assert jinja_where(f"plan__tier = {literal}") == f"{{{{ Dimension('plan__tier') }}}} = {literal}"


@given(pieces)
def test_turning_twice_is_turning_once(parts: list[str]) -> None:
    once = jinja_where(" ".join(parts) + "\n= 1", entities={"a"}, times={"a__b"})
    assert jinja_where(once, entities={"a"}, times={"a__b"}) == once


@given(st.text())
def test_any_text_is_turned_or_refused(text: str) -> None:
    try:
        turned = jinja_where(text)
    except InputError:
        return
    assert "{%" not in turned
    assert turned.strip()
