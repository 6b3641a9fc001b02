"""``rules`` and ``dashboards``: what they give is what the repository has, changed as asked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import promql_parser
import pytest
import yaml

from exporter import __version__
from exporter.cli import main
from exporter.cli.rules import FILES, PAST, RUNBOOKS
from tests.rules.ruleset import needed

ROOT = Path(__file__).resolve().parents[2]
INFO = "project:quantconnect_project_info:current"


def printed(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert main(["rules", *flags]) == 0
    return capsys.readouterr().out


def all_rules(text: str) -> dict[str, dict[str, Any]]:
    """Each rule by its name and labels."""
    return {
        f"{rule.get('alert') or rule['record']} {rule.get('labels')}": rule
        for group in yaml.load(text, yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
    }


def in_the_repository() -> list[dict[str, Any]]:
    texts = [(ROOT / "prometheus" / "rules" / name).read_text() for name in FILES]
    return [group for text in texts for group in yaml.load(text, yaml.CSafeLoader)["groups"]]


def test_the_default_is_what_the_repository_has(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    assert yaml.load(text, yaml.CSafeLoader)["groups"] == in_the_repository()
    assert {path.name for path in (ROOT / "prometheus" / "rules").iterdir()} == set(FILES)
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert len(comments) > 50


def test_the_rules_for_the_past(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "prometheus" / "past" / PAST
    assert printed(capsys, "--past") == file.read_text()
    late = printed(capsys, "--past", "--day-starts=22:00")
    assert "vector((time() - 79200) % 86400) < 300" in late
    assert "known at 22:00 UTC" in late


def test_the_rules_are_of_this_version(capsys: pytest.CaptureFixture[str]) -> None:
    versions = re.findall(
        r'build_info\{version!="(.+?)"\}|rules have version (\d[\w.]*\w)\.', printed(capsys)
    )
    assert [one or other for one, other in versions] == [__version__] * 2


def test_labels_are_on_every_alert_of_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    default, labelled = (
        all_rules(printed(capsys)),
        all_rules(printed(capsys, "--label", "desk", "--label=owner")),
    )
    assert default.keys() == labelled.keys()
    differ = {name for name in default if default[name] != labelled[name]}
    joined = {name for name, rule in default.items() if f"project) {INFO}" in rule["expr"]}
    assert len(joined) > 25
    assert differ == joined | {name for name in default if name.startswith(INFO)}
    for name in differ:
        assert "account, project, desk, owner)" in labelled[name]["expr"]
        promql_parser.parse(labelled[name]["expr"])


def test_all_labels_of_a_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "quantconnect.yaml"
    file.write_text(
        "defaults: {labels: {owner: kim}}\n"
        "accounts: [{user_id: 1, api_token: t, projects: [{id: 1, labels: {desk: us}}]}]\n"
    )
    flags = f"--config.file={file}"
    named = printed(capsys, "--label=desk", "--label=owner")
    assert printed(capsys, flags) == named
    assert printed(capsys, flags, "--label=desk") == named


def test_a_configuration_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "quantconnect.yaml"
    file.write_text("acounts: []\n")
    assert main(["rules", f"--config.file={file}"]) == 1
    said = capsys.readouterr()
    assert (said.out, "quantconnect.yaml:1" in said.err) == ("", True)


SEVERITIES = """\
log_queries:
  errors: error
  'a "b" \\ c|d': {text: fatal, severity: critical}
  "tab\\tand\\u2028line": {text: x, severity: info}
accounts:
  - {user_id: 1, api_token: t, projects: [{id: 1, log_queries: {lost: {text: y, severity: info}}}]}
"""
MATCHED = """\
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'quantconnect_project_info{job="q", project_id="1"}', values: 1x20}
      - series: 'quantconnect_live_log_lines{job="q", project_id="1", query="errors"}'
        values: 0x5 1x9
      - series: 'quantconnect_live_log_lines{job="q", project_id="1", query="a"}'
        values: 0x5 1x9
      - series: 'quantconnect_live_log_lines{job="q", project_id="1", query="lost"}'
        values: 0x5 1x9
      - series: 'quantconnect_live_log_lines{job="q", project_id="1", query="a \\"b\\" \\\\ c|d"}'
        values: 0x5 1x9
      - series: 'quantconnect_live_log_lines{job="q", project_id="1", query="tab\\tand\\u2028line"}'
        values: 0x5 1x9
    promql_expr_test:
      - expr: count by (severity, query) (ALERTS{alertname=~".+LogQueryMatched"})
        eval_time: 10m
        exp_samples:
          - {labels: '{severity="warning", query="errors"}', value: 1}
          - {labels: '{severity="warning", query="a"}', value: 1}
          - {labels: '{severity="info", query="lost"}', value: 1}
          - {labels: '{severity="critical", query="a \\"b\\" \\\\ c|d"}', value: 1}
          - {labels: '{severity="info", query="tab\\tand\\u2028line"}', value: 1}
"""


@pytest.mark.needs_prometheus
def test_each_log_query_has_the_severity_of_the_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "quantconnect.yaml").write_text(SEVERITIES)
    text = printed(capsys, f"--config.file={tmp_path / 'quantconnect.yaml'}")
    assert text.count("- alert: QuantConnectLogQueryMatched") == 3
    others = [name for name in all_rules(text) if "LogQueryMatched" not in name]
    assert others == [name for name in all_rules(printed(capsys)) if "LogQuery" not in name]
    (tmp_path / "rules.yml").write_text(text)
    (tmp_path / "test.yml").write_text(MATCHED)
    done = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "test.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_configuration_without_severities_changes_no_alert(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "quantconnect.yaml"
    file.write_text("log_queries: {errors: error}\naccounts: [{user_id: 1, api_token: t}]\n")
    assert printed(capsys, f"--config.file={file}") == printed(capsys)


def test_a_day_starts_at_another_time(capsys: pytest.CaptureFixture[str]) -> None:
    default, shifted = (
        all_rules(printed(capsys)),
        all_rules(printed(capsys, "--day-starts", "22:05")),
    )
    differ = {name.split()[0] for name in default if default[name] != shifted[name]}
    assert differ == {"project:quantconnect_live_equity:day_open", "QuantConnectDailyLossHigh"}
    (opens,) = (shifted[name]["expr"] for name in shifted if "day_open" in name)
    assert opens.count("(time() - 79500) % 86400") == opens.count("% 86400") == 1
    assert (opens.count("offset -79500s"), opens.count("offset 79500s")) == (3, 1)
    assert "86400s" not in opens
    assert "since 22:05 UTC" in str(shifted)
    assert "00:00 UTC" not in str(shifted)


def test_runbooks_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://wiki.example.com/trading"
    default, other = printed(capsys), printed(capsys, "--runbooks", url)
    assert other == default.replace(RUNBOOKS, url)
    assert "github.com" not in other
    assert f"runbook_url: {url}#quantconnectexporterdown" in other


@pytest.mark.needs_prometheus
def test_they_load_whatever_the_flags(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(printed(capsys, "--label", "desk", "--day-starts", "22:00"))
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


DAY = """\
rule_files: [rules.yml]
evaluation_interval: 5m
tests:
  - interval: 5m
    input_series:
      - series: 'quantconnect_project_info{job="q", project_id="1", project="A", desk="asia"}'
        values: '1x400'
      - series: 'quantconnect_live_status{job="q", project_id="1", status="Running"}'
        values: '1x400'
      # 100 until 23:00, then 90: a loss of the day that began at 22:00, or at 00:00 until midnight.
      - series: 'quantconnect_live_equity{job="q", project_id="1", account_currency="USD"}'
        values: '100x275 90x125'
    promql_expr_test:
      - expr: round(project:quantconnect_profit:today)
        eval_time: 26h
        exp_samples: [{labels: '{job="q", project_id="1", account_currency="USD"}', value: L}]
      - expr: count by (desk) (ALERTS{alertname=~".+DailyLossHigh", alertstate="firing"})
        eval_time: 23h40m
        exp_samples: [{labels: '{desk="asia"}', value: 1}]
"""


@pytest.mark.needs_prometheus
@pytest.mark.parametrize(("starts", "loss"), [("00:00", "0"), ("22:00", "-10")])
def test_the_day_and_the_desk_in_promtool(
    starts: str, loss: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = printed(capsys, "--label", "desk", "--day-starts", starts)
    asked = "project:quantconnect_profit:today QuantConnectDailyLossHigh"
    (tmp_path / "rules.yml").write_text(needed(asked, [text]))
    (tmp_path / "test.yml").write_text(DAY.replace("value: L}", f"value: {loss}}}"))
    done = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "test.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--label=job", "--label: "),
        ("--label=2nd", "--label: "),
        ("--label=project", "--label: "),
        ("--day-starts=24:00", "--day-starts: expected HH:MM (UTC), the minutes a multiple of 5"),
        ("--day-starts=22:03", "--day-starts: expected HH:MM (UTC), the minutes a multiple of 5"),
        ("--day-starts=9", "--day-starts: expected HH:MM (UTC), the minutes a multiple of 5"),
        ("--runbooks=wiki", "--runbooks: expected an http:// or https:// URL without #"),
        ("--runbooks=https://a/b#c", "--runbooks: expected an http:// or https:// URL without #"),
    ],
)
def test_what_is_wrong_is_said(capsys: pytest.CaptureFixture[str], flag: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", flag])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_dashboards_are_those_of_the_repository(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    assert main(["dashboards", "--output", str(folder)]) == 0
    ours = {path.name: path for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert {path.name for path in folder.iterdir()} == set(ours)
    assert all((folder / name).read_bytes() == path.read_bytes() for name, path in ours.items())
    assert capsys.readouterr().out.split() == [str(folder / name) for name in sorted(ours)]


def test_a_folder_that_is_none_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["dashboards", "--output", str(tmp_path / "file" / "folder")]) == 1
    err = capsys.readouterr().err
    assert "Cannot write the dashboards" in err
    assert "Not a directory" in err


def test_the_wheel_has_them(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    assert {f"exporter/rules/{name}" for name in FILES} <= names
    assert f"exporter/past/{PAST}" in names
    assert {
        f"exporter/dashboards/{path.name}" for path in (ROOT / "grafana/dashboards").glob("*.json")
    } <= names
