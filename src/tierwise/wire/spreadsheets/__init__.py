"""Tables to and from Excel workbooks, and forms that are sent out, filled in and sent back."""

from tierwise.wire.spreadsheets.cells import Limits, Workbook
from tierwise.wire.spreadsheets.faults import FaultCode, UnreadableWorkbook, Why
from tierwise.wire.spreadsheets.forms import (
    Form,
    FormColumn,
    Note,
    Stamp,
    base_digest,
    base_of,
    render_form,
)
from tierwise.wire.spreadsheets.merging import Conflict, Merged, RowChange, merge_form
from tierwise.wire.spreadsheets.reading import Fault, FilledForm, FilledRow, read_form, read_stamp
from tierwise.wire.spreadsheets.tables import (
    Kind,
    Sheet,
    SheetColumn,
    read_sheet,
    read_workbook,
    write_workbook,
)
from tierwise.wire.spreadsheets.values import Value, restored

__all__ = [
    "Conflict",
    "Fault",
    "FaultCode",
    "FilledForm",
    "FilledRow",
    "Form",
    "FormColumn",
    "Kind",
    "Limits",
    "Merged",
    "Note",
    "RowChange",
    "Sheet",
    "SheetColumn",
    "Stamp",
    "UnreadableWorkbook",
    "Value",
    "Why",
    "Workbook",
    "base_digest",
    "base_of",
    "merge_form",
    "read_form",
    "read_sheet",
    "read_stamp",
    "read_workbook",
    "render_form",
    "restored",
    "write_workbook",
]
