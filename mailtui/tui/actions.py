"""Owns every action of the app: the one table that bindings, footer, palette and help are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

EVERYWHERE = "app"
_ROWS = "Open a list with rows first: o."
_LIST = "Open a list first: o."
_FIND = "Find something first: /."
_NODE = "It takes a part of the filter under the cursor."
_CHANGED = "Nothing has been changed in the tree, or taken back."
_TEXT = "It takes a text that is shown here."
_CAMPAIGN = "Open a campaign file first: o."
_MAIL = "There is no mail to look at here."
_IDLE = "It takes an open campaign, and no launch of it under way."
_SENT = "Nothing has been sent yet."
_NOBODY = "Nobody is on the suppression list yet: a adds an address."
_ENTRY = "It takes an entry under the cursor; those of one campaign come from its own lists."
_RESTS = "Only a campaign that is paused or lost can go on."
_TIMED = "It takes something under the cursor that is to go out by itself."
_RUNNER = "Nothing that is to go out waits for a process to send it."
_ACCOUNT = "There is no account under the cursor yet: a adds one."


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
    needs: str = ""
    """Said when it is greyed and is tried nevertheless: what it takes."""


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
        Action(
            "go('suppression')", "9,f12", "Never mail", "Who gets nothing, from any campaign or one list's", show=False
        ),
        Action("go('accounts')", "0,f10", "Accounts", "The servers to send through, and their passwords", show=False),
        Action("go('scheduled')", "S,ctrl+l", "Scheduled", "What is to go out, and when; what was sent", show=False),
        Action("open", "o", "Open", "Open a campaign file or a list"),
        Action("help", "question_mark,f1", "Help", "What can be done here, and with which keys"),
        Action("quit", "ctrl+q", "Quit", "Leave the app; what is being sent goes on", priority=True),
    ),
    "home": (
        Action(
            "show_board",
            "enter",
            "Watch",
            "Watch the campaign under the cursor, or see its report",
            needs="There is no campaign under the cursor yet.",
        ),
        Action(
            "demo",
            "d",
            "Demo",
            "Load the sample campaign beside a sandbox on this machine",
            needs="This is the demo already: 6 shows what is about to be sent.",
        ),
        Action("resume", "r", "Resume", "Go on with the campaign under the cursor", needs=_RESTS),
        Action("start_runner", "b", "Runner", "Start the process that sends what is scheduled", needs=_RUNNER),
        Action("leave", "q", "Quit", "Leave the app", show=False),
    ),
    "audience": (
        Action("mend", "h", "How read", "See and mend how the list is read: encoding, header, types", needs=_LIST),
        Action("view(1)", "f", "Only", "Look at some rows only: matched, out, unusable, duplicates", needs=_ROWS),
        Action("view(-1)", "F", "Only", "The kind of rows before", show=False, needs=_ROWS),
        Action("sort", "s", "Sort", "By the column under the cursor: up, down, as in the list", needs=_ROWS),
        Action("find", "slash", "Find", "Find a text in any cell", needs=_ROWS),
        Action("find_next(1)", "n", "Next", "The next row with the text", show=False, needs=_FIND),
        Action("find_next(-1)", "N", "Back", "The row with the text before", show=False, needs=_FIND),
        Action("problems", "p", "Problems", "The rows that get no mail, and why; into a file", needs=_ROWS),
        Action(
            "explain", "e", "Why", "Everything about the row under the cursor, and why it is in or out", needs=_ROWS
        ),
        Action(
            "preview_row",
            "v",
            "Mail",
            "See the mail of the row under the cursor",
            needs="A row has a mail once a campaign file is open: o.",
        ),
        Action("goto", "g", "Go to", "Go to a row by its number or address", needs=_ROWS),
        Action("reread", "r", "Read again", "Read the list again, as its file is now", show=False, needs=_LIST),
        Action("columns", "c", "Columns", "All columns with their types; go to one of them", needs=_LIST),
        Action("mend_column", "t", "Type", "As what the column under the cursor compares", show=False, needs=_LIST),
        Action(
            "everything", "i", "All notes", "Everything that was understood, with every note", show=False, needs=_LIST
        ),
        Action(
            "domains", "m", "Check MX", "Ask the DNS whether the recipients' domains take mail", show=False, needs=_ROWS
        ),
        Action(
            "suppress",
            "d",
            "Never",
            "Put the address under the cursor on the suppression list",
            show=False,
            needs=_ROWS,
        ),
        Action("copy", "y", "Copy", "Copy the address of the row under the cursor", show=False, needs=_ROWS),
        Action("stop", "escape", "Stop reading", "Stop reading the list that is being opened"),
        Action("put_away", "escape", "Close", "Put an error away; stop looking for a text", show=False),
    ),
    "rules": (
        Action("leave_editor", "escape", "Leave the line", "Leave the line, so that letters and digits are keys again"),
        Action("leave_rows", "escape", "To the tree", "Leave the rows for the tree"),
        Action("choose", "enter", "Change", "Change the comparison under the cursor; of a group, and to or and back"),
        Action("add_line", "a", "Add", "Add a comparison after the cursor"),
        Action("add_group", "g", "Group", "Add a comparison in a group of its own"),
        Action("edit_tree('negate')", "n", "Not", "Turn what is under the cursor around, or back", needs=_NODE),
        Action("edit_tree('toggle')", "t", "And/or", "Make the group's and an or, or the other way", needs=_NODE),
        Action("edit_tree('remove')", "d,delete", "Delete", "Take away what is under the cursor", needs=_NODE),
        Action("switch", "ctrl+t", "Tree/line", "Go from the line to the tree, or back", needs=_LIST),
        Action("apply", "ctrl+s", "Apply", "Use this filter for the campaign", needs=_LIST),
        Action("reset", "ctrl+r", "Reset", "Go back to the filter as it is set", needs=_LIST),
        Action("undo", "ctrl+z,u", "Undo", "Take the last change of the tree back", show=False, needs=_CHANGED),
        Action("redo", "ctrl+y", "Redo", "Make the change again that was taken back", show=False, needs=_CHANGED),
        Action("edit_tree('wrap')", "w", "Wrap", "Put a group around it", show=False, needs=_NODE),
        Action("edit_tree('unwrap')", "x", "Unwrap", "Take the group around its members away", show=False, needs=_NODE),
        Action("edit_tree('up')", "shift+up,K", "Up", "Move it up, or out of its group", show=False, needs=_NODE),
        Action("edit_tree('down')", "shift+down,J", "Down", "Move it down, or out of it", show=False, needs=_NODE),
        Action("edit_tree('in')", "shift+right,L", "In", "Move it into the group beside it", show=False, needs=_NODE),
        Action("edit_tree('out')", "shift+left,H", "Out", "Move it out of its group", show=False, needs=_NODE),
    ),
    "message": (
        Action("save", "ctrl+s", "Save", "Save every text that is changed", needs=_CAMPAIGN),
        Action("insert", "ctrl+t", "Field", "Choose a field and write it at the cursor", needs=_TEXT),
        Action("next_mistake", "ctrl+n", "Mistake", "Go to the next mistake", needs="No mistake is known."),
        Action("live", "ctrl+r", "Mail", "Show the mail as the text makes it now, or hide it", needs=_CAMPAIGN),
        Action("find", "ctrl+f", "Find", "Find a text in this file", show=False, needs=_TEXT),
        Action("goto_line", "ctrl+g", "Line", "Go to a line by its number", show=False, needs=_TEXT),
        Action(
            "check",
            "c",
            "Check",
            "Render every row and list what is wrong",
            needs="There is no message to check, or it is being checked already.",
        ),
        Action("stop_check", "escape", "Stop", "Stop the check", show=False, needs="Nothing is being checked."),
        Action("outside", "ctrl+o", "Editor", "Open the file with $VISUAL or $EDITOR", needs=_TEXT),
        Action("next_file", "n", "Next file", "The next of the message's files", show=False, needs=_CAMPAIGN),
        Action("reload", "r", "Reload", "Read the campaign file and the templates again", needs=_CAMPAIGN),
    ),
    "preview": (
        Action("next", "n,right", "Next", "The next recipient's mail", needs=_CAMPAIGN),
        Action("previous", "b,left", "Back", "The recipient before", needs=_CAMPAIGN),
        Action("view(1)", "v", "View", "The next view: laid out, text, headers, tree, source", needs=_MAIL),
        Action("find", "slash", "Find", "Recipients with a text in any cell; n and b go through them", needs=_CAMPAIGN),
        Action("goto", "g", "Go to", "A recipient by row or address", needs=_CAMPAIGN),
        Action("worst", "w", "Worst", "Rows to look at first: longest, blank, beyond ASCII", needs=_CAMPAIGN),
        Action(
            "test",
            "t",
            "Test",
            "Send this mail to an address of yours",
            needs="There is no mail to send here, or it is still being rendered.",
        ),
        Action("compare", "d", "Differ", "How this mail differs from the marked one, or from a row's", needs=_MAIL),
        Action("turn", "s", "Side", "What differs in two columns, or below each other"),
        Action("mark", "m", "Mark", "Mark this mail, to see how others differ from it", needs=_MAIL),
        Action("browser", "B", "Browser", "Open it in the browser: a private page that loads nothing", needs=_MAIL),
        Action("picture", "p", "Picture", "A picture of it, drawn by a browser without network", needs=_MAIL),
        Action("dry_run", "e", "To files", "Write the mails to files; nothing is sent", needs=_CAMPAIGN),
        Action("view(-1)", "V", "View", "The view before", show=False, needs=_MAIL),
        Action("put_away", "escape", "Back", "Out of a search, an error, a comparison, what was found", show=False),
    ),
    "review": (
        Action(
            "start",
            "s",
            "Start",
            "Type the number of recipients, and send",
            needs="It can be started when the check is done and finds no error.",
        ),
        Action("when", "w", "When", "At once, at a time, again and again; only at some hours", needs=_IDLE),
        Action("pace", "p", "Pace", "Change rate, burst, workers and window for this launch", needs=_IDLE),
        Action("again", "r", "Again", "Count and check anew", needs=_IDLE),
        Action("try_out", "t", "Test", "Try the server out, step by step; nothing is sent", needs=_IDLE),
        Action(
            "domain",
            "d",
            "Domain",
            "Ask the DNS about the sender's domain: SPF, DKIM, DMARC, MX",
            needs="It is asked about once the check is done.",
        ),
        Action("dry_run", "e", "To files", "Write the mails to files; nothing is sent", needs=_CAMPAIGN),
        Action("stop_check", "escape", "Stop", "Stop the check", show=False, needs="Nothing is being checked."),
        Action("leave_pace", "escape", "Done", "Leave the fields of the pace", show=False),
    ),
    "board": (
        Action(
            "pause",
            "space,p",
            "Pause",
            "Begin no further message; what is under way finishes",
            needs="Only a campaign that is being sent can be paused.",
        ),
        Action("resume", "r", "Resume", "Go on", needs=_RESTS),
        Action(
            "cancel",
            "x",
            "Cancel",
            "Stop for good; who waits gets nothing",
            needs="Only a campaign that is being sent or paused can be stopped.",
        ),
        Action(
            "workers(1)",
            "plus,equals_sign",
            "More",
            "One worker more",
            needs="Workers can be added while a campaign is being sent.",
        ),
        Action(
            "workers(-1)",
            "minus",
            "Fewer",
            "One worker less",
            needs="Workers can be taken away while a campaign is being sent.",
        ),
        Action(
            "rate",
            "l",
            "Limit",
            "Change how many messages a second may begin, and the window",
            needs="The rate can be changed while a campaign is being sent or paused.",
        ),
        Action("report", "enter", "Report", "What became of every recipient", show=False, needs=_SENT),
    ),
    "report": (
        Action("state", "f", "Only", "Show only one state: all, failed, unknown, deferred, and so on", needs=_SENT),
        Action("page(1)", "n", "Next", "The next page", needs="There is no further page."),
        Action("page(-1)", "b", "Back", "The page before", needs="This is the first page."),
        Action("goto", "g", "Go to", "Go to a recipient by number or address", needs=_SENT),
        Action("retry", "r", "Retry", "Send again what failed or is deferred", needs="Nobody failed or is deferred."),
        Action("resolve", "u", "Unknown", "Settle what may have arrived", needs="No outcome is unknown."),
        Action(
            "address",
            "a",
            "Address",
            "Correct the address of the recipient under the cursor, and send again",
            needs="The recipient under the cursor has neither failed nor is deferred.",
        ),
        Action("again", "ctrl+r", "Again", "Read the report anew", show=False, needs=_SENT),
        Action("export", "e", "Export", "Write the report to a file", needs=_SENT),
        Action("rows", "w", "Rows", "Write the rows of the list, with what happened to each", needs=_SENT),
        Action("suppress", "d", "Never", "Put the recipient under the cursor on the suppression list", needs=_SENT),
    ),
    "suppression": (
        Action("add", "a", "Add", "Put an address, or everybody at a domain, on the list"),
        Action("remove", "d,delete", "Take off", "Take the entry under the cursor off the list", needs=_ENTRY),
        Action("find", "slash", "Find", "Only addresses that have a text in them", needs=_NOBODY),
        Action("which", "f", "Only", "One list only: everybody's, then each by its name", needs=_NOBODY),
        Action("page(1)", "n", "Next", "The next page", needs="There is no further page."),
        Action("page(-1)", "b", "Back", "The page before", needs="This is the first page."),
        Action(
            "import_list", "i", "Import", "Put everybody in a file on the list", needs="A file is being read already."
        ),
        Action("export", "e", "Export", "Write the list to a file", needs=_NOBODY),
        Action("verify", "v", "Token", "Say whose a token is, of a mail or link that asks to leave, and put them here"),
        Action("again", "ctrl+r", "Again", "Read the list anew", show=False),
        Action("stop", "escape", "Stop", "Stop reading the file; who was read stays on the list"),
        Action("put_away", "escape", "Close", "Put an error away; show everybody again"),
    ),
    "accounts": (
        Action("add", "a", "Add", "Add an account: choose a provider, and fill in what it does not know"),
        Action("change", "e,enter", "Edit", "Change the account under the cursor", needs=_ACCOUNT),
        Action(
            "password",
            "p",
            "Password",
            "Keep the account's password in the keyring, use it for this run only, or forget it",
            needs="It takes an account that logs in with a password; one with a login at a provider has l.",
        ),
        Action(
            "login",
            "l",
            "Log in",
            "Log in at the account's provider, by browser or by a code",
            needs="It takes an account that logs in at a provider: e, then provider.",
        ),
        Action("try_out", "t", "Test", "Try the account out, step by step; nothing is sent", needs=_ACCOUNT),
        Action("dkim", "d", "DKIM", "The key that it signs mails with: its DNS record, a new one", needs=_ACCOUNT),
        Action("remove", "D,delete", "Remove", "Remove the account, and its secrets with it", needs=_ACCOUNT),
        Action("find", "slash", "Find", "Only accounts with these words: name, server …", show=False, needs=_ACCOUNT),
        Action("again", "ctrl+r", "Again", "Look once more where the secrets are", show=False),
        Action("put_away", "escape", "Close", "Put an error away; stop looking for words", show=False),
    ),
    "scheduled": (
        Action("open_row", "enter", "Open", "Change when it goes out; of what was sent, see its report", needs=_TIMED),
        Action("edit", "e", "Change", "Change when it goes out: time, interval, hours", show=False, needs=_TIMED),
        Action("send_now", "s", "Send now", "Send it now, without waiting for its time", needs=_TIMED),
        Action(
            "pause", "p", "Pause", "Have it wait until a person says go on", needs="It is paused already, or not there."
        ),
        Action("resume", "r", "Resume", "Go on with what is paused", needs="What is under the cursor is not paused."),
        Action("cancel", "x,delete", "Cancel", "Take it back: it does not go out", needs=_TIMED),
        Action("find", "slash", "Find", "Find what was sent: by name, list, file, state or day"),
        Action("start_runner", "b", "Runner", "Start the process that sends what is scheduled", needs=_RUNNER),
        Action("put_away", "escape", "Close", "Put an error away; stop looking for a text", show=False),
    ),
}


def needs(room: str, name: str) -> str:
    """What an action takes that can do nothing now; `name` as it is in the table."""
    return next((action.needs for action in ACTIONS.get(room, ()) if action.name == name), "")


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
