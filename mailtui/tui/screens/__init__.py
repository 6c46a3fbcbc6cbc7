"""The screens, one file and one style sheet each."""

from __future__ import annotations

from collections.abc import Mapping

from mailtui.tui.room import Room
from mailtui.tui.screens.accounts import AccountsScreen
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.home import HomeScreen
from mailtui.tui.screens.message import MessageScreen
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.screens.review import ReviewScreen
from mailtui.tui.screens.rules import RulesScreen
from mailtui.tui.screens.scheduled import ScheduledScreen
from mailtui.tui.screens.suppression import SuppressionScreen

SCREENS: Mapping[str, type[Room]] = {
    "home": HomeScreen,
    "audience": AudienceScreen,
    "rules": RulesScreen,
    "message": MessageScreen,
    "preview": PreviewScreen,
    "review": ReviewScreen,
    "board": BoardScreen,
    "report": ReportScreen,
    "suppression": SuppressionScreen,
    "accounts": AccountsScreen,
    "scheduled": ScheduledScreen,
}
"""Every room and the screen that shows it."""
