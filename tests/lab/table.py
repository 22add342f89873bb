"""All rows of the laboratory, what one sweep says of them, and the table that it prints.

Rule: everything is broken first and then swept once, through the same runtime as `tuimon status`.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.lab import (
    certificate,
    config,
    healthy_client,
    healthy_history,
    healthy_server,
    healthy_trust,
    listener,
    machine,
    process,
    remote,
    target,
    trust,
)
from tests.lab.bench import Bench, Lab
from tests.lab.row import Fault
from tuimon.commands.status import sweep
from tuimon.diagnose.finding import Finding, Severity
from tuimon.settings import Probes, Settings
from tuimon.store import Store

_FAULTY = (config, machine, process, listener, certificate, target, remote, trust)
_HEALTHY = (healthy_server, healthy_client, healthy_history, healthy_trust)
FAULTS = tuple(each for kin in _FAULTY for each in kin.shelf.faults)
ODDITIES = tuple(each for kin in _HEALTHY for each in kin.shelf.faults)
_SETTINGS = Settings(probes=Probes(timeout=2, repeat_after=0.5))


@dataclass(frozen=True)
class Verdict:
    """What the sweep said of one row: the findings of its service, and whether they are right."""

    fault: Fault
    findings: tuple[Finding, ...]
    wanted: tuple[str, ...]
    state: str

    @property
    def first(self) -> Finding | None:
        return self.findings[0] if self.findings else None

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Findings that would disturb somebody."""
        return tuple(each for each in self.findings if each.severity is not Severity.INFO)

    @property
    def right(self) -> bool:
        """For a fault: the first finding is its cause, in words; for an oddity: nobody is disturbed."""
        if not self.fault.codes:
            return not self.alarms and self.state in {"ok", "not-probed"}
        said = self.first
        return (
            said is not None
            and said.code in self.fault.codes
            and all(word in said.text for word in self.wanted)
        )

    def __str__(self) -> str:
        said = f"{self.first.code}: {self.first.text}" if self.first else "nothing"
        wanted = " or ".join(self.fault.codes) or "healthy"
        return (
            f"{'right' if self.right else 'WRONG'}  {self.fault.name:34} {wanted:26} {self.state:10} {said}"
        )


def examine(folder: Path) -> dict[str, Verdict]:
    """Build every row, sweep once, end everything; returns the verdicts by name of the row."""
    lab = Lab(folder)
    try:
        benches = {fault.name: Bench(lab, fault.name) for fault in (*FAULTS, *ODDITIES)}
        for fault in (*FAULTS, *ODDITIES):
            fault.build(benches[fault.name])
        store = asyncio.run(sweep(_SETTINGS, (str(lab.conf),)))
        return {fault.name: _verdict(fault, benches[fault.name], store) for fault in (*FAULTS, *ODDITIES)}
    finally:
        lab.close()


def _verdict(fault: Fault, bench: Bench, store: Store) -> Verdict:
    rows = [row for row in store.rows() if row.key.config == str(bench.config)]
    row = next((each for each in rows if each.tunnel.service.name == bench.name), rows[0])
    others = [finding for each in rows if each is not row for finding in each.findings]
    found = (*row.findings, *(() if fault.codes else others))
    wanted = tuple(word.format(port=bench.accept, target=bench.target) for word in fault.words)
    return Verdict(fault, found, wanted, row.state.value)


def report(verdicts: dict[str, Verdict]) -> list[str]:
    """The table, wrong rows last, and the score."""
    named = [verdicts[fault.name] for fault in FAULTS]
    odd = [verdicts[fault.name] for fault in ODDITIES]
    rows = sorted((*named, *odd), key=lambda each: not each.right)
    lines = [str(each) for each in rows]
    hit, calm = sum(each.right for each in named), sum(each.right for each in odd)
    return [*lines, f"{hit} of {len(named)} faults named, {calm} of {len(odd)} healthy oddities left alone"]
