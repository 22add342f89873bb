"""What happens to services while they are watched."""

import signal
import socket

from tests.live.patient import Act, Case, Patient


def _serve(patient: Patient) -> None:
    patient.serve()


def _tunnel(patient: Patient) -> None:
    patient.tunnel(patient.ca, "verifyChain = yes", "checkHost = lab.example")


def _tell(number: signal.Signals) -> Act:
    return lambda patient: patient.running.tell(number)


def _end(number: signal.Signals) -> Act:
    return lambda patient: patient.running.end(number)


def _reload_with(**what: object) -> Act:
    def act(patient: Patient) -> None:
        patient.renew(**what)
        patient.running.reload()

    return act


def _far(act: Act) -> Act:
    return lambda patient: act(patient.end)


def _rewrite(*options: str) -> Act:
    def act(patient: Patient) -> None:
        patient.write(patient.text + "".join(f"{each}\n" for each in options))
        patient.later(patient.config)

    return act


def _write_and_reload(patient: Patient) -> None:
    patient.write(patient.text)
    patient.running.reload()


def _steal(patient: Patient) -> None:
    patient.running.end()
    thief = socket.create_server(("127.0.0.1", patient.accept))
    patient.lab.defer(thief.close)
    patient.thief = thief


def _give_back(patient: Patient) -> None:
    assert patient.thief is not None
    patient.thief.close()
    patient.again()


def _hide(ending: str) -> Act:
    def act(patient: Patient) -> None:
        path = patient.lab.folder / f"{patient.name}.{ending}"
        path.rename(path.with_suffix(".away"))

    return act


def _find(ending: str) -> Act:
    def act(patient: Patient) -> None:
        path = patient.lab.folder / f"{patient.name}.{ending}"
        path.with_suffix(".away").rename(path)

    return act


CASES = (
    Case("killed", ("not-running",), _serve, _end(signal.SIGKILL), Patient.again),
    Case("ended", ("not-running",), _serve, _end(signal.SIGTERM), Patient.again),
    Case("client-killed", ("not-running",), _tunnel, _end(signal.SIGKILL), Patient.again),
    Case("stopped", ("hung",), _serve, _tell(signal.SIGSTOP), _tell(signal.SIGCONT)),
    Case("renewed", ("cert-not-loaded",), _serve, Patient.renew, lambda patient: patient.running.reload()),
    Case("expired", ("cert-expired",), _serve, _reload_with(days=(-90, -2.1)), _reload_with()),
    Case("target-closed", ("connect-refused",), _serve, lambda p: p.door.close(), lambda p: p.door.open()),
    Case("file-broken", ("config-error",), _serve, _rewrite("oops"), _write_and_reload),
    Case("file-changed", ("config-changed",), _serve, _rewrite("TIMEOUTidle = 9"), _write_and_reload),
    Case("port-stolen", ("accept-taken",), _serve, _steal, _give_back),
    Case("key-gone", ("key-missing",), _serve, _hide("key"), _find("key")),
    Case("certificate-gone", ("cert-missing",), _serve, _hide("pem"), _find("pem")),
    Case("remote-ended", ("connect-refused",), _tunnel, _far(_end(signal.SIGTERM)), _far(Patient.again)),
    Case(
        "remote-stopped",
        ("connect-stalled", "peer-timeout"),
        _tunnel,
        _far(_tell(signal.SIGSTOP)),
        _far(_tell(signal.SIGCONT)),
    ),
    Case(
        "remote-renamed",
        ("peer-name-mismatch",),
        _tunnel,
        _far(_reload_with(names=("other.example",))),
        _far(_reload_with()),
    ),
    Case(
        "remote-expired",
        ("peer-cert-expired",),
        _tunnel,
        _far(_reload_with(days=(-90, -2.1))),
        _far(_reload_with()),
    ),
    Case(
        "remote-without-target",
        ("connect-closed",),
        _tunnel,
        _far(lambda p: p.door.close()),
        _far(lambda p: p.door.open()),
    ),
)
