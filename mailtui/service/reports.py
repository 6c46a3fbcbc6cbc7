"""Owns the report's forms, for faces that write them out."""

from __future__ import annotations

from mailtui.outbox.states import DeliveryState
from mailtui.report.export import ReportLine, as_csv, csv_header
from mailtui.report.export import as_json as as_json_line

MET = ("sent", "failed", "unknown", "deferred", "queued", "suppressed", "cancelled", "expired")
"""The states in which a person meets recipients; the others pass in an instant."""

STATES = [str(state) for state in DeliveryState]

__all__ = ["MET", "STATES", "ReportLine", "advice_for", "as_csv", "as_json_line", "csv_header"]


def advice_for(line: ReportLine) -> str:
    """What a person can do about one recipient; empty where nothing is to be done."""
    if line.state == "unknown":
        return "It may have arrived. Look in the server's log, or ask; then settle it."
    if line.state == "deferred":
        return "It is tried again by itself when its time has come; or at once, if you say so."
    if line.state != "failed":
        return ""
    if line.stage == "render":
        return "No mail could be made of this row. Mend the list or the template, and run the campaign again."
    if (line.enhanced or "").startswith("5.1."):
        return "The address is refused as such. Correct it, or let it be."
    if line.reason.startswith("gave up"):
        return "The server never took it. Try again when the server is well."
    return "The server refused it for good. Try again once what it says is mended."
