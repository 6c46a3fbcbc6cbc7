"""Owns delimited text as a kind of list: CSV, TSV and what else has a record a line."""

from __future__ import annotations

from mailtui.audience.csv_blocks import read_source
from mailtui.audience.csv_reader import Layout
from mailtui.audience.formats.format import Format
from mailtui.audience.sniff import sniff

DELIMITED = Format("csv", Layout, sniff, read_source)
