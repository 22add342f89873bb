"""The door of every kind of process, who owns what, what may be run, and which instance is meant.

Rule: pure; the origins are what a kernel shows of such processes, recorded from real ones or from their
documentation.
"""

import pytest

from tuimon.control.door import Ways, by_hand, find
from tuimon.control.target import resolve
from tuimon.control.trust import loaded, stranger
from tuimon.model.action import Action, Route
from tuimon.model.instance import Instance
from tuimon.model.origin import Guard, Kin, Launch, Origin
from tuimon.model.process import Process, ProcessId
from tuimon.model.service import Config, InstanceKey, Service, ServiceKey
from tuimon.model.unit import Unit
from tuimon.model.unit_control import UnitControl
from tuimon.parse.owner import owner_of
from tuimon.parse.unit_control import parse_control, span

PATH = "/etc/stunnel/web.conf"
KEY = InstanceKey("gw-01", PATH)
PID = ProcessId(4711, 1000.0, "/usr/bin/stunnel4")
ID = "4f1c" * 16


def instance(cgroup: str = "", parent: tuple[str, ...] = (), *, argument: str = PATH) -> Instance:
    process = Process(PID, argument=argument, cgroup=cgroup, owner=owner_of(cgroup, parent))
    return Instance(KEY, config=Config(PATH), processes=(process,), processes_known=True)


def origin(cgroup: str = "", parent: Kin | None = None, **facts: object) -> Origin:
    return Origin(PID, parent=parent, cgroup=cgroup, **facts)  # type: ignore[arg-type]


def door(
    action: Action, cgroup: str = "", parent: Kin | None = None, **facts: object
) -> tuple[str, str, str]:
    """Route, owner and command of an instance that lives there."""
    words = (parent.name, *parent.argv) if parent else ()
    seen = find(action, instance(cgroup, words), Ways(origin(cgroup, parent, **facts), uid=0))
    return seen.route.value, seen.owner, " ".join(seen.argv)


@pytest.mark.parametrize(
    ("cgroup", "parent", "owner", "commands"),
    [
        (
            f"/system.slice/docker-{ID}.scope",
            None,
            "docker container 4f1c4f1c4f1c",
            (
                "docker kill --signal=HUP 4f1c4f1c4f1c",
                "docker restart 4f1c4f1c4f1c",
                "docker stop 4f1c4f1c4f1c",
            ),
        ),
        (
            f"/machine.slice/libpod-{ID}.scope",
            None,
            "podman container 4f1c4f1c4f1c",
            (
                "podman kill --signal=HUP 4f1c4f1c4f1c",
                "podman restart 4f1c4f1c4f1c",
                "podman stop 4f1c4f1c4f1c",
            ),
        ),
        (
            f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
            None,
            "Kubernetes container 4f1c4f1c4f1c",
            ("", "", ""),
        ),
        (
            "/system.slice/supervisor.service",
            Kin(77, "supervisord", ("/usr/bin/python3", "/usr/bin/supervisord")),
            "supervisord",
            (
                "supervisorctl signal HUP tls:web",
                "supervisorctl restart tls:web",
                "supervisorctl stop tls:web",
            ),
        ),
        (
            "/",
            Kin(78, "runsv", ("runsv", "stunnel-web")),
            "runit",
            ("sv hup stunnel-web", "sv restart stunnel-web", "sv down stunnel-web"),
        ),
    ],
)
def test_what_others_keep(cgroup: str, parent: Kin | None, owner: str, commands: tuple[str, ...]) -> None:
    """Nothing is done to it, and the owner's own command is there for each action."""
    for action, command in zip((Action.RELOAD, Action.RESTART, Action.STOP), commands, strict=True):
        assert door(action, cgroup, parent, program="tls:web") == ("none", owner, command)


@pytest.mark.parametrize(
    ("facts", "owner"),
    [
        ({"parent": Kin(90, "wrapper.sh", ("/bin/sh", "/opt/wrapper.sh"))}, "its parent wrapper.sh (pid 90)"),
        ({"sockets": 1}, "whoever handed it its listening sockets (LISTEN_FDS)"),
        ({"ambient": 1 << 10}, "whoever gave it its capabilities"),
        ({"foreign": frozenset({"net", "mnt"})}, "whoever made its namespaces (mnt, net)"),
        ({"foreign": frozenset({"pid", "mnt"})}, "a container"),
    ],
)
def test_what_would_come_back_as_another(facts: dict[str, object], owner: str) -> None:
    """Another process would lack what this one was given: no restart by us."""
    assert door(Action.RESTART, **facts)[:2] == ("none", owner)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parent",
    [
        None,
        Kin(1, "systemd"),
        Kin(55, "systemd", ("/lib/systemd/systemd", "--user")),
        Kin(66, "bash", (), True),
    ],
)
def test_what_nobody_keeps(parent: Kin | None) -> None:
    """A daemon, and what somebody started from a shell: reloaded and restarted directly."""
    assert door(Action.RELOAD, "/user.slice/session-3.scope", parent) == ("direct", "", "kill -HUP 4711")
    assert door(Action.RESTART, "/user.slice/session-3.scope", parent)[0] == "direct"


def test_reload_surprises_no_wrapper() -> None:
    """A parent that waits does not notice a signal for a reload."""
    parent = Kin(90, "wrapper.sh", ("/bin/sh", "/opt/wrapper.sh"))
    assert door(Action.RELOAD, "", parent)[0] == "direct"


def test_unit_of_another_user_is_named() -> None:
    """Root could, and would start it as another process than the user's manager does."""
    cgroup = "/user.slice/user-1000.slice/user@1000.service/app.slice/stunnel@web.service"
    command = "systemctl --user --machine=1000@ restart stunnel@web.service"
    assert door(Action.RESTART, cgroup) == ("none", "unit stunnel@web.service of user 1000", command)
    ours = find(Action.RELOAD, instance(cgroup), Ways(origin(cgroup), uid=1000))
    assert (ours.route, " ".join(ours.argv)) == (
        Route.UNIT,
        "systemctl --user kill --kill-who=main --signal=HUP stunnel@web.service",
    )


def test_first_process_of_a_container_is_not_ended() -> None:
    """It is the container: ending it ends everything in it, ourselves too."""
    first = Process(ProcessId(1, 1.0, "/usr/bin/stunnel"), argument=PATH)
    seen = Instance(KEY, config=Config(PATH), processes=(first,), processes_known=True)
    assert find(Action.STOP, seen, Ways(Origin(first.id))).route is Route.NONE
    assert find(Action.RELOAD, seen, Ways(Origin(first.id))).route is Route.DIRECT


def test_unit_that_is_only_meant_is_not_the_door() -> None:
    """Started by hand beside its unit: the unit's restart would leave this process where it is."""
    unit = UnitControl("stunnel@web.service", load_state="loaded", main_pid=0)
    seen = find(Action.RESTART, instance(), Ways(origin(), unit=unit))
    assert seen.route is Route.DIRECT
    assert by_hand(Action.RESTART, instance(), seen) == f"kill -TERM 4711; /usr/bin/stunnel4 {PATH}"


def test_init_script_only_where_its_pid_file_is_true() -> None:
    """It would end whatever the file names."""
    script = find(Action.STOP, instance(), Ways(origin(), script=True, pid_file=4711))
    assert (script.route, script.argv[-2:]) == (Route.SCRIPT, ("stop", "web"))
    for wrong in (None, 4712):
        assert (
            find(Action.STOP, instance(), Ways(origin(), script=True, pid_file=wrong)).route is Route.DIRECT
        )


def guards(*places: tuple[str, int, int, int]) -> tuple[Guard, ...]:
    return (Guard("/", 0, 0, 0o755), *(Guard(*place) for place in places))


@pytest.mark.parametrize(
    ("places", "uid", "said"),
    [
        ((("/usr", 0, 0, 0o755), ("/usr/bin/stunnel4", 0, 0, 0o755)), 0, ""),
        ((("/opt", 0, 50, 0o775),), 0, "/opt is writable for group 50"),
        ((("/opt", 0, 0, 0o775),), 0, ""),
        ((("/opt", 0, -1, 0o775),), 0, "/opt is shared"),
        ((("/opt", 0, 0, 0o757),), 0, "/opt is writable for everybody"),
        ((("/home/bert", 1000, 1000, 0o755),), 0, "/home/bert belongs to user 1000"),
        ((("/home/bert", 1000, 1000, 0o755),), 1000, ""),
        ((("/home/bert", 1000, 1000, 0o755),), 1001, "/home/bert belongs to user 1000"),
    ],
)
def test_who_could_have_written_it(
    places: tuple[tuple[str, int, int, int], ...], uid: int, said: str
) -> None:
    """Root, or the very user that it runs as, and nobody besides."""
    assert stranger(guards(*places), uid) == said


def test_code_that_an_environment_brings() -> None:
    """Libraries and OpenSSL's own configuration are run like the program."""
    environment = (("LD_PRELOAD", "/a.so /b.so"), ("LD_LIBRARY_PATH", "/lib:rel"), ("HOME", "/root"))
    assert loaded(Launch(("x",), environment=environment)) == ("/a.so", "/b.so", "/lib")


def known(path: str, *services: str, unit: str = "", pid: int = 0) -> Instance:
    key = InstanceKey("gw-01", path)
    sections = tuple(Service(ServiceKey("gw-01", path, n), name, path, 1) for n, name in enumerate(services))
    processes = (Process(ProcessId(pid, 1.0, "stunnel")),) if pid else ()
    return Instance(key, Config(path, sections), processes, unit=Unit(unit) if unit else None)


FLEET = (
    known("/etc/stunnel/web.conf", "web", "redis", unit="stunnel@web.service", pid=11),
    known("/etc/stunnel/mail.conf", "mail", "redis", unit="stunnel@mail.service", pid=12),
    known("/srv/web.conf", "a/b", unit="web.service"),
)


@pytest.mark.parametrize(
    ("target", "config", "service"),
    [
        ("/etc/stunnel/web.conf", "/etc/stunnel/web.conf", ""),
        ("/etc/stunnel/web.conf/redis", "/etc/stunnel/web.conf", "redis"),
        ("stunnel@mail", "/etc/stunnel/mail.conf", ""),
        ("stunnel@mail.service/redis", "/etc/stunnel/mail.conf", "redis"),
        ("12", "/etc/stunnel/mail.conf", ""),
        ("web", "/srv/web.conf", ""),
        ("/srv/web.conf/a/b", "/srv/web.conf", "a/b"),
    ],
)
def test_target(target: str, config: str, service: str) -> None:
    """Configuration, unit or pid, and a service of it."""
    match = resolve(target, target, FLEET)
    assert match.key is not None
    assert (match.key.config, match.service) == (config, service)


def test_target_that_is_not_exact() -> None:
    """Never a guess: what is called alike is told."""
    assert resolve("redis", "/redis", FLEET).similar == (
        "/etc/stunnel/web.conf/redis",
        "/etc/stunnel/mail.conf/redis",
    )
    assert resolve("mail.conf", "/x/mail.conf", FLEET).similar == ("/etc/stunnel/mail.conf",)
    assert resolve("nothing", "/nothing", FLEET).similar == ()
    twice = (*FLEET, known("/other/web.conf", unit="web.service"))
    assert resolve("web", "/web", twice).candidates == ("/srv/web.conf", "/other/web.conf")


def test_unit_as_systemd_shows_it() -> None:
    """What an old systemd leaves out is not known, and no error."""
    text = (
        b"Id=stunnel@web.service\nLoadState=loaded\nMainPID=4711\nCanReload=no\nNeedDaemonReload=yes\n"
        b"ExecStart={ path=/usr/bin/stunnel4 ; argv[]=/usr/bin/stunnel4 /etc/stunnel/web.conf ; x }\n"
        b"RequiredBy=billing.service\nConsistsOf=billing.service a.service\nTimeoutStopUSec=1min 30s\n"
    )
    unit = parse_control(text)
    assert unit is not None
    assert (unit.main_pid, unit.can_reload, unit.stale, unit.program) == (
        4711,
        False,
        True,
        "/usr/bin/stunnel4",
    )
    assert (unit.followers, unit.stop_timeout) == (("billing.service", "a.service"), 90.0)
    assert parse_control(b"") is None
    assert [span(each) for each in ("infinity", "", "5s", "2h 1min", "250ms")] == [86400, 90, 5, 7260, 0.25]
