"""Secrets in every place where a configuration can hold one, and whether a text gives one of them away.

Rule: every secret is a word of its own that stands nowhere else, so that whoever shows it is found out.
"""

import base64
import random
from pathlib import Path

from tests.lab.bench import Bench


class Vault:
    """The secrets by where they stand; seeded, so that a failure comes back."""

    def __init__(self) -> None:
        self._dice = random.Random(8446)  # noqa: S311 - these secrets are no secrets
        self._known: dict[str, str] = {}

    def word(self, place: str) -> str:
        """A new secret that looks like a password."""
        return self.note(place, f"hush{self._dice.randbytes(6).hex()}")

    def letters(self, place: str) -> str:
        """A new secret that looks like any word."""
        return self.note(place, "".join(self._dice.choices("aeioulmnrst", k=12)))

    def digits(self, place: str, count: int) -> str:
        """A new secret of so many hexadecimal digits."""
        return self.note(place, self._dice.randbytes(count // 2).hex())

    def note(self, place: str, secret: str) -> str:
        """Remember a secret."""
        self._known[place] = secret
        return secret

    def key(self, place: str, pem: str) -> None:
        """Remember what stands between the two lines of a private key."""
        lines = pem.partition("PRIVATE KEY-----\n")[2].partition("-----END")[0].split()
        for number, line in enumerate(lines):
            self.note(f"{place}, line {number}", line[:20])

    def given_away(self, text: str) -> list[str]:
        """The places whose secret can be read in a text, whatever line ends and blanks stand in between."""
        joined = "".join(text.split())
        return [place for place, secret in self._known.items() if secret in text or secret in joined]

    def __len__(self) -> int:
        return len(self._known)


def gate(bench: Bench, vault: Vault, proxy: int) -> str:
    """Sections that a real stunnel loads."""
    say = vault.word
    pem, key = (Path(bench.file(f"sound.{end}")).read_text() for end in ("pem", "key"))
    vault.key("a private key behind its certificate", key)
    both = bench.lab.folder / "both.pem"
    both.write_text(pem + key)
    both.chmod(0o600)
    keys = bench.lab.folder / "keys.txt"
    keys.write_text(f"branch:{vault.digits('the file of pre-shared keys', 64)}\n")
    keys.chmod(0o600)
    echo, *ports = bench.lab.echo, *(bench.lab.port() for _ in range(5))
    password = say("protocolPassword")
    vault.note("what stunnel says to a proxy", base64.b64encode(f"me:{password}".encode()).decode())
    return f"""
; protocolPassword = {say("an option put out of use, global")}
# the administrator's password is {say("a comment")}
; branch:{vault.digits("a pre-shared key in a comment", 64)}
; -----BEGIN PRIVATE KEY-----
; {say("a key in a comment")}
; -----END PRIVATE KEY-----
[web]
accept = 127.0.0.1:{bench.accept}
connect = 127.0.0.1:{echo}
cert = {both}
ticketKeySecret = {vault.digits("ticketKeySecret", 32)}
ticketMacSecret = {vault.digits("ticketMacSecret", 32)}
# ticketMacSecert {say("a mistyped option put out of use")}
[keys]
accept = 127.0.0.1:{ports[0]}
connect = 127.0.0.1:{echo}
ciphers = PSK
PSKsecrets = {keys}
[proxy]
client = yes
accept = 127.0.0.1:{ports[1]}
connect = 127.0.0.1:{proxy}
protocol = connect
protocolHost = far.example:443
protocolUsername = me
protocolPassword = {password}
protocolHeader = X-Door: {say("protocolHeader")}
OCSP = http://me:{say("OCSP")}@127.0.0.1:9/ocsp
[run]
accept = 127.0.0.1:{ports[2]}
cert = {both}
exec = /bin/sh
execArgs = sh -c "PGPASSWORD={say("the environment in execArgs")} exec cat"
[dump]
accept = 127.0.0.1:{ports[4]}
cert = {both}
exec = /bin/cat
execArgs = cat -p {vault.letters("a short option of execArgs")} -u me:{say("a user of execArgs")}
[backup]
accept = 127.0.0.1:{ports[3]}
cert = {both}
exec = /bin/cat
execArgs = cat --password={say("execArgs")}
"""


def junk(vault: Vault) -> str:
    """Lines that stunnel refuses, or would."""
    say = vault.word
    return f"""
[junk]
{say("a line that is none")}
{vault.letters("a word by itself")}
on {vault.letters("a word among words")} behind
branch:{vault.digits("a pre-shared key astray", 64)}
protocolPaswort = {say("a mistyped option")}
door = {say("an option that does not exist")}
{say("a name that does not exist")} = yes
protocolPassword {say("an option without its sign")}
ticketKeySecret = {say("ticketKeySecret, refused")}
TIMEOUTidle = 5 --secret={say("a refused value")}
exec = /opt/door --token={say("exec")}
-----BEGIN PRIVATE KEY-----
{say("a key astray")}==
-----END PRIVATE KEY-----
[door] password {say("behind a header")}
[gate] {vault.letters("a word behind a header")}
"""


def engines(vault: Vault) -> str:
    """Options that stand before the first section."""
    say = vault.word
    return f"""
engine = pkcs11
engineCtrl = PIN:{say("engineCtrl")}
setEnv = DOOR_PIN={say("setEnv")}
providerParameter = pkcs11:pin={say("providerParameter")}
engine = dynamic --pin={say("engine")}
[card]
accept = 127.0.0.1:1
connect = 127.0.0.1:2
engineNum = 1
key = pkcs11:object=door?pin-value={say("key")}
"""
