"""What the tests of lint share: real certificates, keys and secrets, and the real stunnel's verdict."""

import re
import shutil
import subprocess
import time
from pathlib import Path
from threading import Timer
from typing import NamedTuple

STUNNEL = shutil.which("stunnel") or shutil.which("stunnel4") or ""
PATIENCE = 15.0
"""Seconds after which a stunnel that neither starts nor ends is given up and asked again."""

_LINE = re.compile(r'\[!\] (?P<file>/[^:"]*):(?P<line>\d+): ".*": (?P<reason>[^"]*(?:"[^"]*)*)$')
_SECTION = re.compile(r"\[!\] (?:Service \[.*?\]|Global options|Inetd mode): (?P<reason>.*)$")
_MOMENT = ("Address already in use", "Cannot assign requested address", "Permission denied")
_BASE = "accept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"
CLIENT, SERVER = f"client = yes\n{_BASE}", f"cert = @/pair.pem\n{_BASE}"
PREAMBLE = "foreground = yes\nsyslog = no\ndebug = 7\n"


class Verdict(NamedTuple):
    """How the real stunnel ended: whether it started, and the first thing that it named.

    `moment` says that a port was the reason, which depends on the moment and is not judged.
    """

    accepted: bool
    file: str = ""
    line: int | None = None
    reason: str = ""
    moment: bool = False


def verdict(path: Path) -> Verdict:
    """Start stunnel in the foreground, wait until it serves or ends, end it by its pid."""
    for _ in range(2):
        seen = _verdict(path)
        if seen:
            return seen
    raise AssertionError(f"stunnel neither starts nor ends with {path}")


def _verdict(path: Path) -> Verdict | None:
    lines: list[str] = []
    started, begun = False, time.monotonic()
    with subprocess.Popen(
        [STUNNEL, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=path.parent,
        errors="replace",
    ) as process:
        guard = Timer(PATIENCE, process.kill)
        guard.start()
        assert process.stderr
        for line in process.stderr:
            lines.append(line.rstrip("\n"))
            # Written when everything that can fail has been done, and signals are heard.
            if "Accepting new connections" in line:
                started = True
                process.terminate()  # it removes its Unix socket
                break
        status = process.wait()
        guard.cancel()
    if started or status == 0:
        return Verdict(True)
    if time.monotonic() - begun > PATIENCE:
        return None
    return _refusal(lines, str(path))


def _refusal(lines: list[str], path: str) -> Verdict:
    for line in lines:
        if match := _LINE.match(line):
            return Verdict(False, match["file"], int(match["line"]), match["reason"])
        if match := _SECTION.match(line):
            return Verdict(False, path, None, match["reason"])
    moment = any(word in line for word in _MOMENT for line in lines if "Binding" in line)
    return Verdict(False, moment=moment)


def command(folder: Path, *argv: str) -> None:
    subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)


def furnish(folder: Path) -> None:
    """Make every file that the configurations refer to as `@/NAME`."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    for name, kind in (("pair", ec), ("other", ec), ("weak", ("-newkey", "rsa:1024"))):
        files = ("-keyout", f"{name}.key", "-out", f"{name}.crt")
        command(folder, "req", "-x509", *kind, "-nodes", "-subj", f"/CN={name}", *files)
    text = {path.name: path.read_text() for path in folder.iterdir()}
    key, crt = text["pair.key"], text["pair.crt"]
    broken = crt.replace(crt[100:140], "!" * 40)
    p12 = ("pkcs12", "-export", "-in", "pair.crt", "-inkey", "pair.key")
    command(folder, *p12, "-out", "open.p12", "-passout", "pass:")
    command(folder, *p12, "-out", "locked.pfx", "-passout", "pass:secret")
    bare = ("pkcs12", "-export", "-nokeys", "-in", "pair.crt")
    command(folder, *bare, "-out", "bare.p12", "-passout", "pass:")
    command(folder, "pkey", "-in", "pair.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
    command(folder, "pkey", "-in", "pair.key", "-outform", "DER", "-out", "key.der")
    command(folder, "x509", "-in", "pair.crt", "-outform", "DER", "-out", "crt.der")
    command(folder, "x509", "-in", "pair.crt", "-trustout", "-addtrust", "serverAuth", "-out", "trusted.crt")
    _crl(folder)
    files = {
        "pair.pem": key + crt,
        "reversed.pem": crt + key,
        "chain.pem": crt + text["other.crt"] + key,
        "weak.pem": text["weak.key"] + text["weak.crt"],
        "weakchain.pem": key + crt + text["weak.crt"],
        "mismatch.pem": text["other.key"] + crt,
        "twokeys.pem": key + text["other.key"] + crt,
        "broken.pem": key + broken,
        "brokenlast.pem": key + crt + broken,
        "brokenkey.pem": crt + key.replace(key[60:90], "?" * 30),
        "brokenkeyfirst.pem": key.replace(key[60:90], "?" * 30) + key + crt,
        "cut.pem": key + crt[:-30],
        "cutkey.pem": crt + key[:-30],
        "locked.pem": crt + (folder / "locked.key").read_text(),
        "chatty.pem": f"subject=x\n{key}\nissuer=y\n  \n{crt}bye\n",
        "crlf.pem": (key + crt).replace("\n", "\r\n"),
        "indented.pem": key + crt.replace("-----BEGIN", " -----BEGIN"),
        "trusted.pem": key + (folder / "trusted.crt").read_text(),
        "old.pem": key + crt.replace("CERTIFICATE", "X509 CERTIFICATE"),
        "empty.pem": "",
        "text.pem": "nothing\n",
        "ca.pem": text["other.crt"] + crt,
        "cabroken.pem": text["other.crt"] + broken,
        "cabrokenfirst.pem": broken + text["other.crt"],
        "crlbroken.pem": (folder / "crl.pem").read_text() + broken,
        "pinned/a.crt": crt,
        "pinned/b.txt": "nothing",
        "unpinned/b.txt": "nothing",
        "fragment/one.conf": "TIMEOUTidle = 7\n",
        "badfragment/one.conf": "; fine\nnonsense\n",
        "psk/good": "alice:00112233445566778899aabbccddeeff\n\nbob:sixteen bytes it is\r\n",
        "psk/short": "alice:00112233445566778899aabbccddee\n",
        "psk/shorttext": "alice:00112233445566778899aabbccddeeff\nbob:fifteen bytes..\nbob:short\n",
        "psk/comment": "; keys\nalice:00112233445566778899aabbccddeeff\n",
        "psk/empty": "",
        "psk/blank": "\n\n",
        "psk/colons": "alice:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "psk/odd": "alice:00112233445566778899aabbccddeef\n",
        "psk/long": f"alice:{'00' * 513}\n",
        "psk/longest": f"alice:{'00' * 512}\n",
        "psk/longname": f"{'a' * 256}:00112233445566778899aabbccddeeff\n",
        "psk/longestname": f"{'a' * 255}:00112233445566778899aabbccddeeff\n",
        "psk/noname": ":00112233445566778899aabbccddeeff\n",
        "psk/nul": "alice:0011223344556677\0" + "8899aabbccddeeff\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, newline="")
    (folder / "emptyfolder").mkdir()
    (folder / "jail").mkdir()
    (folder / "closed").mkdir(mode=0o700)


def _crl(folder: Path) -> None:
    """A CRL that the CA `other` signed."""
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 9\n"
    )
    signer = ("-keyfile", "other.key", "-cert", "other.crt")
    command(folder, "ca", "-config", "ca.cnf", "-gencrl", *signer, "-out", "crl.pem")


def write(folder: Path, name: str, text: str) -> Path:
    """A configuration; `@` stands for the folder."""
    path = folder / name
    path.write_bytes(text.replace("@", str(folder)).encode("utf-8", "surrogateescape"))
    return path
