"""What a boot would bring: asked once, when somebody rehearses it.

Rule: nothing is touched but read; what does not answer counts as not there, except a file system, which
is only said to be volatile where it says so itself.
"""

from tuimon.host.base import Completed, Host
from tuimon.model.boot import Boot
from tuimon.model.failure import Failure
from tuimon.parse.boot import folders_of_tmpfiles, properties_of

_PATIENCE = 10.0  # seconds for one command
_PROPERTIES = (
    "After",
    "RuntimeDirectory",
    "StateDirectory",
    "CacheDirectory",
    "LogsDirectory",
    "AmbientCapabilities",
)
_PLACES = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
}
_MEMORY = frozenset({"tmpfs", "ramfs"})
_LOWEST = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
_NONLOCAL = "/proc/sys/net/ipv4/ip_nonlocal_bind"


async def boot_of(host: Host, unit: str, paths: frozenset[str]) -> Boot:
    """The facts for an instance under `unit` (empty: none) that needs these absolute paths."""
    asked = ("systemctl", "show", "--no-pager", f"--property={','.join(_PROPERTIES)}", "--", unit)
    said = properties_of(await _output(host, asked)) if unit else {}
    own = {f"{place}/{name}" for option, place in _PLACES.items() for name in said.get(option, "").split()}
    made = folders_of_tmpfiles(await _output(host, ("systemd-tmpfiles", "--cat-config")))
    return Boot(
        after=tuple(said.get("After", "").split()),
        makes=frozenset(own) | made,
        volatile=frozenset([path for path in sorted(paths) if await _in_memory(host, path)]),
        capabilities=tuple(said.get("AmbientCapabilities", "").split()),
        lowest_port=await _number(host, _LOWEST, 1024),
        nonlocal_bind=bool(await _number(host, _NONLOCAL, 0)),
    )


async def _output(host: Host, argv: tuple[str, ...]) -> bytes:
    done = await host.run(argv, _PATIENCE)
    return done.stdout if isinstance(done, Completed) else b""


async def _in_memory(host: Host, path: str) -> bool:
    kind = await _output(host, ("stat", "--file-system", "--format=%T", "--", path))
    return kind.decode("ascii", "replace").strip() in _MEMORY


async def _number(host: Host, path: str, otherwise: int) -> int:
    content = await host.read(path)
    text = b"" if isinstance(content, Failure) else content.data.strip()
    return int(text) if text.isdigit() and len(text) < 10 else otherwise
