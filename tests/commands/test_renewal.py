"""`tuimon certs --against`: renewals that would work and such as would not, against a running tunnel."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.facts import CONFIG, World
from tests.fixtures import Pki
from tests.lab.authority import issue
from tests.lab.bench import Bench, Lab
from tuimon import cli
from tuimon.commands import UsageError
from tuimon.commands.targets import chosen

Against = Callable[..., tuple[int, dict[str, Any]]]
NAMES = ("lab.example", "www.lab.example")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A server service with a chain of two, and two clients of it: a strict one and one that asks nothing."""
    lab = Lab(tmp_path_factory.mktemp("renewal"))
    try:
        server = Bench(lab, "web")
        leaf = issue("web", lab.authorities.middle, names=NAMES)
        lab.authorities.put("web", leaf, lab.authorities.middle)
        server.start(server.server(cert="web"))
        strict, easy = Bench(lab, "strict"), Bench(lab, "easy")
        strict.start(strict.client(server.accept, strict.ca, "verifyChain = yes", "checkHost = lab.example"))
        easy.start(easy.client(server.accept))
        yield server
    finally:
        lab.close()


@pytest.fixture
def against(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Against:
    """Rehearse a renewal of the server service: exit status and what was told of it."""

    def run(*files: Path) -> tuple[int, dict[str, Any]]:
        arguments = ["--json", "--against", str(bench.config)]
        status = cli.main(["certs", *arguments, *map(str, files)])
        (told,) = json.loads(capsys.readouterr().out)
        return status, told

    return run


def codes(told: dict[str, Any]) -> list[str]:
    return [each["code"] for each in told["findings"]]


def put(bench: Bench, name: str, *, key: bool = True, chain: bool = True, **how: Any) -> Path:
    """A new certificate under the intermediate, its key beside it in one file."""
    leaf = issue("web", how.pop("by", bench.pki.middle), **({"names": NAMES, "days": (-1, 900)} | how))
    path = bench.lab.folder / f"{name}.new"
    path.write_bytes(leaf.pem + (bench.pki.middle.pem if chain else b"") + (leaf.key_pem if key else b""))
    path.chmod(0o600)
    return path


def test_a_sound_renewal_would_work_for_service_and_clients(bench: Bench, against: Against) -> None:
    """Same names, whole chain, its own key: both clients of this machine would take it."""
    status, told = against(put(bench, "sound"))
    assert (status, told["works"], told["findings"]) == (0, True, [])
    assert {each["service"]: each["accepts"] for each in told["clients"]} == {"strict": True, "easy": True}


def test_what_it_lacks_against_the_one_in_use_is_named(bench: Bench, against: Against) -> None:
    """A name less, no issuer, ends sooner, not for servers: each by its own code, the worst first."""
    lost = against(put(bench, "lost", names=("lab.example",)))
    assert (lost[0], codes(lost[1])[0]) == (2, "name-mismatch")
    assert "www.lab.example" in lost[1]["findings"][0]["text"]
    status, told = against(put(bench, "bare", chain=False))
    assert (status, codes(told)[0]) == (2, "chain-incomplete")
    assert {each["service"]: each["accepts"] for each in told["clients"]} == {"strict": False, "easy": True}
    assert "cert-older" in codes(against(put(bench, "short", days=(-1, 40)))[1])
    assert codes(against(put(bench, "old", days=(-90, -1)))[1])[0] == "cert-expired"


def test_a_client_that_would_refuse_is_named_with_its_reason(bench: Bench, against: Against) -> None:
    """Of another authority: fine for the service itself, and for whoever verifies nothing."""
    status, told = against(put(bench, "stranger", by=bench.pki.stranger, chain=False))
    refused = {each["service"]: each["reason"] for each in told["clients"] if not each["accepts"]}
    assert (status, list(refused)) == (2, ["strict"])
    assert "issuer not in ca.pem" in refused["strict"]


def test_the_key_must_belong_to_it(bench: Bench, against: Against) -> None:
    """The key in the file, a key given, or the one that the service has."""
    bare = put(bench, "keyless", key=False)
    status, told = against(bare)
    assert (status, codes(told)[0]) == (2, "key-mismatch")
    other = put(bench, "other")
    assert codes(against(bare, other)[1])[0] == "key-mismatch"
    assert against(other, other)[0] == 0


def test_what_cannot_be_meant_is_one_sentence(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """No such target, no certificate in the file, no file, a service without a certificate."""
    elsewhere = bench.lab.conf / "none.conf"
    elsewhere.write_text("")
    assert cli.main(["certs", "--against", str(elsewhere), bench.file("web.pem")]) == 3
    assert "has no certificate of its own" in capsys.readouterr().err
    elsewhere.unlink()
    for path in (bench.file("nothing.pem"), str(bench.config)):
        assert cli.main(["certs", "--against", str(bench.config), path]) == 2
        out, err = capsys.readouterr()
        assert (err, "would not work" in out) == ("", True)


def test_a_pkcs12_without_a_password(bench: Bench, against: Against) -> None:
    """stunnel loads it, key and chain included."""
    pem, path = put(bench, "store"), bench.lab.folder / "store.p12"
    pack = ["openssl", "pkcs12", "-export", "-in", pem, "-out", path, "-passout", "pass:"]
    subprocess.run(pack, check=True, capture_output=True)
    path.chmod(0o600)
    status, told = against(path)
    assert (status, told["works"]) == (0, True), told["findings"]


def test_a_service_s_name_alone_will_do_where_only_one_is_called_so(pki: Pki) -> None:
    """Never a guess: two are named, and what is a file, a unit or a pid is meant first."""
    section = "[{}]\naccept = 127.0.0.1:{}\nconnect = 127.0.0.1:8080\n"
    names = ("web", "mail", "mail", "4711")
    world = World(pki, "".join(section.format(name, 8443 + port) for port, name in enumerate(names))).begin()
    found, name = chosen(world.store, "web")
    assert (found.instance.key.config, name) == (CONFIG, "web")
    with pytest.raises(UsageError, match=f"mail is ambiguous: {CONFIG}/mail, {CONFIG}/mail"):
        chosen(world.store, "mail")
    assert chosen(world.store, "4711")[1] == ""
    with pytest.raises(UsageError, match="no such instance: WEB"):
        chosen(world.store, "WEB")
