import os
import signal
import threading
import time

import pytest

from gpae.runs import StopRequest
from gpae.runs.deadline import Deadline


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_flag_and_nothing_else(number: signal.Signals) -> None:
    heard: list[str] = []
    with StopRequest(heard.append) as stop:
        assert not stop.requested
        assert stop.reason is None
        os.kill(os.getpid(), number)
        assert stop.requested
        assert stop.reason == number.name
    assert heard == [number.name]


def test_a_second_ctrl_c_interrupts() -> None:
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.reason == "SIGINT"


def test_ctrl_c_after_sigterm_interrupts_but_a_second_sigterm_waits() -> None:
    heard: list[str] = []
    with StopRequest(heard.append) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.reason == "SIGTERM"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert heard == ["SIGTERM"]


def test_handlers_are_restored_even_after_an_error() -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    before = handlers()
    with StopRequest():
        during = handlers()
    assert handlers() == before
    assert all(new != old for new, old in zip(during, before, strict=True))
    with pytest.raises(ZeroDivisionError), StopRequest():
        _ = 1 / 0
    assert handlers() == before


def test_outside_the_main_thread_only_request_stops() -> None:
    reasons: list[str | None] = []

    def loop() -> None:
        with StopRequest() as stop:
            reasons.append(stop.reason)
            stop.request("deadline")
            reasons.append(stop.reason)

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join()
    assert reasons == [None, "deadline"]


def test_a_deadline_that_has_passed_asks_for_a_stop_and_calls_nobody() -> None:
    heard: list[str] = []
    begun = time.time()
    early, late = Deadline.of("1m", since=begun - 59.0), Deadline.of("1m", since=begun - 61.0)
    with StopRequest(heard.append, early) as stop:
        assert not stop.requested
    with StopRequest(heard.append, late) as stop:
        assert stop.requested
        assert stop.reason == "the budget of 1m is spent"
    assert heard == []


def test_a_signal_before_the_deadline_remains_the_reason() -> None:
    with StopRequest(deadline=Deadline.of("1s", since=time.time() - 2.0)) as stop:
        stop.request("SIGTERM")
        assert stop.requested
        assert stop.reason == "SIGTERM"


def test_no_budget_has_no_deadline() -> None:
    assert Deadline.of(None) is None
