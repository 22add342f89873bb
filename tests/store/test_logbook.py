"""The logbook: bounded, in order, and clear about who was meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_conf import run
from tuimon.store.logbook import Logbook

SOURCE = "/var/log/stunnel.log"
SECTIONS = b"[web]\naccept = 8443\n[mail]\naccept = 127.0.0.1:9443\n[named]\naccept = https\n"


def record(at: float | None, message: str = "", **facts: object) -> LogRecord:
    plain = LogRecord(at, 5, "7", "web", Event.NONE, "10.0.0.9:51522", message)
    return replace(plain, **facts)


def messages(book: Logbook) -> list[str]:
    return [line.record.message for line in book.lines]


def test_it_is_bounded_and_numbers_go_on() -> None:
    """The oldest lines leave."""
    book = Logbook(100)
    book.append(SOURCE, tuple(record(float(i), str(i)) for i in range(250)), history=False)
    assert messages(book) == [str(i) for i in range(150, 250)]
    assert [line.sequence for line in book.lines] == list(range(150, 250))


def test_histories_are_merged_by_time_and_the_order_inside_a_file_is_kept() -> None:
    """A line without a time, or with a clock that went back, stays where its file has it."""
    book = Logbook(100)
    book.append("a", (record(10, "a1"), record(None, "a2"), record(30, "a3"), record(20, "a4")), history=True)
    before = book.generation
    book.append("b", (record(5, "b1"), record(25, "b2"), record(40, "b3")), history=True)
    assert messages(book) == ["b1", "a1", "a2", "b2", "a3", "a4", "b3"]
    assert book.generation != before
    numbers = [line.sequence for line in book.lines]
    assert numbers == sorted(set(numbers))


def test_a_log_that_comes_in_pieces_keeps_its_order() -> None:
    """A piece may end within a second, or before a clock went back; other logs stand between its lines."""
    book = Logbook(100)
    book.append("a", (record(10, "a1"), record(20, "a2")), history=True)
    book.append("b", (record(20, "b1"), record(25, "b2")), history=True)
    book.append("a", (record(20, "a3"), record(19, "a4"), record(30, "a5")), history=True)
    book.recall("b", (record(20, "b-1"), record(22, "b0")))
    book.append("c", (record(5, "c1"),), history=True)
    assert [each for each in messages(book) if each[0] == "a"] == ["a1", "a2", "a3", "a4", "a5"]
    assert [each for each in messages(book) if each[0] == "b"] == ["b-1", "b0", "b1", "b2"]
    assert messages(book)[0] == "c1"
    assert messages(book)[-2:] == ["b2", "a5"]


def test_news_is_appended_as_it_comes() -> None:
    """No line that is on the screen moves because another log is a second behind."""
    book = Logbook(100)
    book.append("a", (record(10, "a1"),), history=False)
    before = book.generation
    book.append("b", (record(9, "b1"),), history=False)
    assert messages(book) == ["a1", "b1"]
    assert book.generation == before


def test_a_probe_is_own_by_address_port_and_time() -> None:
    """The kernel gives the same port to others: before, long after, and for another door."""
    book = Logbook(10)
    book.own_probe("127.0.0.1:50001", 1000.0, "127.0.0.1:8443")
    made = book.own_probes.made
    assert made("127.0.0.1:50001", 998.0)
    assert made("127.0.0.1:50001", 1030.0)
    assert not made("127.0.0.1:50001", 990.0)
    assert not made("127.0.0.1:50001", 5000.0)
    assert not made("127.0.0.1:50002", 1000.0)
    assert not made("127.0.0.1:50001", 1000.0, "127.0.0.1:9443")
    parsed = run("/c", lambda _: SECTIONS, lambda _: ())
    book.own_probes.place(SOURCE, parsed.services)
    own = {name: made("127.0.0.1:50001", 1000.0, place=(SOURCE, name)) for name in ("web", "mail", "named")}
    assert own == {"web": True, "mail": False, "named": True}


def test_two_probes_from_one_port_are_both_ours() -> None:
    """In a sweep of a thousand services the kernel gives the same port for several doors within a second."""
    book = Logbook(10)
    for door in ("127.0.0.1:8443", "127.0.0.1:9443"):
        book.own_probe("127.0.0.1:50001", 1000.0, door)
    for number in range(20):
        book.own_probe("127.0.0.1:50002", 1000.0 + number, f"127.0.0.1:{number}")
    made = book.own_probes.made
    doors = ("127.0.0.1:8443", "127.0.0.1:9443", "127.0.0.1:7443")
    assert [made("127.0.0.1:50001", 1000.0, door) for door in doors] == [True, True, False]
    assert len(book.own_probes.seen["127.0.0.1:50002"]) < 20


def test_a_probe_is_followed_through_a_chain_of_stunnels() -> None:
    """The next one sees the address from which the first one connected."""
    book = Logbook(100)
    book.own_probe("127.0.0.1:50001", 1000.0)
    connected = record(
        1000.0,
        "Service [web] connected remote server from 127.0.0.1:40000",
        event=Event.CONNECTED,
        peer="127.0.0.1:50001",
    )
    book.append("first", (connected,), history=False)
    book.append("second", (record(1000.0, peer="127.0.0.1:40000"),), history=False)
    assert [line.own for line in book.lines] == [True, True]


def test_a_line_of_our_own_speaks_of_a_service_only_where_something_follows_from_it() -> None:
    """A sweep of a thousand services writes thousands of lines that say nothing new of them."""
    book = Logbook(100)
    book.own_probe("127.0.0.1:50001", 1000.0)
    own = record(1000.0, peer="127.0.0.1:50001")
    assert book.append("a", (own,), history=False) == set()
    refused = replace(own, event=Event.CONNECT_FAILED, message="No more addresses to connect")
    assert book.append("a", (refused,), history=False) == {"web"}
    reached = replace(own, event=Event.CONNECTED, time=1001.0)
    assert book.append("a", (reached,), history=False) == {"web"}
    assert book.append("a", (reached,), history=False) == set()
    assert book.append("a", (record(1001.0),), history=False) == {"web"}


@pytest.mark.parametrize("event", [Event.TLS_FAILED, Event.PEER_REJECTED, Event.REJECTED])
def test_failures_count_from_the_last_success(event: Event) -> None:
    """Since when, how many, and which was the last."""
    book = Logbook(100)
    book.append(SOURCE, (record(1, event=Event.TLS_OK),), history=False)
    book.append(SOURCE, (record(2, "x", event=event), record(3, "y", event=event)), history=False)
    traffic = book.traffic[SOURCE, "web"]
    assert (traffic.last_success, traffic.failing_since, traffic.failures) == (1, 2, 2)
    assert traffic.failure is not None
    assert traffic.failure.message == "y"
    book.append(SOURCE, (record(4, event=Event.CONNECTED),), history=False)
    traffic = book.traffic[SOURCE, "web"]
    assert (traffic.last_success, traffic.failing_since, traffic.failures, traffic.failure) == (
        4,
        None,
        0,
        None,
    )


def test_the_target_has_failed_only_when_no_address_is_left() -> None:
    """The reason is the one of the last address, the time that of the first failure."""
    book = Logbook(100)
    refused = record(5, "connect 127.0.0.1:1: Connection refused (111)", event=Event.CONNECT_FAILED)
    final = record(5, "No more addresses to connect", event=Event.CONNECT_FAILED)
    book.append(SOURCE, (refused,), history=False)
    assert book.traffic[SOURCE, "web"].target_failure is None
    book.append(SOURCE, (final, replace(refused, time=9.0), replace(final, time=9.0)), history=False)
    traffic = book.traffic[SOURCE, "web"]
    assert traffic.target_failure is not None
    assert "refused" in traffic.target_failure.message
    assert traffic.target_since == 5
    book.append(SOURCE, (record(12, event=Event.CONNECTED),), history=False)
    traffic = book.traffic[SOURCE, "web"]
    assert (traffic.target_failure, traffic.target_since, traffic.target_ok) == (None, None, 12)


def test_what_a_log_tells_of_its_process() -> None:
    """Version, load, a reload that failed, the end; a good load forgives."""
    book = Logbook(100)

    def tell(*records: LogRecord) -> None:
        book.append(SOURCE, records, history=False)

    tell(record(1, "stunnel 5.68 on x86_64-pc-linux-gnu platform", event=Event.STARTED, service="", peer=""))
    tell(record(2, "Configuration successful", event=Event.CONFIG_OK, service="", peer=""))
    facts = book.sources[SOURCE]
    assert (facts.version, facts.loaded_at, facts.trouble, facts.stopped) == ("5.68", 2, None, None)
    tell(record(3, "Failed to reload", event=Event.RELOAD_FAILED, level=3, service="", peer=""))
    assert book.sources[SOURCE].trouble is not None
    tell(record(4, "Configuration successful", event=Event.CONFIG_OK, service="", peer=""))
    assert book.sources[SOURCE].trouble is None
    tell(record(5, "Terminated", event=Event.STOPPED, service="", peer=""))
    assert book.sources[SOURCE].stopped is not None


def test_what_a_configuration_includes_is_not_the_configuration() -> None:
    """Both are told by the same words: the first that is read is meant, at a start and at each reload."""
    book = Logbook(100)

    def read(path: str) -> LogRecord:
        return record(
            1, f"Reading configuration from file {path}", event=Event.CONFIG_READ, service="", peer=""
        )

    loaded = record(1, "Configuration successful", event=Event.CONFIG_OK, service="", peer="")
    failed = record(1, "Failed to reload", event=Event.RELOAD_FAILED, level=3, service="", peer="")
    for outcome in (loaded, failed, loaded):
        book.append(SOURCE, (read("/etc/gw.conf"), read("/etc/gw.d/a.conf"), outcome), history=False)
        assert book.sources[SOURCE].config == "/etc/gw.conf"
    book.append(SOURCE, (read("/etc/other.conf"), read("/etc/gw.d/a.conf")), history=False)
    assert book.sources[SOURCE].config == "/etc/other.conf"


@settings(derandomize=True, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.none() | st.sampled_from([-3.0, 0.0, 1.0, 2.0, 3.0, 4.0]), max_size=6),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_however_pieces_come_each_log_keeps_its_order(
    pieces: list[tuple[str, list[float | None], bool]],
) -> None:
    """And numbers grow from the first line to the last; none ever stands for two lines."""
    book, told, numbers = Logbook(1000), dict[str, list[str]](), dict[int, str]()
    for number, (source, times, older) in enumerate(pieces):
        lines = [record(at, f"{source}{number}.{place}") for place, at in enumerate(times)]
        known, said = told.setdefault(source, []), [each.message for each in lines]
        if older:
            book.recall(source, tuple(lines))
            known[:0] = said
        else:
            book.append(source, tuple(lines), history=True)
            known += said
        assert {source: [each for each in messages(book) if each[0] == source] for source in told} == told
        sequences = [line.sequence for line in book.lines]
        assert sequences == sorted(set(sequences))
        assert all(
            numbers.setdefault(each.sequence, each.record.message) == each.record.message
            for each in book.lines
        )
