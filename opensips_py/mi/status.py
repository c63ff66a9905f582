"""The management commands for status reports."""
from __future__ import annotations

import time
from typing import Any

from opensips_py.errors import MIError
from opensips_py.module import Module, mi
from opensips_py.module.status import ALL, E_CORE_SR_STATUS_CHANGED, Identifier, StatusReports

NOT_FOUND = 404
DATE = "%a %b %e %H:%M:%S %Y"


def status_row(one: Identifier) -> dict[str, Any]:
    """A status as management tells it."""
    row: dict[str, Any] = {"Readiness": one.status > 0, "Status": one.status}
    return {**row, "Details": one.details} if one.details else row


def report_rows(one: Identifier) -> list[dict[str, Any]]:
    """The reports of a part, oldest first."""
    return [{"Timestamp": when, "Date": time.strftime(DATE, time.localtime(when)), "Log": text}
            for when, text in one.reports]


class StatusCommands(Module, name="mi_status", events=[E_CORE_SR_STATUS_CHANGED]):
    """Which parts of the server are ready, and what they report."""

    @property
    def reports(self) -> StatusReports:
        """All status reports, as this worker knows them."""
        found: StatusReports = self.services.reports
        return found

    @mi(None, "sr_get_status", v40="status_report:get", dialect="4.0")
    def get_status(self, group: str, identifier: str | None = None) -> dict[str, Any]:
        """The status of one *identifier* of a *group*, of its main one, or with all of the group as a whole."""
        if identifier == ALL:
            self.group(group)
            status = self.reports.status(group, ALL) or 0
            return {"Readiness": status > 0, "Status": status, "Details": "aggregated"}
        return status_row(self.one(group, identifier))

    @mi(None, "sr_list_status", v40="status_report:status", dialect="4.0")
    def list_status(self, group: str | None = None) -> list[dict[str, Any]]:
        """The status of all identifiers, or of those of one *group*."""
        if group is not None:
            return [{"Name": name, **status_row(each)} for name, each in self.group(group).items()]
        return [{"Name": name, "Identifiers": self.list_status(name)} for name in self.reports.groups]

    @mi(None, "sr_list_reports", v40="status_report:reports", dialect="4.0")
    def list_reports(self, group: str | None = None, identifier: str | None = None) -> list[dict[str, Any]]:
        """What all identifiers have reported, or those of one *group*, or one *identifier* of it."""
        if group is None:
            return [{"Name": name, "Identifiers": self.list_reports(name)} for name in self.reports.groups]
        if identifier is not None:
            return report_rows(self.one(group, identifier))
        return [{"Name": name, "Reports": report_rows(each)} for name, each in self.group(group).items()]

    @mi(None, "sr_list_identifiers", v40="status_report:identifiers", dialect="4.0")
    def list_identifiers(self, group: str | None = None) -> list[dict[str, Any]] | dict[str, Any]:
        """The identifiers there are, by group, or those of one *group*."""
        if group is not None:
            return {"Group": group, "Identifiers": list(self.group(group))}
        return [{"Group": name, "Identifiers": list(each)} for name, each in self.reports.groups.items()]

    def group(self, name: str) -> dict[str, Identifier]:
        """The identifiers of a group; MIError where there is no such group."""
        found = self.reports.groups.get(name)
        if found is None:
            raise MIError(NOT_FOUND, "Group not found")
        return found

    def one(self, group: str, identifier: str | None) -> Identifier:
        """One identifier; MIError where there is none."""
        found = self.group(group).get(identifier or "main")
        if found is None:
            raise MIError(NOT_FOUND, "Identity not found")
        return found
