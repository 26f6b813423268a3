"""The weekly digest: what it says to whom, what changed since the last one, and that a week is told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk import DAY, write_desk
from headway.cli.main import run
from headway.errors import ConfigError, UnknownName
from headway.project import Project, triage
from headway.project.digest import digests
from headway.project.outbox import send
from headway.sinks.message import Message, text_of
from shop import GOALS, SETTINGS, manifest
from slack_server import TOKEN, SlackServer, invalid, slack_server

CHANNELS = "channels: {Sales-Team: C0SALES, nobody: C0NOBODY}"


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def synced(folder: Path, more: str = "", *, server: SlackServer | None = None, day: date = DAY) -> Project:
    """The desk with a channel for everything and one for sales."""
    if not (folder / "target").exists():
        write_desk(folder)
    api = f', api: "{server.api}"' if server else ""
    settings = f"slack: {{channel: C0ALL, {CHANNELS}{api}}}\nserve: {{url: 'https://headway.example.com'}}\n{more}"
    (folder / "headway.yml").write_text(SETTINGS + settings)
    project = opened(folder, day)
    project.sync(evaluate=False)
    return opened(folder, day)


def opened(folder: Path, day: date = DAY) -> Project:
    return Project.open(folder, as_of=day, environment={"HEADWAY_SLACK_TOKEN": TOKEN})


def message(project: Project, to: str = "C0ALL") -> Message:
    (letter,) = digests(project, to)
    return letter.message


def part(message: Message, title: str) -> list[str]:
    (found,) = [p for p in message.parts if p.title.startswith(title)]
    return [f"{line.lead} | {line.text}" for line in found.lines]


def test_pace_and_decisions_of_everything(tmp_path: Path) -> None:
    said = message(synced(tmp_path))
    assert said.key == "digest:slack:C0ALL:2026-W47"
    assert said.lead.startswith("2 key results: ")
    assert "1 not measured" in said.lead
    pace = part(said, "Pace")
    assert pace[0].startswith("Grow sales | ")
    assert any(line.startswith("Revenue | not measured") for line in pace)
    asked = part(said, "3 decisions to take (of ")
    assert len(asked) == 3
    assert said.parts[0].lines[0].url == "https://headway.example.com/objective/goal:objective.grow"
    assert text_of(said).count("https://headway.example.com/triage") == 1


def test_a_channel_hears_of_what_its_owners_own(tmp_path: Path) -> None:
    project = synced(tmp_path)
    found = {letter.message.to: letter.message for letter in digests(project)}
    assert set(found) == {"C0ALL", "C0SALES"}, "nobody owns nothing"
    everything = [case.item.name for case in triage.open_cases(project)]
    sales = [case.item.name for case in triage.open_cases(project) if case.owner == "sales-team"]
    assert 0 < len(sales) < len(everything)
    told = [line for p in found["C0SALES"].parts if "to take" in p.title for line in p.lines]
    assert {line.lead for line in told} <= set(sales)


def test_a_team_of_codeowners_is_the_team_of_headway_yml(tmp_path: Path) -> None:
    write_desk(tmp_path)
    goals = (tmp_path / "goals.yml").read_text()
    assert "sales-team" in goals
    (tmp_path / "goals.yml").write_text(goals.replace("sales-team", "'@shop/sales-team'"))
    assert {letter.message.to for letter in digests(synced(tmp_path))} == {"C0ALL", "C0SALES"}


def test_nowhere_to_send_and_no_such_channel(tmp_path: Path) -> None:
    project = synced(tmp_path)
    with pytest.raises(UnknownName, match="C0NONE"):
        digests(project, "C0NONE")
    (tmp_path / "headway.yml").write_text(SETTINGS)
    with pytest.raises(ConfigError, match="where messages go"):
        digests(opened(tmp_path))


def fail_the_test_of_orders(folder: Path) -> None:
    path = folder / "target/run_results.json"
    said: dict[str, Any] = json.loads(path.read_text())
    said["results"][0]["status"] = "fail"
    said["metadata"]["generated_at"] = "2026-11-28T05:00:00Z"
    path.write_text(json.dumps(said))


def test_what_changed_since_the_last_one(tmp_path: Path, server: SlackServer) -> None:
    project = synced(tmp_path, server=server)
    assert part(message(project), "What changed") == [
        " | Nothing is known of a week ago: this is the first digest, and nothing had been synced by then."
    ]
    assert [d.outcome for d in send(project, digests(project), dry_run=False)] == ["sent", "sent"]
    goals = GOALS.replace("value: 46}", "value: 46}, {date: 2026-11-26, value: 49}").replace(
        "target: 200", "target: 300"
    )
    (tmp_path / "goals.yml").write_text(goals)
    fail_the_test_of_orders(tmp_path)
    later = DAY + timedelta(days=7)
    triage.keep(opened(tmp_path), [triage.open_cases(project)[0].item.handle], by="analytics", reason="needed")
    project = synced(tmp_path, server=server, day=later)
    said = message(project)
    assert said.key.endswith("2026-W48")
    changed = part(said, "What changed since 22 Nov")
    assert "46 → 49" in next(line for line in changed if line.startswith("Happy customers"))
    revenue = next(line for line in changed if line.startswith("Revenue"))
    assert "cannot be trusted any more" in revenue
    assert "target 200 → 300" in revenue
    assert " | 1 decision about findings." in changed
    assert any("orders" in line for line in part(said, "Numbers that cannot be trusted"))
    assert "cannot be trusted" in said.lead
    assert [d.outcome for d in send(project, digests(project), dry_run=False)] == ["sent", "sent"]
    assert all(invalid(post) == "" for post in server.posts)


def test_nothing_changed_is_said(tmp_path: Path, server: SlackServer) -> None:
    project = synced(tmp_path, server=server)
    list(send(project, digests(project), dry_run=False))
    project = opened(tmp_path, DAY + timedelta(days=1))
    assert part(message(project), "What changed since 22 Nov") == [" | Nothing."]


def test_five_hundred_findings(tmp_path: Path, server: SlackServer) -> None:
    write_desk(tmp_path)
    made = manifest()
    goals = GOALS.replace("objectives:\n", "objectives:\n" + "".join(_objective(n) for n in range(250)))
    for n in range(500):
        made["exposures"][f"exposure.shop.board_{n}"] = {
            "unique_id": f"exposure.shop.board_{n}",
            "name": f"board_{n}_with_a_rather_long_name_that_says_nothing",
            "type": "dashboard",
            "resource_type": "exposure",
            "package_name": "shop",
            "depends_on": {"nodes": ["model.shop.forgotten"]},
        }
    (tmp_path / "target/manifest.json").write_text(json.dumps(made))
    (tmp_path / "goals.yml").write_text(goals)
    project = synced(tmp_path, server=server)
    assert len(triage.open_cases(project)) >= 500
    done = list(send(project, digests(project, "C0ALL"), dry_run=False))
    assert [d.outcome for d in done] == ["sent"], done
    (post,) = server.posts
    assert invalid(post) == ""
    assert " more" in json.dumps(post["blocks"])


def _objective(n: int) -> str:
    return (
        f"  - {{id: o{n}, title: 'Objective {n} <of> many & more', owner: sales-team, period: 2026-Q4,\n"
        f"     key_results: [{{id: k{n}, title: Key result {n}, metric: revenue, baseline: 1, target: 2}}]}}\n"
    )


def test_the_command_prints_and_sends_once(
    tmp_path: Path, server: SlackServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(tmp_path, server=server)
    monkeypatch.setenv("HEADWAY_SLACK_TOKEN", TOKEN)
    arguments = ["digest", "--project-dir", str(tmp_path), "--to", "C0ALL"]
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Goals this week, 22 Nov\n")
    assert "* Revenue: not measured" in out
    assert "Nothing was sent; --send does." in err
    assert server.calls == []
    server.next = [("error", "is_archived")]
    assert run([*arguments, "--send"]) == 2
    assert "is_archived" in capsys.readouterr().err
    assert run([*arguments, "--send"]) == 0
    assert run([*arguments, "--send"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "same: C0ALL: Goals this week, 22 Nov was sent on" in err
    assert len(server.posts) == 1
