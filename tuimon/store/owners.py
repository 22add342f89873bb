"""Whose process is whose: the instance that each stunnel process runs, and the log that each writes.

Rule: only what processes, their logs and the configurations say; sorted out once for each fact that comes,
since there may be hundreds of both.
"""

import posixpath
from collections import defaultdict

from tuimon.model.instance import Instance
from tuimon.model.pid_file import PidFile
from tuimon.model.process import OpenLog, Process, ProcessId
from tuimon.model.service import InstanceKey
from tuimon.store.facts import Facts


class Owners:
    """Asks the `facts`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._found: dict[InstanceKey, tuple[Process, ...]] = {}
        self._sorted_at = -1  # how many facts were there when they were sorted out
        self._names: dict[ProcessId, tuple[int, str]] = {}  # of each process's log: inode and name
        self._writers: dict[int, set[str]] = {}  # configurations by inode of their log

    def key_of(self, process: Process) -> InstanceKey:
        """The instance that a process belongs to."""
        return InstanceKey(self._facts.host, self._config_of(process) or f"pid {process.pid}")

    def placed_by(self, log: str = "") -> bool:
        """Whether nothing but this log, or any configuration's text, can tell what some process runs."""
        lost = [each for each in self._facts.running if not each.config]
        return any(not log or any(log == self._first_name(each, held) for held in each.logs) for each in lost)

    def _config_of(self, process: Process) -> str:
        """The configuration a process runs, also where its command line names it relative to a folder
        it has left: from its own log, else the known file with that tail that fits its sockets."""
        if process.config:
            return process.config
        for log in process.logs:
            facts = self._facts.logbook.sources.get(self._first_name(process, log))
            if facts is not None and facts.config:
                return facts.config
        tail = posixpath.normpath(process.argument).lstrip("./")
        if not tail or process.argument.startswith("-fd"):
            return ""
        paths = self._facts.found.paths if self._facts.found else ()
        fitting = [path for path in paths if path == tail or path.endswith(f"/{tail}")]
        if len(fitting) > 1:
            fitting = [path for path in fitting if self._listens_for(process, path)]
        return fitting[0] if len(fitting) == 1 else ""

    def _listens_for(self, process: Process, path: str) -> bool:
        """Whether the process holds a listening socket that this configuration asks for."""
        config = self._facts.configs.get(path)
        accept = tuple(each for service in (config.services if config else ()) for each in service.accept)
        return self._facts.kernel.listens_for(process, accept)

    def of(self, key: InstanceKey) -> tuple[Process, ...]:
        """The processes of an instance."""
        return self._sorted_out().get(key, ())

    def keys(self) -> set[InstanceKey]:
        """The instances that some process runs."""
        return set(self._sorted_out())

    def _sorted_out(self) -> dict[InstanceKey, tuple[Process, ...]]:
        if self._sorted_at != self._facts.count:
            alive = {process.id for process in self._facts.running}
            self._names = {each: name for each, name in self._names.items() if each in alive}
            found: dict[InstanceKey, tuple[Process, ...]] = {}
            for process in self._facts.running:
                key = self.key_of(process)
                found[key] = (*found.get(key, ()), process)
            self._found, self._writers, self._sorted_at = found, defaultdict(set), self._facts.count
            for key, processes in found.items():
                for log in (log for process in processes for log in process.logs if log.inode):
                    self._writers[log.inode].add(key.config)
        return self._found

    def log(self, processes: tuple[Process, ...], name: str) -> str:
        """The log by the name that it had first: one that was renamed, and that its process has not opened
        anew yet, is no other log."""
        process = processes[0] if processes else None
        held = next((each for each in process.logs if each.path == name), None) if process else None
        if process is None or held is None:
            return name
        self._names[process.id] = held.inode, self._first_name(process, held)
        return self._names[process.id][1]

    def _first_name(self, process: Process, log: OpenLog) -> str:
        inode, name = self._names.get(process.id, (0, ""))
        return name if inode and inode == log.inode else log.path

    def named(self, file: PidFile | None, own: tuple[Process, ...]) -> str:
        """Which other stunnel a pid file names."""
        running = self._facts.running if file is not None else ()
        others = (each for each in running if file and each.pid == file.pid and each not in own)
        return next((f"stunnel of {self.key_of(each).config}" for each in others), "")

    def sharers(self, instance: Instance) -> tuple[str, ...]:
        """Configurations of other instances that hold the same log file open."""
        held = {log.inode for process in instance.processes for log in process.logs if not log.deleted}
        found = {config for inode in held for config in self._writers.get(inode, ())}
        return tuple(sorted(found - {instance.key.config}))

    def named_configs(self) -> frozenset[str]:
        """Configurations that processes and units name."""
        units = self._facts.units.units if self._facts.units else ()
        running = (self._config_of(each) for each in self._facts.running)
        return frozenset((*running, *(each.config for each in units))) - {""}
