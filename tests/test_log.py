from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import log as logs
from exporter.log import FORMATS, LEVELS, LINES, Log, configure, flush

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME = r"ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 "


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("exporter")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    raises = logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.raiseExceptions = raises


class Stream(io.StringIO):
    def getvalue(self) -> str:
        flush()
        return super().getvalue()


def written(*, level: str = "debug", form: str = "logfmt") -> Stream:
    stream = Stream()
    configure(level=level, format=form, stream=stream)
    return stream


log = Log("exporter.tests")


def test_a_line_of_logfmt() -> None:
    stream = written()
    log.info(
        "Reading failed",
        project_id=7,
        project="US momentum",
        wait=0.25,
        on=True,
        none=None,
        empty="",
    )
    line = stream.getvalue()
    assert re.fullmatch(
        TIME + r'level=info msg="Reading failed" project_id=7 project="US momentum" wait=0\.25'
        r' on=true none=None empty=""\n',
        line,
    )


def test_a_line_of_json() -> None:
    stream = written(form="json")
    log.warning("Reading failed", project="é", path=Exception("x"))
    fields = json.loads(stream.getvalue())
    assert re.fullmatch(TIME, f"ts={fields.pop('ts')} ")
    assert fields == {"level": "warn", "msg": "Reading failed", "project": "é", "path": "x"}


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_below_the_level_is_not_written(level: str) -> None:
    stream = written(level=level)
    for write in (log.debug, log.info, log.warning, log.error):
        write("Said")
    seen = re.findall(r"level=(\w+)", stream.getvalue())
    assert seen == list(LEVELS)[list(LEVELS).index(level) :]


def test_libraries_are_heard_from_warnings_up() -> None:
    stream = written()
    logging.getLogger("some.library").info("Quiet")
    logging.getLogger("some.library").warning("Loud %s", "x")
    logging.getLogger("urllib3.connection").warning("Failed to parse headers: %s", "a signature")
    assert re.fullmatch(TIME + r'level=warn msg="Loud x"\n', stream.getvalue())


def test_an_exception_has_its_traceback_on_the_same_line() -> None:
    stream = written()
    try:
        int("what")
    except ValueError:
        log.exception("A fault", call="status")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert 'level=error msg="A fault" call=status traceback="Traceback (most recent' in line
    assert "ValueError: invalid literal" in line


def test_a_second_configuration_replaces_the_first() -> None:
    first = written()
    second = written(form="json")
    log.error("Said")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["msg"] == "Said"


def test_a_stream_that_fails_is_no_second_fault(capsys: pytest.CaptureFixture[str]) -> None:
    stream = written()
    stream.close()
    log.error("Said")
    flush()
    assert capsys.readouterr().err == ""


def test_stderr_is_where_logs_go(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", format="logfmt")
    log.info("Said")
    flush()
    captured = capsys.readouterr()
    assert (captured.out, "msg=Said" in captured.err) == ("", True)


# A terminal's colours, two ways to begin them, and a sign that turns what follows around.
ODD = "Zürich\x1b[31m\x9b31m\u202eevil\U0001f600"


@pytest.mark.parametrize("form", FORMATS)
def test_signs_that_change_how_a_line_looks_are_escaped(form: str) -> None:
    stream = written(form=form)
    log.info("Said", value=ODD)
    line = stream.getvalue()
    assert line.endswith(r"\u202eevil\ud83d\ude00" + ('"}\n' if form == "json" else '"\n'))
    assert r"\u001b[31m\u009b31m" in line


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_whatever_the_terminal_has(encoding: str) -> None:
    """Standard error escapes what its encoding lacks, with escapes that JSON does not have."""
    out = io.BytesIO()
    stream = io.TextIOWrapper(out, encoding=encoding, errors="backslashreplace")
    configure(level="debug", format="json", stream=stream)
    log.info("Said", value=ODD)
    flush()
    assert json.loads(out.getvalue())["value"] == ODD


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(), form=st.sampled_from(FORMATS))
def test_no_value_breaks_its_line(value: str, form: str) -> None:
    stream = written(form=form)
    log.info("Said", value=value)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line.removesuffix("\n").isprintable()
    if form == "json":
        assert json.loads(line)["value"] == value
    else:
        quoted = line.split(" value=", 1)[1].removesuffix("\n")
        assert (json.loads(quoted) if quoted.startswith('"') else quoted) == value


class Pipe(Stream):
    """Takes nothing until it is drained, as a pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.drained = threading.Event()

    def write(self, text: str) -> int:
        self.drained.wait()
        return super().write(text)


def test_a_stream_that_takes_nothing_holds_nobody_up_and_what_it_lost_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "FLUSH", 0.01)
    pipe = Pipe()
    configure(level="info", format="json", stream=pipe)
    for number in range(LINES + 51):
        log.info("Said", number=number)
    flush()
    pipe.drained.set()
    monkeypatch.undo()
    pipe.getvalue()
    log.info("Said afterwards")
    lines = [json.loads(line) for line in pipe.getvalue().splitlines()]
    said = [line["number"] for line in lines if line["msg"] == "Said"]
    assert said == list(range(len(said)))
    assert len(said) in (LINES, LINES + 1)
    lost = [line for line in lines if line["msg"].startswith("Lines of the log are lost")]
    assert sum(line["lines"] for line in lost) == LINES + 51 - len(said)
    assert lines[-1]["msg"] == "Said afterwards"


def test_a_pipe_that_is_full_keeps_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its end Python flushes stderr: while the log waited in it, that never returned."""
    monkeypatch.setattr(logs, "FLUSH", 0.01)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "w", encoding="ascii") as stream:
        configure(level="info", format="json", stream=stream)
        log.info("Größer als die Pipe" * 10_000)
        flush()  # which gives up
        flushing = threading.Thread(target=stream.flush, daemon=True)
        flushing.start()
        flushing.join(60)
        assert not flushing.is_alive()
        monkeypatch.undo()
        said = b""
        while not said.endswith(b"\n"):
            said += os.read(reader, 1 << 16)
        flush()
    assert json.loads(said)["msg"] == "Größer als die Pipe" * 10_000


def test_what_a_full_disk_lost_is_told_when_it_has_room() -> None:
    class Disk(Stream):
        full = True

        def flush(self) -> None:
            if self.full:
                self.seek(0)
                self.truncate()
                raise OSError(28, "No space left on device")

    disk = Disk()
    configure(level="info", format="json", stream=disk)
    log.info("Not written")
    log.info("Not written either")
    flush()
    disk.full = False
    log.info("Said")
    lost, said = (json.loads(line) for line in disk.getvalue().splitlines())
    assert (lost["lines"], said["msg"]) == (2, "Said")
