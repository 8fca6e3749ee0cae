"""Begin anew: only with a configuration that would start, and after the work at hand."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from procrastinate import App, testing

from core import reloading
from core.management.commands import worker

SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def trials(monkeypatch):
    """What the next trials complain of, in turn."""
    faults: list[str] = []
    monkeypatch.setattr(reloading, "faults_of_a_trial", lambda: faults.pop(0))
    return faults


@pytest.fixture
def app():
    """An app whose queue is in memory, and whose one job says that a worker works."""
    made = App(connector=testing.InMemoryConnector())

    @made.task(name="tell")
    async def tell(number: int) -> None:
        os.kill(os.getpid(), number)

    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield made
    for each, handler in before.items():
        signal.signal(each, handler)


async def _told(app: App, *signals: int) -> bool:
    async with app.open_async():
        for number in signals:
            await app.configure_task("tell").defer_async(number=int(number))
    return await worker._work(app)


def test_sighup_ends_the_work_and_begins_anew(app, trials):
    trials.append("")
    assert asyncio.run(_told(app, signal.SIGHUP)) is True


def test_sigterm_ends_the_work_for_good(app, trials):
    assert asyncio.run(_told(app, signal.SIGTERM)) is False


def test_refused_configuration_stops_nothing(app, trials, monkeypatch):
    """The first trial complains: the worker works on, and hears the next signal."""
    trials.extend(["a wrong value", ""])

    def complained() -> str:
        if len(trials) == 2:
            os.kill(os.getpid(), signal.SIGHUP)
        return trials.pop(0)

    monkeypatch.setattr(reloading, "faults_of_a_trial", complained)
    assert asyncio.run(_told(app, signal.SIGHUP)) is True
    assert trials == []


def test_stop_during_a_trial_has_the_last_word(app, monkeypatch):
    def passed() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return ""

    monkeypatch.setattr(reloading, "faults_of_a_trial", passed)
    assert asyncio.run(_told(app, signal.SIGHUP)) is False


def test_stop_that_comes_as_it_begins_anew_is_heard(app):
    async def finish() -> bool:
        stop, reload_ = asyncio.create_task(worker._stop()), asyncio.create_task(asyncio.sleep(0))
        await reload_
        os.kill(os.getpid(), signal.SIGTERM)
        return await worker._is_to_begin_anew(stop, reload_)

    assert asyncio.run(finish()) is False


@pytest.mark.parametrize(
    ("program", "faults"),
    [
        ("import sys; assert sys.argv[1] == '--check-config'", ""),
        ("import sys; sys.exit('KEY is missing')", "KEY is missing"),
        ("raise SystemExit(1)", "It does not start."),
    ],
)
def test_trial_tells_what_it_complains_of(monkeypatch, program, faults):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", program])
    assert reloading.faults_of_a_trial() == faults


def test_trial_that_never_ends_is_a_fault(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(reloading, "TRIAL_TIMEOUT_S", 0.1)
    assert reloading.faults_of_a_trial() == "It did not start within 0.1 s."


class Became(Exception):
    """Instead of another program."""


def test_process_becomes_what_was_started(monkeypatch):
    def become(*given: object) -> None:
        raise Became(*given)

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "strongroom", "x"])
    with pytest.raises(Became) as became:
        reloading.begin_anew()
    assert became.value.args == (sys.executable, [sys.executable, "-m", "strongroom", "x"])
