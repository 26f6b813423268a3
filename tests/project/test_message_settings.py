"""The sections `slack` and `email` of headway.yml: what may stand there, and that no secret may."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.config import Email, Slack
from headway.errors import ConfigError
from headway.project import Project


def opened(folder: Path, text: str) -> Project:
    (folder / "headway.yml").write_text(f"project: shop\n{text}\n")
    return Project.open(folder, environment={})


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    config = opened(
        tmp_path,
        "slack:\n  channel: C012AB3CD\n  channels: {sales-team: '#sales'}\n  webhooks: {'#sales': SALES_WEBHOOK}\n"
        "  people: {b7c1f00d9a: U012AB3CD}\n  deciders: {U012AB3CD: analytics, '*': everybody}\n"
        "  api: https://slack-gov.com/api\n"
        "email:\n  from: headway@example.com\n  host: smtp.example.com\n  port: 465\n  security: tls\n"
        "  address: data@example.com\n  addresses: {sales-team: sales@example.com}\n",
    ).config
    assert config.slack == Slack(
        channel="C012AB3CD",
        channels={"sales-team": "#sales"},
        people={"b7c1f00d9a": "U012AB3CD"},
        webhooks={"#sales": "SALES_WEBHOOK"},
        deciders={"U012AB3CD": "analytics", "*": "everybody"},
        api="https://slack-gov.com/api/",
    )
    assert config.email == Email(
        sender="headway@example.com",
        host="smtp.example.com",
        port=465,
        security="tls",
        address="data@example.com",
        addresses={"sales-team": "sales@example.com"},
    )


def test_nothing_is_said(tmp_path: Path) -> None:
    config = opened(tmp_path, "").config
    assert (config.slack, config.email) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slack: {}", "names no channel"),
        ("slack: {channel: general}", "slack.channel must be such as C012AB3CD"),
        ("slack: {channel: 7}", "slack.channel must be such as"),
        ("slack: {channel: C012, channels: [C1]}", "slack.channels must be a mapping"),
        ("slack: {channel: C012, channels: {sales: xoxb-made-up}}", "each of slack.channels must be such as"),
        ("slack: {channel: C012, token: xoxb-made-up}", "secrets come from the environment only"),
        ("slack: {channel: C012, chanels: {}}", "did you mean channels"),
        (
            "slack: {channel: C012, webhooks: {'#a': 'https://hooks.slack.com/made-up'}}",
            "each of slack.webhooks must be such as",
        ),
        ("slack: {channel: C012, api: 'http://slack.com/api/'}", "must be an https address"),
        ("slack: {channel: C012, api: 'https://a:b@slack.com/'}", "must be an https address"),
        ("slack: {channel: C012, people: {ana: U012AB3CD}}", "slack.people must be a mapping such as"),
        ("slack: {channel: C012, deciders: [U012AB3CD]}", "slack.deciders must be a mapping such as"),
        ("slack: {channel: C012, deciders: {ana: analytics}}", "slack.deciders must be a mapping such as"),
        ("slack: {channel: C012, deciders: {U012AB3CD: ''}}", "slack.deciders must be a mapping such as"),
        ("email: {host: h, address: a@example.com}", "email needs from"),
        ("email: {from: a@example.com, host: h}", "names no address"),
        ("email: {from: 'a@example.com, b@example.com', host: h, address: a@example.com}", "email.from must be such"),
        ("email: {from: a@example.com, host: h, port: 0, address: a@example.com}", "from 1 to 65535"),
        ("email: {from: a@example.com, host: h, port: true, address: a@example.com}", "from 1 to 65535"),
        ("email: {from: a@example.com, host: h, security: ssl, address: a@example.com}", "one of starttls"),
        ("email: {from: a@example.com, host: h, password: made-up, address: a@example.com}", "from the environment"),
    ],
)
def test_what_cannot_be_is_said_with_its_place_and_without_secrets(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        opened(tmp_path, text)
    assert caught.value.place is not None
    assert caught.value.place.line == 2
    assert "made-up" not in str(caught.value)
