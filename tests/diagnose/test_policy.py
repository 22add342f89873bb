"""How deep each kind of service is looked at: gentle by default."""

import pytest

from tests.facts import CONFIG, HOST
from tuimon.diagnose.policy import absolute, plan
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth
from tuimon.model.service import Config
from tuimon.model.tunnel import Plan
from tuimon.parse.stunnel_conf import run
from tuimon.settings import ServiceRule, Settings

SERVER = "accept = 127.0.0.1:8443\ncert = /c.pem\n"
CLIENT = "client = yes\naccept = 127.0.0.1:5432\n"


def config(text: str) -> Config:
    return run(CONFIG, lambda path: text.encode(), lambda path: Failure(Reason.MISSING), host=HOST)


def plan_of(options: str, settings: Settings | None = None) -> Plan:
    (service,) = config(f"[x]\n{options}").services
    return plan(service, None, "/srv", settings or Settings())


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        (SERVER + "connect = 8080", Depth.HANDSHAKE),
        (SERVER + "exec = /bin/date", Depth.CERTIFICATE),
        (SERVER + "connect = 8080\nredirect = 8081\nverifyChain = yes\nCAfile = /a", Depth.CERTIFICATE),
        (SERVER + "protocol = socks", Depth.CERTIFICATE),
        (SERVER + "connect = 8080\nverify = 2\nCAfile = /a", Depth.CERTIFICATE),
        (SERVER + "connect = 8080\nverify = 1\nCAfile = /a", Depth.HANDSHAKE),
        (SERVER + "connect = 8080\nPSKsecrets = /p", Depth.HANDSHAKE),
        ("accept = 8443\nconnect = 8080\nPSKsecrets = /p", Depth.LISTEN),
        (CLIENT + "connect = db:5432", Depth.HANDSHAKE),
        (CLIENT + "connect = db:5432\nPSKsecrets = /p", Depth.LISTEN),
        (CLIENT + "protocol = socks", Depth.LISTEN),
    ],
)
def test_the_depth_follows_from_what_a_handshake_would_set_off(options: str, depth: Depth) -> None:
    """No program is started, no proxy opened, no error line written without need."""
    assert plan_of(options).depth is depth


@pytest.mark.parametrize(
    ("accept", "dialled"),
    [
        ("8443", "127.0.0.1:8443"),
        ("0.0.0.0:8443", "127.0.0.1:8443"),
        (":::8443", "::1:8443"),
        ("10.0.0.1:8443", "10.0.0.1:8443"),
        ("127.0.0.1:73979", "127.0.0.1:8443"),
        ("/run/door", "/run/door"),
    ],
)
def test_a_server_service_is_dialled_where_it_listens(accept: str, dialled: str) -> None:
    """On loopback where it binds every address; the port as stunnel binds it, modulo 65536."""
    found = plan_of(f"accept = {accept}\nconnect = 8080\ncert = /c.pem")
    assert [each.text for each in found.targets] == [dialled]


def test_a_client_service_is_never_dialled_itself() -> None:
    """Its remote is, with its own name, protocol, CA, certificate and local address."""
    found = plan_of(
        CLIENT + "connect = mail.example:25\nprotocol = smtp\nsni = mx.example\nlocal = 10.0.0.7\n"
        "verifyChain = yes\nCAfile = ca.pem\ncert = /c.pem\n"
    )
    assert [each.text for each in found.targets] == ["mail.example:25"]
    assert (found.server_name, found.protocol, found.local) == ("mx.example", "smtp", "10.0.0.7")
    assert (found.ca_file, found.cert, found.key) == ("/srv/ca.pem", "/c.pem", "/c.pem")


def test_without_sni_a_client_service_names_the_host_it_connects_to() -> None:
    """As stunnel does; an empty `sni` sends none."""
    assert plan_of(CLIENT + "connect = db.example:5432").server_name == "db.example"
    assert plan_of(CLIENT + "connect = db.example:5432\nsni =").server_name == ""


def test_several_targets_are_connected_to_directly() -> None:
    """One handshake proves one of them only."""
    one, two = plan_of(SERVER + "connect = 1"), plan_of(SERVER + "connect = 1\nconnect = 2")
    assert (one.reach_always, two.reach_always) == (False, True)
    assert [each.text for each in two.reach] == ["1", "2"]


def test_an_sni_service_is_reached_through_its_primary() -> None:
    """With a name that its pattern matches."""
    text = f"[front]\n{SERVER}connect = 1\n[b]\nsni = front:*.b.example\nconnect = 2\ncert = /b.pem\n"
    front, second = config(text).services
    found = plan(second, front, "/", Settings())
    assert [each.text for each in found.targets] == ["127.0.0.1:8443"]
    assert found.server_name == "tuimon.b.example"


def test_a_rule_decides_depth_and_interval() -> None:
    """By the service's name or a pattern."""
    settings = Settings(services=(ServiceRule("x*", Depth.OFF, 900),))
    found = plan_of(SERVER + "connect = 1", settings)
    assert (found.depth, found.interval) == (Depth.OFF, 900)


def test_relative_paths_start_where_the_process_stands() -> None:
    """And nothing stays nothing."""
    assert absolute("pki/../c.pem", "/srv") == "/srv/c.pem"
    assert absolute("/c.pem", "/srv") == "/c.pem"
    assert absolute("", "/srv") == ""
