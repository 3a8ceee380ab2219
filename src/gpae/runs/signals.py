"""Requests to stop, by signal or by a deadline, that a run follows at a moment of its choosing."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from gpae.runs.deadline import Deadline

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Remembers that a signal or a deadline came, so that a loop can finish its update and save.

    Ctrl-C after the first request raises ``KeyboardInterrupt`` at once: whoever presses it again
    does not want to wait. Outside the main thread, where Python allows no handlers, it installs
    none and only :meth:`request` can set it.

    Example:
        >>> with StopRequest() as stop:
        ...     while not stop.requested:
        ...         stop.request("example")
        >>> stop.reason
        'example'

    Args:
        notify: Called once, with the signal's name, as the first request arrives. A deadline that
            passes calls nothing: whoever asks is about to stop.
        deadline: From when on a stop is asked for; never if None.
    """

    def __init__(
        self,
        notify: Callable[[str], None] | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self._notify = notify
        self._deadline = deadline
        self._reason: str | None = None
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """True once a stop has been asked for, or the deadline has passed."""
        if self._reason is None and self._deadline is not None and self._deadline.passed:
            self._reason = self._deadline.reason
        return self._reason is not None

    @property
    def reason(self) -> str | None:
        """The first signal's name, such as ``"SIGTERM"``, or words about the deadline, or None."""
        return self._reason

    def request(self, reason: str) -> None:
        """Ask for a stop; later requests change nothing."""
        if self._reason is None:
            self._reason = reason
            if self._notify is not None:
                self._notify(reason)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.request(signal.Signals(number).name)
