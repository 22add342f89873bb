"""Keys given other actions: refused where two would meet, true on the screen, shown in hints and help."""

from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.widget import Widget

from tests.fixtures import Pki
from tests.ui.fed import FedWorld
from tests.ui.painted import painted
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp
from tuimon.ui.keymap import CONTEXTS, Keymap, problems, spelt
from tuimon.ui.keys import APP, TABLES
from tuimon.ui.widgets.table import Table

IDS = {key.id: key for table in TABLES for key in table}


def wrong(**wanted: str | tuple[str, ...]) -> list[tuple[str, str]]:
    """`list__sort="S"` asks for S to sort."""
    told = {
        name.replace("__", "."): (keys,) if isinstance(keys, str) else keys for name, keys in wanted.items()
    }
    return list(problems(told))


def test_every_id_is_there_once_and_the_defaults_do_not_meet() -> None:
    """In no place do two actions share a key."""
    assert len(IDS) == sum(map(len, TABLES))
    for where, keys in CONTEXTS.items():
        users = [(each, key.id) for key in keys for each in key.keys.split(",")]
        assert len({each for each, _ in users}) == len(users), (where, sorted(users))


def test_a_key_is_written_as_a_person_writes_it() -> None:
    """Characters, names in any case, ctrl with a hyphen or a plus."""
    for written, key in (("S", "S"), ("?", "question_mark"), ("ctrl-d", "ctrl+d"), ("PgUp", "pageup")):
        assert spelt(written) == key
    for written, key in (
        ("esc", "escape"),
        ("Tab", "tab"),
        ("F5", "f5"),
        ("space", "space"),
        ("*", "asterisk"),
    ):
        assert spelt(written) == key
    assert [spelt(each) for each in ("", "hyper-x", "\x1b", "ab")] == [None] * 4


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"list__sort": "s"}, '"s" is action.start in the services already'),
        ({"list__sort": "j"}, '"j" is move.down in the services already'),
        ({"list__probe": "F"}, '"F" is log.follow in the log under the services already'),
        ({"move__down": "q"}, '"q" is app.quit'),
        ({"list__sort": "ctrl-b"}, "belongs to tmux"),
        ({"list__sort": "ctrl-s"}, "XOFF"),
        ({"list__sort": "ctrl-c"}, "app.quit, always"),
        ({"list__sort": "hyper"}, "is no key"),
        ({"list__sort": ()}, "at least one key"),
        ({"list__srt": "S"}, "did you mean list.sort?"),
        ({"xyzzy": "S"}, "tuimon settings lists them"),
    ],
)
def test_a_key_that_cannot_be_had_is_refused(wanted: dict[str, str], words: str) -> None:
    """The sentence names who has it, and where they would meet."""
    found = wrong(**wanted)
    assert [name.replace(".", "__") for name, _ in found] == list(wanted)
    assert words in found[0][1]


def test_a_key_that_cannot_be_had_hides_no_other_that_cannot() -> None:
    """All that is wrong is said at once."""
    found = [words for _, words in wrong(list__probe=("q", "f77"))]
    assert len(found) == 2
    assert '"f77" is no key' in found[0]
    assert '"q" is app.quit' in found[1]


def test_two_may_change_places_and_what_is_nowhere_together_may_share() -> None:
    """Only what can be pressed in the same place can be in conflict."""
    assert wrong(list__sort="I", list__invert=(">", ".")) == []
    assert wrong(log__own="x") == []  # stop is not in the log


def chain(app: TuimonApp) -> Iterator[Binding]:
    """What our own widgets bind from the focus up to the app, shadowed or not."""
    start = app.focused or app.screen
    nodes = [start, *(each for each in start.ancestors if isinstance(each, Widget)), app]
    for node in nodes:
        for bindings in node._bindings.key_to_bindings.values():
            yield from bindings


async def test_what_can_be_pressed_together_is_known_to_be(pki: Pki) -> None:
    """The places of the conflicts are those of the screens."""
    world = FedWorld(pki)
    world.begin()
    everywhere = {key.id for key in APP}
    contexts = [{key.id for key in keys} | everywhere for keys in CONTEXTS.values()]
    app = world.app()
    async with app.run_test(size=(120, 36)) as pilot:
        for keys in ("", "tab", "2", "3", "1 tab enter", "1 question_mark", "escape r"):
            await pilot.press(*keys.split())
            await pilot.pause()
            ours = {each.id for each in chain(app) if each.id in IDS}
            lacking = [sorted(ours - known) for known in contexts]
            assert [] in lacking, (app.screen, lacking)


def test_a_hint_does_not_name_its_key() -> None:
    """The key is put before it, whichever it is."""
    for key in IDS.values():
        assert key.hint.split(" ")[0] not in key.keys.split(","), key.id
        assert len(key.hint.split(" ")[0]) != 1, key.id


async def test_other_keys_act_and_are_shown(pki: Pki) -> None:
    """In the table, in the line of hints and in the help; the old ones do nothing."""
    keys = {"list.faults": ("f5",), "app.help": ("f1",), "mark.row": ("m",)}
    world = FedWorld(pki, settings=Settings(keys=keys))
    world.begin()
    app = world.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "f5 faults" in painted(app)[-1]
        assert "f1 help" in painted(app)[-1]
        table = app.screen.query_one(Table)
        await pilot.press("space")
        assert not table.marks
        await pilot.press("m")
        assert table.marks
        await pilot.press("question_mark")
        assert "keys and signs" not in "\n".join(painted(app))
        await pilot.press("f1")
        await pilot.pause()
        text = "\n".join(painted(app))
        assert "keys and signs" in text
        assert "f5" in text


def test_ctrl_c_always_leaves() -> None:
    """Whatever the settings say of quit."""
    keymap = Keymap.of({"app.quit": ("Q",)})
    assert keymap.shown(IDS["app.quit"]) == "Q ctrl-c"
