"""Judgements about the files of a service's own certificate and key: there, readable, made for each other.

Rule: a process that runs has both in memory; what is wrong on disk is what its next load will stop at.
"""

from msgspec.structs import replace

from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.verification import base, newer_than_loaded
from tuimon.model.access import Place, Way
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Reason, in_words
from tuimon.model.tunnel import Tunnel

_OTHERS_READ, _OTHERS_WRITE, _OTHERS_CROSS, _STICKY = 0o4, 0o2, 0o1, 0o1000


def file_failure(file: CertificateFile, what: str) -> Finding | None:
    """Why stunnel could not use a certificate or key file, `what` being `cert` or `key`."""
    failure = file.failure
    if failure is None:
        return None
    noun = "certificate" if what == "cert" else "private key"
    name = base(file.path)
    if failure.reason is Reason.MISSING:
        text = f"{noun} file {name} is missing"
        return Finding(f"{what}-missing", Severity.CRITICAL, text, f"restore {file.path}", (str(failure),))
    if failure.reason is Reason.DENIED:
        text = f"{noun} {name} not readable for this user: not judged"
        return Finding("not-permitted", Severity.INFO, text, "run as root", (str(failure),))
    if failure.reason is Reason.TIMEOUT:  # stunnel would wait, too
        text = f"{noun} file {name} cannot be read: {in_words(failure)}"
        return Finding(f"{what}-unreadable", Severity.WARNING, text, f"look at {file.path}", (str(failure),))
    state = "needs a password, or is damaged" if failure.reason is Reason.LOCKED else "cannot be used"
    if failure.reason in {Reason.NOT_REGULAR, Reason.TOO_LARGE}:
        state += f": {in_words(failure)}"
    text = f"{noun} file {name} {state}"
    return Finding(f"{what}-unreadable", Severity.CRITICAL, text, f"look at {file.path}", (str(failure),))


def key_findings(own: CertificateFile, key: CertificateFile | None) -> list[Finding]:
    """Whether the private key is there and belongs to the certificate."""
    holder = key or own
    broken = file_failure(holder, "key") if key is not None else None
    if broken is not None:
        return [broken]
    if holder.failure is not None or not own.certificates:
        return []
    name = base(holder.path)
    if holder.key is None:
        fix = "append the key to the file or set `key =`"
        return [Finding("key-missing", Severity.CRITICAL, f"no private key in {name}", fix, (holder.path,))]
    if holder.key.spki_sha256 in {"", own.certificates[0].spki_sha256}:
        return []
    text = f"{name} does not belong to {base(own.path)}"
    if holder.path == own.path:
        text = f"the key in {name} does not belong to its certificate"
    evidence = (f"key SPKI {holder.key.spki_sha256}", f"certificate SPKI {own.certificates[0].spki_sha256}")
    return [Finding("key-mismatch", Severity.CRITICAL, text, f"put the right key into {name}", evidence)]


def refused(tunnel: Tunnel) -> list[Finding]:
    """What stunnel would stop at when it loads certificate and key; a password is another matter."""
    if tunnel.own is None:
        return []
    failure = file_failure(tunnel.own, "cert")
    found = [failure] if failure else key_findings(tunnel.own, tunnel.key_file)
    return [each for each in found if each.severity is Severity.CRITICAL]


def locked(tunnel: Tunnel) -> CertificateFile | None:
    """The file whose key or contents only a password opens."""
    holder = tunnel.key_file or tunnel.own
    if holder is not None and holder.key is not None and holder.key.encrypted:
        return holder
    store = tunnel.own
    if store is None or store.failure is None or store.failure.reason is not Reason.LOCKED:
        return None
    return store


def needs_password(tunnel: Tunnel) -> Finding | None:
    """Why a start fails where nobody is there to type: an encrypted key, or a PKCS#12 with a password."""
    holder = locked(tunnel)
    if holder is None:
        return None
    text = f"the private key in {base(holder.path)} needs a password"
    fix = f"start it by hand: stunnel {tunnel.instance.key.config}; or store the key without a password"
    return Finding("key-unreadable", Severity.CRITICAL, text, fix, (holder.path,))


def restart_hazard(tunnel: Tunnel) -> Finding | None:
    """It runs because somebody typed a password once: it would not come back by itself."""
    holder = locked(tunnel)
    if holder is None or not tunnel.instance.running or newer_than_loaded(tunnel, holder):
        return None  # not what it runs with
    text = f"a restart waits for a password: the key in {base(holder.path)} has one"
    fix = f"store the key without a password (chmod 600 {holder.path}), or stay until it is typed"
    return Finding("restart-hazard", Severity.WARNING, text, fix, (holder.path,))


def on_disk(tunnel: Tunnel) -> list[Finding]:
    """What is wrong with certificate and key as files; a running process does not feel it yet."""
    if tunnel.own is None:
        return []
    hazard = restart_hazard(tunnel)
    if hazard is not None and tunnel.own.failure is not None:  # it cannot be opened by us either
        return [hazard]
    failure = file_failure(tunnel.own, "cert")
    found = [failure] if failure else key_findings(tunnel.own, tunnel.key_file)
    if tunnel.instance.running:
        found = [_not_felt_yet(each) for each in found]
    exposed = key_exposed(tunnel)
    return [*found, *(each for each in (hazard, exposed) if each is not None)]


def _not_felt_yet(finding: Finding) -> Finding:
    if finding.severity is not Severity.CRITICAL:
        return finding
    return replace(finding, text=f"{finding.text}: a reload or restart would fail")


def open_key(tunnel: Tunnel) -> CertificateFile | None:
    """The file of a key that others may read or write, if the folders above let them."""
    holder = tunnel.key_file or tunnel.own
    exposed = holder is not None and holder.key is not None and holder.mode & (_OTHERS_READ | _OTHERS_WRITE)
    return holder if exposed else None


def _open(way: Way, bits: int) -> bool:
    """Whether everybody may cross all folders and has `bits` on what they lead to."""
    crossed = all(place.mode & _OTHERS_CROSS for place in way.places[:-1])
    return crossed and bool(way.places[-1].mode & bits)


def key_exposed(tunnel: Tunnel) -> Finding | None:
    """The key can be read, or replaced, by every user of the machine."""
    holder, way = tunnel.key_file or tunnel.own, tunnel.key_way
    if holder is None or holder.key is None or way is None or way.failure is not None:
        return None
    if not _open(way, _OTHERS_READ | _OTHERS_WRITE):
        return None  # a closed folder above protects it
    name, mode = base(holder.path), way.places[-1].mode
    what = "readable" if mode & _OTHERS_READ else "writable"
    text = f"the private key in {name} is {what} by everybody"
    evidence = (f"mode {mode:04o} of {holder.path}",)
    return Finding("key-exposed", Severity.WARNING, text, f"chmod 600 {holder.path}", evidence)


def writable_by_all(way: Way | None) -> Place | None:
    """The first place on a way where every user of the machine may put another file."""
    if way is None or way.failure is not None:
        return None
    for number, place in enumerate(way.places):
        last = number == len(way.places) - 1
        if place.mode & _OTHERS_WRITE and (last or not place.mode & _STICKY):
            return place
        if not last and not place.mode & _OTHERS_CROSS:
            return None
    return None
