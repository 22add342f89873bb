"""Instances: what is known of one configuration, its process, its unit and its log, joined.

Rule: nothing is judged here; a bug that keeps us from a join leaves what the file says.
"""

from msgspec.structs import replace

from tuimon import diagnose
from tuimon.model.failure import Failure, Reason, bug
from tuimon.model.instance import Instance
from tuimon.model.output import Output, OutputWant
from tuimon.model.service import InstanceKey
from tuimon.model.tunnel import CheckWant
from tuimon.model.unit import UNSUPERVISED
from tuimon.store import join
from tuimon.store.facts import Facts
from tuimon.store.logbook import SourceFacts
from tuimon.store.owners import Owners


class Instances:
    """Joins instances of the `facts`; `owners` knows whose process is whose."""

    def __init__(self, facts: Facts, owners: Owners) -> None:
        self._facts, self._owners = facts, owners

    def keys(self) -> set[InstanceKey]:
        """All instances: the configurations that were found, and the processes."""
        facts = self._facts
        if facts.found is None:
            return set()
        keys = {InstanceKey(facts.host, path) for path in facts.found.paths}
        return keys if facts.only else keys | self._owners.keys()

    def joined(self, key: InstanceKey) -> Instance:
        """Join one instance; where a bug keeps us from that, what its file says is all there is."""
        try:
            return self._instance(key)
        except Exception as error:
            return self.written(key, bug(error))

    def written(self, key: InstanceKey, failure: Failure | None = None) -> Instance:
        """An instance of which nothing is known but what its file says, and why."""
        config = self._facts.configs.get(key.config)
        return Instance(key, config, services=config.services if config else (), bug=failure)

    def _instance(self, key: InstanceKey) -> Instance:
        facts, owners = self._facts, self._owners
        config, processes = facts.configs.get(key.config), owners.of(key)
        unit = join.unit_of(key, processes, facts.units.units if facts.units else ())
        log = owners.log(processes, join.log_name(config, processes, unit))
        seen = facts.processes
        joined = join.instance(
            key,
            config,
            processes,
            unit,
            facts=facts.logbook.sources.get(log, SourceFacts()),
            log=log,
            processes_known=seen is not None and (not seen.failure or bool(processes)),
            supervision=facts.units.supervision if facts.units else UNSUPERVISED,
        )
        joined = self.counted(facts.loads.join(joined))
        table = (facts.kernel.tables or {}).get(joined.process.net if joined.process else "")
        file = facts.pid_files.get(join.pid_path(joined))
        joined = replace(
            joined,
            processes_hidden=seen.failure if seen and not processes else None,
            unprivileged_from=table.unprivileged_from if table else None,
            log_sharers=owners.sharers(joined),
            log_failure=_withheld(facts.logs.get(joined.log)),
            output=self._output(join.output_want(joined)),
            pid_file=file,
            pid_file_owner=owners.named(file, processes),
            remarks=facts.remarks(key.config),
        )
        wanted = diagnose.hazard.wanted_ways(joined)
        return replace(joined, ways={path: facts.ways[path] for path in wanted if path in facts.ways})

    def counted(self, instance: Instance) -> Instance:
        """The instance with what the kernel counts of it now."""
        now = {each.id: each for each in self._owners.of(instance.key)}
        instance = replace(instance, processes=tuple(now.get(each.id, each) for each in instance.processes))
        held = self._facts.kernel.doors(instance.processes) if len(instance.processes) > 1 else ()
        return replace(instance, doors=held, clients=self._facts.kernel.served(instance.process))

    def check_want(self, instance: Instance) -> CheckWant | None:
        """What to check of an instance's configuration, once its files were read and it is known who runs it:
        it would be checked again for each; nothing where its files are not ours to see."""
        facts, config, loaded, process = self._facts, instance.config, instance.loaded_at, instance.process
        if facts.processes is None or facts.units is None or config is None or config.failure is not None:
            return None
        if process is not None and process.net:
            return None
        files = {path for each in config.services for path in join.paths(each, instance)}
        if not files <= facts.files.keys():
            return None
        stamps = tuple(facts.files[path].stamp for path in sorted(files))
        pids = tuple(each.id for each in instance.processes)
        old = config.stamp is not None and loaded is not None and config.stamp.mtime < loaded + 1
        stamp = (config.stamp, stamps, pids, instance.unit.active_state if instance.unit else "")
        return CheckWant(config.path, join.folder(instance), stamp, loaded, old)

    def _output(self, want: OutputWant | None) -> Output | None:
        """What was seen last where the log of this very process should be."""
        output = self._facts.outputs.get(want.config) if want else None
        return output if output and want and output.want.path == want.path else None


def _withheld(failure: Failure | None) -> Failure | None:
    """Why a log that is there cannot be read; one that is missing is no failure of ours."""
    return failure if failure is not None and failure.reason is not Reason.MISSING else None
