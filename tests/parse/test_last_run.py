"""The last run of a unit: journal entries in, why it ended out."""

import json
from typing import Any

import pytest

from tuimon.model.unit import LastRun
from tuimon.parse.last_run import parse_last_runs

UNIT = "stunnel@a.service"


def stunnel(message: str) -> dict[str, Any]:
    return {"MESSAGE": message, "PRIORITY": "6", "_SYSTEMD_UNIT": UNIT}


def systemd(message: str, priority: int = 5, **more: str) -> dict[str, Any]:
    told = {"MESSAGE": f"{UNIT}: {message}", "PRIORITY": str(priority), "_SYSTEMD_UNIT": "init.scope"}
    return {**told, "UNIT": UNIT, **more}


def read(*entries: dict[str, Any]) -> LastRun:
    return parse_last_runs(json.dumps(each).encode() for each in entries)[UNIT]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["[!] Cannot open log file: /x/y.log"], "Cannot open log file: /x/y.log"),
        (
            [
                '[!] /etc/a.conf:7: "bogus = 1": Specified option name is not valid here',
                "[!] Configuration failed",
            ],
            '/etc/a.conf:7: "bogus = ••••••": Specified option name is not valid here',
        ),
        (
            [
                "[.] Binding service [a] to 127.0.0.1:8001: Address already in use (98)",
                "[!] Binding service [a] failed",
            ],
            "[a] cannot bind 127.0.0.1:8001: address already in use",
        ),
        (
            [
                "[!] SSL_CTX_use_certificate_chain_file: ../crypto/bio/bss_file.c:308: error:80000002:"
                "system library::No such file or directory",
                "[!] Service [a]: Failed to initialize TLS context",
                "[!] Configuration failed",
            ],
            "[a] cannot load the certificate: no such file or directory",
        ),
        (
            [
                "LOG3[ui]: Cannot create pid file /run/x/a.pid",
                "LOG3[ui]: create: No such file or directory (2)",
            ],
            "Cannot create pid file /run/x/a.pid: No such file or directory",
        ),
        (["LOG3[ui]: No trusted certificates found", "LOG5[ui]: Configuration successful"], ""),
        (["LOG3[12]: SSL_accept: error:0A000126:SSL routines::unexpected eof while reading"], ""),
    ],
)
def test_the_first_error_of_a_start_is_the_reason(lines: list[str], why: str) -> None:
    """Joined with the section or the system's reason that stand in other lines; never a connection's."""
    entries = [systemd("Failed", 4), *map(stunnel, lines)]
    assert read(*entries).why == why


def test_what_systemd_told_and_since_when() -> None:
    """Its own words without the unit's name, once each; the first scheduled restart dates the row of them."""
    run = read(
        systemd("Scheduled restart job", 6, N_RESTARTS="1", __REALTIME_TIMESTAMP="1795647165000000"),
        systemd("Scheduled restart job", 6, N_RESTARTS="2", __REALTIME_TIMESTAMP="1795647166000000"),
        systemd("Failed at step USER spawning /usr/bin/stunnel4: No such process", _SYSTEMD_UNIT=UNIT),
        systemd("Main process exited, code=exited, status=217/USER"),
        systemd("Main process exited, code=exited, status=217/USER"),
        systemd("Failed with result 'exit-code'.", 4),
    )
    assert run.systemd == (
        "Failed at step USER spawning /usr/bin/stunnel4: No such process",
        "Main process exited, code=exited, status=217/USER",
    )
    assert (run.restarting_since, run.stunnel) == (1795647165.0, ())


def test_what_an_earlier_run_said_is_left_out() -> None:
    """A process that ends at once leaves lines without an invocation: by their place they are of the last."""
    old, new = {"_SYSTEMD_INVOCATION_ID": "0a"}, {"INVOCATION_ID": "0b"}
    entries = (
        {**stunnel("[!] Cannot open log file: /old"), **old},
        systemd("Started.", 6, **new),
        stunnel("[!] Cannot open log file: /new"),
    )
    (run,) = parse_last_runs((json.dumps(each).encode() for each in entries), "0b").values()
    assert run.stunnel == ("Cannot open log file: /new",)


def test_hostile_entries_are_harmless() -> None:
    """No JSON, bytes instead of text, numbers that are no bytes, control characters, an endless line."""
    hostile = [b"", b"[]", b"{", b'{"MESSAGE": null}', b'{"MESSAGE": [300, 27], "_SYSTEMD_UNIT": "x"}']
    assert parse_last_runs(hostile) == {}
    run = read(stunnel("[!] \x1b[31mred\n\u202egnp " + "x" * 9000), systemd("\x07bell", 3))
    assert len(run.why) <= 1000
    assert not any(each in run.why + run.systemd[0] for each in "\x1b\x07\n\u202e")
