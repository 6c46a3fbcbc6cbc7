"""Owns the report's forms, for faces that write them out."""

from __future__ import annotations

from mailtui.outbox.states import DeliveryState
from mailtui.report.export import ReportLine, as_csv, csv_header
from mailtui.report.export import as_json as as_json_line

STATES = [str(state) for state in DeliveryState]

__all__ = ["STATES", "ReportLine", "as_csv", "as_json_line", "csv_header"]
