"""Actions from the keyboard in a real terminal: real services reloaded, stopped and started.

Rule: what is asserted is what a person sees, and what became of the processes.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fixtures import Pki
from tests.ui.fed import FedWorld
from tests.ui.terminal import Terminal
from tuimon.model.action import Action, Door, Outcome, Preflight, Result, Route
from tuimon.ui.screens.action import ActionScreen
from tuimon.ui.screens.actions import ActionsScreen

pytestmark = pytest.mark.pty

RIGHT, LEFT = "\x1b[C", "\x1b[D"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """`tuimon demo`, with an action log of its own; each test leaves it at the first screen."""
    environment = {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}
    with Terminal("demo", size=(120, 50), environment=environment) as terminal:
        terminal.sees(
            r"DOWN testserver", r"WARN +edi-in +renewed on disk", r"OK +as2", r"OK +web", seconds=60
        )
        yield terminal


@pytest.fixture
def window(demo: Terminal) -> Iterator[Terminal]:
    """The rows of `edi-in` alone."""
    demo.press("/", "edi-in", "enter")
    demo.until(lambda: not demo.line(r"OK +web"))
    demo.press("g")
    yield demo
    demo.press("/", "esc")
    demo.sees(r"OK +web")


@pytest.fixture(scope="module")
def config(demo: Terminal) -> str:
    """The configuration of `edi-in` and `as2` in this demo's folder."""
    of_ours = psutil.Process(demo.process.pid).children(recursive=True)
    (found,) = {word for each in of_ours for word in each.cmdline() if word.endswith("/edi.conf")}
    return found


def pids(config: str) -> list[int]:
    """The processes that run a configuration."""
    return [each.pid for each in psutil.process_iter(["cmdline"]) if config in (each.info["cmdline"] or [])]


def ready(terminal: Terminal, word: str) -> None:
    """Wait until the dialog offers `word`, and takes it: a key moves the brackets."""

    def moved() -> bool:
        terminal.press(RIGHT)
        return bool(terminal.line(rf"\[ {word} \]"))

    terminal.until(moved)


def close(terminal: Terminal) -> None:
    """Leave the dialog, and wait until it is gone."""
    terminal.sees(r"\[ Close \]")
    terminal.press("enter")
    terminal.until(lambda: not terminal.line(r"\[ Close \]"))


def test_a_renewed_certificate_is_reloaded_and_proved(window: Terminal, config: str) -> None:
    """r, the other word, enter: the dialog says what will change, and what came of it."""
    window.sees(r"WARN +edi-in +renewed on disk")
    (pid,) = pids(config)
    window.press("r")
    window.sees(
        rf"command +kill -HUP {pid}",
        r"touches +2 services, .*edi-in",
        r"certificate of \[edi-in\]",
        r"\[ Cancel \] +Reload",
    )
    ready(window, "Reload")
    window.press("enter")
    window.sees(r"reloaded in \d+\.\d s; serving the new certificate, 89 days left; 2 of 2 services answer")
    close(window)
    window.sees(r"OK +edi-in")
    assert pids(config) == [pid]


def test_reload_from_the_certificates_asks_for_every_instance_that_uses_it(demo: Terminal) -> None:
    """3, r: the services that hold it are named, in however many processes they run; esc does nothing."""
    demo.press("3", "/", "mail.corp", "enter")
    demo.sees(r"mail\.corp\.example .*mail, smtp-out")
    demo.press("g", "r")
    demo.sees(
        r"reload on ",
        r"/gateway\.conf +pid \d+",
        r"/branch\.conf +pid \d+",
        r"\[ Cancel \] +Reload 2 instances",
    )
    demo.press("esc")
    demo.until(lambda: not demo.line(r"\[ Cancel \]"))
    demo.press("/", "esc")
    demo.sees(r"billing\.corp\.example")
    demo.press("1")
    demo.sees(r"OK +web")


def test_the_dialog_stands_on_cancel_and_drops_what_was_typed_ahead(window: Terminal, config: str) -> None:
    """Everything at once, as after a slow connection: nothing is stopped; enter alone cancels."""
    before = pids(config)
    window.press("x" + RIGHT + "\r" + RIGHT + "\r")
    window.sees(r"note +\d+ sessions? will be cut|touches", r"\[ Cancel \] +Stop")
    ready(window, "Stop")
    window.press(LEFT)
    window.sees(r"\[ Cancel \]")
    window.press("enter")
    window.until(lambda: not window.line(r"Cancel"))
    assert pids(config) == before != []


def test_stopped_on_purpose_is_off_and_comes_back(window: Terminal, config: str) -> None:
    """x, then s: both are proved, and both stand in the action log."""
    window.press("x")
    ready(window, "Stop")
    window.press("enter")
    window.sees(r"stopped in \d+\.\d s; no process runs it any more")
    assert pids(config) == []
    close(window)
    window.sees(r"OFF +edi-in +stopped at \d\d:\d\d by root", r"2 off")
    environment = {"XDG_STATE_HOME": window.state}
    with Terminal(config, size=(120, 36), environment=environment, as_left=True) as another:
        another.sees(r"OFF +edi-in +stopped at \d\d:\d\d by root")  # whoever looks, and whenever
    window.press("s")
    ready(window, "Start")
    window.press("enter")
    window.sees(r"started in \d+\.\d s; .*2 of 2 services answer")
    assert len(pids(config)) == 1
    close(window)
    window.press("a")
    window.sees(
        r"● \d+ \w+ \S+ +start .*edi\.conf", r"● \d+ \w+ \S+ +stop .*edi\.conf", r"root.*: kill -TERM \d+"
    )
    window.press("esc")
    window.sees(r"OK +edi-in")


def test_many_are_acted_on_in_order_and_a_refused_one_is_left_out(demo: Terminal) -> None:
    """All marked: the file that stunnel would refuse is named and left alone, the others are reloaded."""
    demo.press("*", "r")
    demo.sees(r"REFUSED", r"\[ Cancel \] +Reload \d instances")
    ready(demo, r"Reload \d instances")
    demo.press("enter")
    demo.sees(r"reloaded in .* services? answers?", r"left out, it was refused", r"\[ Close \]", seconds=60)
    close(demo)
    demo.press("u")


def test_who_leaves_the_dialog_in_the_middle_ends_nothing(demo: Terminal) -> None:
    """Esc while several are reloaded: each is done to its end, proved and told."""
    demo.press("*", "r")
    ready(demo, r"Reload \d instances")
    demo.press("enter")
    demo.sees(r"\[ Close, let it go on \]")
    demo.press("esc")
    demo.until(lambda: not demo.line(r"let it go on"))
    demo.press("u")
    demo.sees(r"\d of \d instances reloaded", seconds=60)  # told in passing
    demo.press("a")
    demo.until(lambda: not demo.line("its end was never told") and len(begun(demo)) >= 2)
    demo.press("esc")
    demo.sees(r"OK +web")


def begun(terminal: Terminal) -> list[str]:
    """The reloads on the page of actions."""
    return [line for line in terminal.lines if " reload " in line]


def test_read_only_refuses_in_words(config: str) -> None:
    """The keys are there, and say why nothing is done."""
    before = pids(config)
    with Terminal("--read-only", config, size=(80, 24)) as terminal:
        terminal.sees(r"edi-in")
        terminal.press("R")
        terminal.sees(r"/edi\.conf +pid \d+", r"REFUSED +tuimon was told to change nothing", r"\[ Close \]")
    assert pids(config) == before


def test_a_report_that_is_longer_than_the_screen_can_be_read_and_what_may_be_chosen_stays(
    tmp_path: Path,
) -> None:
    """All instances on 80x24, page by page."""
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal("demo", size=(80, 24), environment=environment) as terminal:
        terminal.sees(r"DOWN testserver", r"WARN +edi-in", seconds=60)
        terminal.press("*", "r")
        terminal.sees(r"\[ Cancel \] +Reload \d instances")
        named: set[str] = set()

        def read() -> bool:
            named.update(re.findall(r"/([\w.]+)\.conf +(?:pid|no process)", "\n".join(terminal.lines)))
            assert terminal.line(r"\[ Cancel \] +Reload \d instances")
            terminal.press("\x1b[6~")
            return {"gateway", "edi", "branch", "cache"} <= named

        terminal.until(read)


async def test_an_outcome_is_told_though_another_dialog_is_open(pki: Pki) -> None:
    """That of the action itself shows it, and nobody else does."""
    world = FedWorld(pki)
    world.begin()
    world.probed(world.good())
    app, over = world.app(), asyncio.Event()
    key = world.key().instance
    outcome = Outcome(key, Action.RELOAD, Result.VERIFIED, "reloaded in 0.1 s")

    async def carry_out(*_: object) -> list[Outcome]:
        await over.wait()
        return [outcome]

    async with app.run_test(size=(80, 24)) as pilot:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app.runtime, "carry_out", carry_out)
            told: list[str] = []
            patch.setattr(app, "notify", lambda text, **_: told.append(text))
            for watched in (False, True):
                over.clear()
                door = Door(Route.DIRECT)
                preflight = Preflight(key, Action.RELOAD, door, "here")
                dialog = ActionScreen((key,), Action.RELOAD)
                await app.push_screen(dialog)
                if watched:
                    dialog._carry_out((preflight,))
                else:
                    app.carry_out((preflight,), elevated=False)
                await pilot.pause()
                over.set()
                await asyncio.gather(*(each.wait() for each in app.workers if each.group == "actions"))
                await pilot.pause()
                assert told == [outcome.text]
                await app.pop_screen()


async def test_what_comes_when_a_dialog_was_left_is_for_nobody(pki: Pki) -> None:
    """A screen that is left loses what is in it before its workers end: by then a preflight, an outcome or
    the action log may have come."""
    world = FedWorld(pki)
    world.begin()
    world.probed(world.good())
    app, key = world.app(), world.key().instance
    found = Preflight(key, Action.RELOAD, Door(Route.DIRECT), "here")
    came: dict[str, object] = {
        "preflight": found,
        "carry_out": [Outcome(key, Action.RELOAD, Result.VERIFIED, "reloaded")],
        "action_log": (),
    }
    async with app.run_test(size=(80, 24)) as pilot:
        for awaited, answer in came.items():
            over = asyncio.Event()

            async def late(*_: object, over: asyncio.Event = over, answer: object = answer) -> object:
                await over.wait()
                return answer

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(app.runtime, awaited, late)
                screen = ActionsScreen() if awaited == "action_log" else ActionScreen((key,), Action.RELOAD)
                await app.push_screen(screen)
                if awaited == "carry_out":
                    assert isinstance(screen, ActionScreen)
                    screen._carry_out((found,))
                await pilot.pause()
                await screen.query("*").remove()
                over.set()
                await asyncio.gather(*(each.wait() for each in app.workers if each.node is screen))
                await app.pop_screen()
        assert app.is_running
