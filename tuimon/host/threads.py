"""Threads for calls that may block for ever.

Rule: a call that was given up leaves its thread behind and takes nobody's place; no thread here keeps the
process from ending.
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, Protocol, TypeVar

from tuimon.model.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")

_LEFT_BEHIND = 256
"""Threads that may be stuck; beyond that there are fewer for the others."""

PATIENCE = 5.0
"""Seconds for one look at a file system."""

_Call = tuple["Future[Any]", Callable[[], Any]]


class Blocking(Protocol):
    """How a host is asked for what may block: see `LocalHost.blocking`."""

    async def __call__(self, call: Callable[[], T], timeout: float = PATIENCE, path: str = "") -> T | Failure:
        """Call it elsewhere, about `path` if it is about one."""


class Threads(Executor):
    """At most `most` calls at a time, those not counted that were given up."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._running = self._stuck = self._idle = self._waiting = 0

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have it called by the next thread that is free."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting += 1
        self._calls.put((future, lambda: call(*args, **kwargs)))
        self._reinforce()
        return future

    def give_up(self, future: "Future[Any]") -> None:
        """Nobody waits for this call any more: another thread may take its thread's place."""
        if future.cancel() or future.done():
            return
        with self._lock:
            if self._stuck >= _LEFT_BEHIND:
                return
            self._stuck += 1
        future.add_done_callback(self._returned)
        self._reinforce()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end that are free; who is stuck is left behind, and never waited for."""
        with self._lock:
            running = self._running
        for _ in range(running):
            self._calls.put(None)

    def _returned(self, future: "Future[Any]") -> None:
        with self._lock:
            self._stuck -= 1

    def _reinforce(self) -> None:
        with self._lock:
            if self._waiting <= self._idle or self._running - self._stuck >= self._most:
                return
            self._running += 1
            number = self._running
        threading.Thread(target=self._work, name=f"{self._name}_{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._running - self._stuck > self._most:  # the stuck one whose place we took is back
                    self._running -= 1
                    return
                self._idle += 1
            job = self._calls.get()
            with self._lock:
                self._idle -= 1
                self._waiting -= job is not None
            if job is None:
                return
            future, call = job
            if future.set_running_or_notify_cancel():
                with contextlib.suppress(Exception):  # whoever gave it up does not ask what it said
                    _carry_out(future, call)
            del future, call, job


def _carry_out(future: "Future[Any]", call: Callable[[], Any]) -> None:
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
