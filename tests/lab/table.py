"""All rows of the laboratory on this machine, and what one sweep says of them.

Rule: everything is broken first and then swept once, through the same runtime as `tuimon status`; what
breaks only under the eyes of tuimon is broken after a first look that probes nothing.
"""

import asyncio
from pathlib import Path

from tests.lab import (
    certificate,
    clients,
    config,
    healthy_client,
    healthy_clients,
    healthy_history,
    healthy_loaded,
    healthy_process,
    healthy_server,
    healthy_trust,
    limits,
    listener,
    loaded,
    logfile,
    machine,
    ocsp,
    pairs,
    process,
    remote,
    target,
    trust,
)
from tests.lab.bench import Bench, Lab
from tests.lab.row import Fault
from tests.lab.verdict import Verdict
from tuimon.commands.status import sweep
from tuimon.model.handshake import Depth
from tuimon.settings import Probes, ServiceRule, Settings
from tuimon.store import Store

_FAULTY = (
    config,
    loaded,
    machine,
    process,
    limits,
    logfile,
    listener,
    certificate,
    target,
    remote,
    trust,
    pairs,
    clients,
    ocsp,
)
_HEALTHY = (
    healthy_server,
    healthy_client,
    healthy_clients,
    healthy_history,
    healthy_loaded,
    healthy_process,
    healthy_trust,
)
FAULTS = tuple(each for kin in _FAULTY for each in kin.shelf.faults)
ODDITIES = tuple(each for kin in _HEALTHY for each in kin.shelf.faults)
_LOOK = Settings(services=(ServiceRule(name="*", depth=Depth.OFF),))  # what may be noticed before
_SETTINGS = Settings(probes=Probes(timeout=2, repeat_after=0.5))


def examine(folder: Path, rows: tuple[Fault, ...]) -> dict[str, Verdict]:
    """Build these rows, sweep once, end everything; returns the verdicts by name of the row."""
    lab = Lab(folder)
    try:
        benches = {fault.name: Bench(lab, fault.name) for fault in rows}
        for fault in rows:
            fault.build(benches[fault.name])
        if lab.edits:
            asyncio.run(sweep(_LOOK, tuple(dict.fromkeys(config for config, _ in lab.edits))))
        for _, edit in lab.edits:
            edit()
        store = asyncio.run(sweep(_SETTINGS, (str(lab.conf),)))
        return {fault.name: _verdict(fault, benches[fault.name], store) for fault in rows}
    finally:
        lab.close()


def _verdict(fault: Fault, bench: Bench, store: Store) -> Verdict:
    rows = [row for row in store.rows() if row.key.config == str(bench.config)]
    row = next((each for each in rows if each.tunnel.service.name == bench.name), rows[0])
    others = [finding for each in rows if each is not row for finding in each.findings]
    found = (*row.findings, *(() if fault.codes else others))
    wanted = tuple(word.format(port=bench.accept, target=bench.target) for word in fault.words)
    return Verdict(fault, found, wanted, row.state.value)
