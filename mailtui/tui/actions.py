"""Owns every action of the app: the one table that bindings, footer, palette and help are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = "app"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `name` is the method `action_<name>`, `keys` as Textual writes them.

    `label` is the word in the footer, `what` the sentence in palette, tooltip and help.
    """

    name: str
    keys: str
    label: str
    what: str
    show: bool = True
    priority: bool = False
    """Works also where a dialog or a field has the keys."""


ACTIONS: Mapping[str, tuple[Action, ...]] = {
    EVERYWHERE: (
        Action("go('home')", "1,f2", "Home", "Campaigns and how they stand", show=False),
        Action("go('audience')", "2,f3", "List", "The list: what was understood, and its rows", show=False),
        Action("go('rules')", "3,f4", "Rules", "Who of the list is meant", show=False),
        Action("go('message')", "4,f5", "Message", "The message's files and their fields", show=False),
        Action("go('preview')", "5,f6", "Preview", "Any recipient's mail", show=False),
        Action("go('review')", "6,f7", "Review", "What is about to be sent; start it", show=False),
        Action("go('board')", "7,f8", "Sending", "The workers at work", show=False),
        Action("go('report')", "8,f9", "Report", "What became of every recipient", show=False),
        Action("open", "o", "Open", "Open a campaign file or a list"),
        Action("help", "question_mark,f1", "Help", "What can be done here, and with which keys"),
        Action("quit", "ctrl+q", "Quit", "Leave the app; what is being sent goes on", priority=True),
    ),
    "home": (
        Action("show_board", "enter", "Watch", "Watch the campaign under the cursor, or see its report"),
        Action("demo", "d", "Demo", "Load the sample campaign, ready to be sent to a sandbox on this machine"),
        Action("resume", "r", "Resume", "Go on with the campaign under the cursor"),
        Action("leave", "q", "Quit", "Leave the app", show=False),
    ),
    "audience": (
        Action("problems", "p", "Problems", "The rows that get no mail, and why"),
        Action("goto", "g", "Go to", "Go to a row by its number"),
        Action("explain", "e", "Why", "Why the row under the cursor is in or out"),
        Action("preview_row", "v", "Mail", "See the mail of the row under the cursor"),
        Action("copy", "y", "Copy", "Copy the address of the row under the cursor", show=False),
        Action("stop", "escape", "Stop reading", "Stop reading the list that is being opened"),
        Action("put_away", "escape", "Close error", "Put the error away", show=False),
    ),
    "rules": (
        Action("apply", "ctrl+s", "Apply", "Use this filter for the campaign"),
        Action("reset", "ctrl+r", "Reset", "Go back to the filter as it is set"),
        Action("leave_editor", "escape", "Leave", "Leave the editor, so that letters and digits are keys", show=False),
    ),
    "message": (
        Action("next_file", "n", "Next file", "The next of the message's files"),
        Action("check", "c", "Check", "Render every row and list what is wrong"),
        Action("reload", "r", "Reload", "Read the campaign file and the templates again"),
    ),
    "preview": (
        Action("next", "n,right", "Next", "The next recipient's mail"),
        Action("previous", "b,left", "Back", "The recipient before"),
        Action("goto", "g", "Go to", "A recipient by row or address"),
        Action("view", "v", "View", "The next view: laid out, text, headers, source"),
        Action("test", "t", "Test", "Send this mail to an address of yours"),
    ),
    "review": (
        Action("start", "s", "Start", "Type the number of recipients, and send"),
        Action("pace", "p", "Pace", "Change rate, burst and workers for this launch"),
        Action("again", "r", "Again", "Count and check anew"),
        Action("leave_pace", "escape", "Done", "Leave the fields of the pace", show=False),
    ),
    "board": (
        Action("pause", "space,p", "Pause", "Begin no further message; what is under way finishes"),
        Action("resume", "r", "Resume", "Go on"),
        Action("cancel", "x", "Cancel", "Stop for good; who waits gets nothing"),
        Action("workers(1)", "plus,equals_sign", "More", "One worker more"),
        Action("workers(-1)", "minus", "Fewer", "One worker less"),
        Action("rate", "t", "Rate", "Change how many messages a second may begin"),
        Action("report", "enter", "Report", "What became of every recipient", show=False),
    ),
    "report": (
        Action("state", "f", "Only", "Show only one state: all, failed, unknown, deferred, and so on"),
        Action("page(1)", "n", "Next", "The next page"),
        Action("page(-1)", "b", "Back", "The page before"),
        Action("again", "ctrl+r", "Again", "Read the report anew", show=False),
        Action("export", "e", "Export", "Write the report to a file"),
    ),
}


def bindings(room: str) -> list[BindingType]:
    """The key bindings of a room, or of the app."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.show,
            priority=action.priority,
            tooltip=action.what,
            id=f"{room}.{action.name}",
        )
        for action in ACTIONS[room]
    ]
