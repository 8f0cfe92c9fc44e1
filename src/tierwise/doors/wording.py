"""What a filled-in spreadsheet is refused for, in the language it was made in."""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tierwise.kernel.audit import Refused

# The reader of workbooks knows no language. What it says is known here, with what it fills in between.
_READER: tuple[tuple[str, str | Promise], ...] = (
    (r"the formula in this cell has an error; write the value itself",
     _("The formula in this cell has an error; write the value itself")),
    (r"write a number, with a point before decimals and nothing between thousands",
     _("Write a number, with a point before decimals and nothing between thousands")),
    (r"write a number", _("Write a number")),
    (r"this number is out of all bounds", _("This number is out of all bounds")),
    (r"write a whole number", _("Write a whole number")),
    (r"write a date as year-month-day, such as (?P<day>\S+)",
     _("Write a date as year-month-day, such as %(day)s")),
    (r"there is no such day", _("There is no such day")),
    (r"this row is not of the form; only its rows can be filled",
     _("This row is not of the form; only its rows can be filled")),
    (r"this row stands here twice, the first time in row (?P<row>\d+)",
     _("This row stands here twice, the first time in row %(row)s")),
    (r"(?P<n>\d+) characters are too many; at most (?P<most>\d+) fit",
     _("%(n)s characters are too many; at most %(most)s fit")),
    (r"at most (?P<n>\d+) decimals are kept", _("At most %(n)s decimals are kept")),
    (r"must be (?P<least>\S+) or more", _("Must be %(least)s or more")),
    (r"must be (?P<most>\S+) or less", _("Must be %(most)s or less")),
    (r"choose one of: (?P<all>.+)", _("Choose one of: %(all)s")),
    (r"The file is not a workbook that can be read; save it as .xlsx and try again",
     _("The file is not a workbook that can be read; save it as .xlsx and try again")),
    (r"The workbook unpacks to more than (?P<n>\d+) MB; send it in parts",
     _("The workbook unpacks to more than %(n)s MB; send it in parts")),
    (r"The file is larger than (?P<n>\d+) MB", _("The file is larger than %(n)s MB")),
    (r"The sheet has more than (?P<n>\d+) filled rows; send it in parts",
     _("The sheet has more than %(n)s filled rows; send it in parts")),
    (r"The workbook is locked with a password or packed in an unusual way; save it anew",
     _("The workbook is locked with a password or packed in an unusual way; save it anew")),
    (r"This form is of another release; download it anew", _("This form is of another release; download it anew")),
    (r"This workbook was not made here, or its hidden sheet is gone; download the form and fill that one in",
     _("This workbook was not made here, or its hidden sheet is gone; download the form and fill that one in")),
    (r"The hidden sheet of this form is damaged; download it anew",
     _("The hidden sheet of this form is damaged; download it anew")),
    (r"The sheet '(?P<sheet>.*)' is gone; download the form anew",
     _("The sheet “%(sheet)s” is gone; download the form anew")),
    (r"Sheet '(?P<sheet>.*)', cell A1: the header row is gone; its first column reads '(?P<key>.*)'",
     _("Sheet “%(sheet)s”, cell A1: the header row is gone; its first column reads “%(key)s”")),
    (r"Sheet '(?P<sheet>.*)', cell (?P<cell>[^:]+): the header '(?P<title>.*?)' is gone, "
     r"where '(?P<now>.*)' stands now; put it back",
     _("Sheet “%(sheet)s”, cell %(cell)s: the header “%(title)s” is gone, where “%(now)s” stands now; put it back")),
    (r"Sheet '(?P<sheet>.*)', cell (?P<cell>[^:]+): the header '(?P<title>.*)' is gone; put it back",
     _("Sheet “%(sheet)s”, cell %(cell)s: the header “%(title)s” is gone; put it back")),
)  # fmt: skip


def read_fault(text: str) -> str:
    """What the reader of a workbook says, in the language that is spoken now."""
    for pattern, words in _READER:
        if found := re.fullmatch(pattern, text):
            return str(words) % found.groupdict() if found.groupdict() else str(words)
    return text[:1].upper() + text[1:]


def refusal_text(error: Refused | ValueError) -> str:
    """Why a file or a row was refused; ``Refused`` holds English where nobody has put it into words yet."""
    if isinstance(error, Refused):
        return gettext(error.message) if error.message else ""
    return read_fault(str(error))
