"""Taking up another configuration, and leaving the running one alone when the other is bad."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from exporter.cli.configuration import load_again
from exporter.cli.reload import Reloader, Watch, Watched
from exporter.clock import Clock
from exporter.config import Config, ConfigError, load
from exporter.poller import Shard
from exporter.telemetry import Telemetry

from .test_processes import LOOPBACK, running, wait_for

if TYPE_CHECKING:
    from .conftest import Configure


class Taken:
    """A poller that only notes which configurations it is given."""

    def __init__(self) -> None:
        self.configs: list[Config] = []
        self.came = threading.Event()
        self.error: Exception | None = None

    def reload(self, config: Config) -> None:
        if self.error is not None:
            raise self.error
        self.configs.append(config)
        self.came.set()


def write(file: Path, project: int) -> None:
    file.write_text(f"accounts: [{{user_id: 1, api_token: x, projects: [{{id: {project}}}]}}]\n")


class Setting:
    """A reloader over a file."""

    def __init__(self, file: Path, shard: Shard | None = None) -> None:
        write(file, 5)
        self.file = file
        self.watched = Watched.now(file)
        self.environ: dict[str, str] = {}
        self.poller = Taken()
        self.telemetry = Telemetry(version="1", revision="x")
        self.reloader = Reloader(
            load(file, {}),
            load=lambda: load(file, self.environ),
            poller=self.poller,  # type: ignore[arg-type]
            telemetry=self.telemetry,
            clock=Clock(now=lambda: 1234.0),
            shard=shard,
        )

    def gauge(self, name: str) -> float | None:
        return self.telemetry.registry.get_sample_value(f"quantconnect_exporter_config_{name}")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path / "quantconnect.yaml")


def test_a_good_file_is_taken_up(setting: Setting) -> None:
    assert setting.gauge("last_reload_successful") == 1
    assert setting.gauge("last_reload_success_timestamp_seconds") == 1234.0
    write(setting.file, 6)
    setting.reloader.reload()
    assert [config.accounts[0].projects[0].id for config in setting.poller.configs] == [6]
    assert "id: 6" in setting.reloader.running()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """Messages and fields, the file's directory left out."""
    return [
        (record.getMessage(), {**record.fields, "source": Path(record.fields["source"]).name})  # type: ignore[attr-defined]
        for record in caplog.records
    ]


def test_the_log_says_which_configuration_is_in_force(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO", "exporter")
    setting = Setting(tmp_path / "quantconnect.yaml")
    fields = {"source": "quantconnect.yaml", "accounts": 1, "projects": 1, "discovery": False}
    assert told(caplog) == [("Configuration loaded", fields)]
    caplog.clear()
    setting.file.write_text(
        "accounts: [{user_id: 1, api_token: '${QUANTCONNECT_API_TOKEN}'}]\n",
    )
    setting.environ |= {
        "QUANTCONNECT_USER_ID": "5",
        "QUANTCONNECT_API_TOKEN": "hidden",
        "QUANTCONNECT_API_TOKEN_FILE": "",
        "QUANTCONNECT_PROJECTS": "23456789",
    }
    setting.reloader.reload()
    assert told(caplog) == [
        ("The configuration was reloaded", {**fields, "projects": 0, "discovery": True}),
        (
            "Environment variables are ignored: the configuration file does not refer to them",
            {
                "source": "quantconnect.yaml",
                "variables": "QUANTCONNECT_USER_ID,QUANTCONNECT_PROJECTS",
            },
        ),
    ]
    assert caplog.records[-1].levelname == "WARNING"


def test_the_log_says_which_of_several_shards_this_is(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO", "exporter")
    Setting(tmp_path / "quantconnect.yaml", Shard(0, 1)).reloader.reload()
    assert not any("shard" in fields for _, fields in told(caplog))
    caplog.clear()
    Setting(tmp_path / "quantconnect.yaml", Shard(2, 4)).reloader.reload()
    shares = [(fields["shard"], fields["total_shards"]) for _, fields in told(caplog)]
    assert shares == [(2, 4), (2, 4)]


def test_the_log_says_what_is_hardly_meant(
    caplog: pytest.LogCaptureFixture, setting: Setting
) -> None:
    account = "{{name: {}, user_id: 1, api_token: x}}"
    setting.file.write_text(f"accounts: [{account.format('a')}, {account.format('b')}]\n")
    caplog.clear()
    setting.reloader.reload()
    (said,) = caplog.records
    assert (said.levelname, said.getMessage()) == (
        "WARNING",
        "Another account has the same user_id",
    )
    fields = said.fields  # type: ignore[attr-defined]
    assert (fields["account"], fields["other"]) == ("b", "a")
    assert fields["advice"].startswith("make them one account")


def test_a_bad_file_changes_nothing_but_says_so(setting: Setting) -> None:
    setting.file.write_text("accounts: 5\n")
    with pytest.raises(ConfigError, match="accounts"):
        setting.reloader.reload()
    setting.reloader.reload_quietly()
    assert setting.poller.configs == []
    assert "id: 5" in setting.reloader.running()
    assert setting.gauge("last_reload_successful") == 0
    assert setting.gauge("last_reload_success_timestamp_seconds") == 1234.0
    write(setting.file, 7)
    setting.reloader.reload_quietly()
    assert setting.gauge("last_reload_successful") == 1


@pytest.mark.parametrize("error", [ConfigError("no token"), RuntimeError("can't start new thread")])
def test_what_cannot_be_gone_by_is_as_bad_and_is_said_once(
    setting: Setting, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    setting.poller.error = error
    write(setting.file, 6)
    for _ in range(3):
        with pytest.raises(type(error)):
            setting.reloader.reload()
        assert not setting.reloader.reload_quietly()
    assert "id: 5" in setting.reloader.running()
    assert setting.gauge("last_reload_successful") == 0
    [record] = [r for r in caplog.records if "was not reloaded" in r.getMessage()]
    assert str(error) in record.fields["problem"]  # type: ignore[attr-defined]
    setting.poller.error = None
    assert setting.reloader.reload_quietly()
    assert setting.gauge("last_reload_successful") == 1
    setting.poller.error = error
    assert not setting.reloader.reload_quietly()
    assert len([r for r in caplog.records if "was not reloaded" in r.getMessage()]) == 2


def test_a_watch_tries_again_what_failed_for_want_of_something_else(setting: Setting) -> None:
    watch = Watch(setting.watched, setting.reloader, 60)
    setting.poller.error = ConfigError("the token's file is not there yet")
    write(setting.file, 6)
    for _ in range(2):
        watch.look()
    assert setting.gauge("last_reload_successful") == 0
    setting.poller.error = None
    for _ in range(2):
        watch.look()
    assert len(setting.poller.configs) == 1


def test_a_watch_reloads_once_for_each_other_content(setting: Setting) -> None:
    watch = Watch(setting.watched, setting.reloader, 60)
    watch.look()
    setting.file.touch()
    watch.look()
    assert setting.poller.configs == [], "nothing has changed"
    write(setting.file, 6)
    watch.look()
    watch.look()
    setting.file.unlink()
    watch.look()  # in the middle of a swap
    write(setting.file, 7)
    watch.look()
    assert [config.accounts[0].projects[0].id for config in setting.poller.configs] == [6, 7]


def test_a_watch_sees_what_changed_since_before_the_file_was_loaded(tmp_path: Path) -> None:
    setting = Setting(tmp_path / "quantconnect.yaml")
    write(setting.file, 6)  # the exporter still starts
    Watch(setting.watched, setting.reloader, 60).look()
    assert [config.accounts[0].projects[0].id for config in setting.poller.configs] == [6]


def test_a_change_made_while_the_exporter_starts_is_taken_up(configure: Configure) -> None:
    file = configure("projects: [{id: 21048731, name: One}]")
    automatic = ("--config.enable-auto-reload", "--config.auto-reload-interval", "1s")
    with running(
        "--config.file", str(file), "--web.listen-address", LOOPBACK, *automatic
    ) as exporter:
        # The first line comes after the file was read, and before anything watches it.
        exporter.listens_on("Starting quantconnect-exporter", "level")
        configure("projects: [{id: 21048731, name: Two}]")
        wait_for(f"http://{exporter.listens_on()}/config", "name: Two")
        assert exporter.stop(signal.SIGTERM) == 0


def test_a_watch_bears_a_file_that_goes_while_it_is_looked_at(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Path) -> bytes:
        raise FileNotFoundError

    watch = Watch(setting.watched, setting.reloader, 60)
    write(setting.file, 6)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", gone)
        watch.look()
    assert setting.poller.configs == []
    watch.look()
    assert len(setting.poller.configs) == 1


def test_a_watch_looks_by_itself_until_it_is_stopped(setting: Setting) -> None:
    watch = Watch(setting.watched, setting.reloader, 0.01)
    watch.start()
    write(setting.file, 6)
    assert setting.poller.came.wait(20)
    watch.stop()


def test_a_watch_can_be_stopped_before_it_was_started(setting: Setting) -> None:
    Watch(setting.watched, setting.reloader, 60).stop()


def test_a_running_exporter_reloads_by_signal_http_and_file(configure: Configure) -> None:
    names = [f"name: {name}" for name in ("One", "Two", "Three", "Four")]
    file = configure(f"projects: [{{id: 21048731, {names[0]}}}]")
    automatic = ("--config.enable-auto-reload", "--config.auto-reload-interval", "1s")
    with running(
        "--config.file", str(file), "--web.listen-address", LOOPBACK, *automatic
    ) as exporter:
        url = f"http://{exporter.listens_on()}"
        wait_for(f"{url}/config", names[0])
        configure(f"projects: [{{id: 21048731, {names[1]}}}]")
        wait_for(f"{url}/config", names[1])
        configure(f"projects: [{{id: 21048731, {names[2]}}}]")
        assert requests.post(f"{url}/-/reload", timeout=20).status_code == 200
        wait_for(f"{url}/config", names[2])
        file.write_text("accounts: 5\n")
        answer = requests.post(f"{url}/-/reload", timeout=20)
        assert (answer.status_code, "accounts" in answer.text) == (500, True)
        configure(f"projects: [{{id: 21048731, {names[3]}}}]")
        exporter.send(signal.SIGHUP)
        wait_for(f"{url}/config", names[3])
        wait_for(f"{url}/metrics", "quantconnect_exporter_config_last_reload_successful 1.0")
        assert exporter.stop(signal.SIGTERM) == 0
    assert "The configuration was not reloaded" in exporter.said


def test_a_default_file_that_goes_does_not_make_the_environment_the_configuration(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody moves quantconnect.yaml away, and somebody reloads."""
    monkeypatch.setenv("QUANTCONNECT_USER_ID", "1")
    monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "demo")
    file = configure("projects: [{id: 21048731, name: One}]")
    with running("--web.listen-address", LOOPBACK) as exporter:
        url = f"http://{exporter.listens_on()}"
        file.rename("elsewhere.yaml")
        answer = requests.post(f"{url}/-/reload", timeout=20)
        assert answer.status_code == 500
        assert "quantconnect.yaml: expected a file that can be read" in answer.text
        wait_for(f"{url}/config", "name: One")
        Path("elsewhere.yaml").rename(file)
        assert requests.post(f"{url}/-/reload", timeout=20).status_code == 200
        assert exporter.stop(signal.SIGTERM) == 0


def test_a_current_directory_that_goes_is_nothing_to_an_absolute_path(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = configure("projects: [{id: 21048731, name: One}]")
    going = tmp_path / "going"
    going.mkdir()
    monkeypatch.chdir(going)
    with running("--config.file", str(file), "--web.listen-address", LOOPBACK) as exporter:
        url = f"http://{exporter.listens_on()}"
        going.rmdir()
        configure("projects: [{id: 21048731, name: Two}]")
        assert requests.post(f"{url}/-/reload", timeout=20).status_code == 200
        wait_for(f"{url}/config", "name: Two")
        file.unlink()
        answer = requests.post(f"{url}/-/reload", timeout=20)
        assert answer.status_code == 500
        assert f"{file}: expected a file that can be read, got: No such file" in answer.text
        assert exporter.stop(signal.SIGTERM) == 0


def test_the_environment_stays_the_configuration(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there is a file in the meantime."""
    monkeypatch.setenv("QUANTCONNECT_USER_ID", "1")
    monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "demo")
    configure("projects: [{id: 21048731}]")
    assert load_again(None).source == "environment"


def test_a_configuration_from_a_pipe_is_good_for_a_start(
    configure: Configure, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = configure("projects: [{id: 21048731, name: One}]").read_text()
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    watched = ("--config.enable-auto-reload", "--config.file", str(pipe))
    with running("--web.listen-address", LOOPBACK, *watched) as exporter:
        address = exporter.listens_on()
        writer.join(20)
        for _ in range(2):
            answer = requests.post(f"http://{address}/-/reload", timeout=20)
            assert answer.status_code == 500
            assert "expected a regular file, got a pipe or a device" in answer.text
        assert exporter.stop(signal.SIGTERM) == 0
