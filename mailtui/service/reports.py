"""Owns the report's forms, for faces that write them out."""

from __future__ import annotations

from mailtui.outbox.states import DeliveryState
from mailtui.report.export import ReportLine, as_csv, csv_header
from mailtui.report.export import as_json as as_json_line

MET = ("sent", "failed", "unknown", "deferred", "queued", "suppressed", "cancelled", "expired")
"""The states in which a person meets recipients; the others pass in an instant."""

STATES = [str(state) for state in DeliveryState]

__all__ = ["MET", "STATES", "ReportLine", "as_csv", "as_json_line", "csv_header"]
