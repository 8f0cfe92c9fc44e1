"""The words of the directory's own news: supports that begin and end."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory.ports import NoticeWording, Said, register_notice_wording
from tierwise.directory.records import NoticeRecord


def confirmed(notice: NoticeRecord, at_desk: bool) -> Said:
    del at_desk
    text = _("You serve the segment %(segment)s: what is published for it is open to you")
    return Said(text % {"segment": notice.said["segment"]}, reverse("portal-company"))


def ended(notice: NoticeRecord, at_desk: bool) -> Said:
    del at_desk
    text = _(
        "You serve the segment %(segment)s until %(day)s; after that day what was published for it is closed to you"
    )
    said = {"segment": notice.said["segment"], "day": notice.said["last_day"]}
    return Said(text % said, reverse("portal-company"))


def register() -> None:
    register_notice_wording("support_confirmed", NoticeWording(confirmed, prompt=True))
    register_notice_wording("support_ended", NoticeWording(ended, prompt=True))
