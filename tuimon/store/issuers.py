"""Who issued whom in the fleet: the authorities that services send along after their own certificates.

Rule: a name that is a root's too is nobody's intermediate: a root may be left out of a chain.
"""

from tuimon.model.certificate import Certificate, CertificateFile


class Issuers:
    """Built once from all files that were read, when it is first asked."""

    def __init__(self, files: dict[str, CertificateFile]) -> None:
        self._files = files
        self._sent: dict[str, list[Certificate]] | None = None
        self._roots: set[str] = set()

    def of(self, child: Certificate | None) -> Certificate | None:
        """The intermediate authority that issued `child`, where one is known."""
        if child is None or child.self_signed:
            return None
        if self._sent is None:
            self._sent = self._gather()
        if child.issuer in self._roots:
            return None
        fitting = (
            each
            for each in self._sent.get(child.issuer, ())
            if not child.aki or not each.ski or child.aki == each.ski
        )
        return next(fitting, None)

    def _gather(self) -> dict[str, list[Certificate]]:
        sent: dict[str, list[Certificate]] = {}
        for file in self._files.values():
            for at, each in enumerate(file.certificates):
                if each.self_signed:
                    self._roots.add(each.subject)
                elif at and each.ca and not file.certificates[0].ca:
                    sent.setdefault(each.subject, []).append(each)
        return sent
