"""Words, values and policy facets of the directory that may cross a border."""

from tierwise.directory.records.calendars import BY_HAND, CalendarRecord, ClosedDay
from tierwise.directory.records.facets import (
    Attribution,
    Collaboration,
    Facet,
    facet_rules,
    facets,
    read_facet,
    register_facet,
    setting,
)
from tierwise.directory.records.notices import NoticePut, NoticeRecord
from tierwise.directory.records.words import (
    COMMON,
    AccessDecision,
    CompanyKind,
    CompanyRecord,
    CompanySide,
    Involvement,
    PersonRecord,
    SegmentRecord,
    SupportRecord,
    SupportState,
    TokenRecord,
    YearOfPurchases,
)

__all__ = [
    "BY_HAND",
    "COMMON",
    "AccessDecision",
    "Attribution",
    "CalendarRecord",
    "ClosedDay",
    "Collaboration",
    "CompanyKind",
    "CompanyRecord",
    "CompanySide",
    "Facet",
    "Involvement",
    "NoticePut",
    "NoticeRecord",
    "PersonRecord",
    "SegmentRecord",
    "SupportRecord",
    "SupportState",
    "TokenRecord",
    "YearOfPurchases",
    "facet_rules",
    "facets",
    "read_facet",
    "register_facet",
    "setting",
]  # fmt: skip
