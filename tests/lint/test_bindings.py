"""Accept addresses that keep each other from being bound: the real stunnel tries, lint foretells."""

import itertools
import socket
from pathlib import Path

import pytest

from tests.lint.workshop import PREAMBLE, verdict
from tuimon.host.local import LocalHost
from tuimon.lint.check import check
from tuimon.lint.machine import Machine

FORMS = ("127.0.0.1:{}", "127.0.0.2:{}", "{}", "*:{}", "0.0.0.0:{}", ":::{}", "::1:{}")
CLIENT = "client = yes\nconnect = 127.0.0.1:9\n"


def free_port() -> int:
    """One that nobody listens on now, of a range that connections do not take theirs from."""
    for port in range(20_000, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


async def test_two_sections_on_one_port_are_refused_as_stunnel_refuses_them(
    tmp_path: Path, host: LocalHost
) -> None:
    """Every form of an address against every other, in both orders."""
    port = free_port()
    cases = {}
    for number, (one, other) in enumerate(itertools.product(FORMS, repeat=2)):
        path = tmp_path / f"{number}.conf"
        first, second = (f"{CLIENT}accept = {each.format(port)}\n" for each in (one, other))
        path.write_text(f"{PREAMBLE}[a]\n{first}[b]\n{second}")
        cases[(one, other)] = path
    accepted = {case: verdict(path).accepted for case, path in cases.items()}
    assert {True, False} == set(accepted.values())
    reports = {case: await check(Machine(host), str(path), (5, 68)) for case, path in cases.items()}
    assert {case: report.accepted for case, report in reports.items()} == accepted
    said = reports[FORMS[0], FORMS[0]].remarks[0]
    assert (said.code, said.line) == ("duplicate-accept", 11)
    assert f"127.0.0.1:{port} is accepted on by [a] already" in said.text


@pytest.mark.parametrize("accepts", ["{0}\naccept = {0}", "{0}\naccept = 127.0.0.1:0"])
async def test_one_address_of_a_section_is_enough(accepts: str, tmp_path: Path, host: LocalHost) -> None:
    """The same address twice in one section, or one that another section has beside a free one."""
    own, path = f"127.0.0.1:{free_port()}", tmp_path / "a.conf"
    text = f"{PREAMBLE}[a]\n{CLIENT}accept = {accepts.format(own)}\n"
    path.write_text(text)
    assert verdict(path).accepted
    assert (await check(Machine(host), str(path), (5, 68))).accepted


async def test_what_a_killed_process_left_behind_is_told_from_a_living_socket(
    tmp_path: Path, host: LocalHost
) -> None:
    """A file stands where the Unix socket shall be: nobody listens there, and nobody will."""
    path, place = tmp_path / "a.conf", tmp_path / "a.sock"
    path.write_text(f"{PREAMBLE}[a]\n{CLIENT}accept = {place}\n")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        assert (await check(Machine(host), str(path), (5, 68))).accepted
    assert not verdict(path).accepted
    report = await check(Machine(host), str(path), (5, 68))
    assert (report.accepted, report.remarks[0].code) == (False, "accept-taken")
    assert report.remarks[0].fix == f"remove it: rm {place}"
