"""News of what two companies do together, for the supplier's people: offers, publications, rulings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory.actions import give_notices
from tierwise.directory.ports import NoticeWording, Said, register_notice_wording
from tierwise.directory.records import NoticePut, NoticeRecord
from tierwise.kernel.outbox import subscribe
from tierwise.kernel.viewer import Viewer


def tell_offered(worker: Viewer, news: dict[str, Any]) -> None:
    said = {"agreement": news["agreement"], "number": news["number"]}
    give_notices(worker, [NoticePut(UUID(news["supplier"]), "agreement_offered", str(news["version_id"]), said)])


def tell_published(worker: Viewer, news: dict[str, Any]) -> None:
    said = {"number": news["number"], "title": news["title"]}
    give_notices(worker, [NoticePut(UUID(news["supplier"]), "publication_made", str(news["publication"]), said)])


def tell_ruled(worker: Viewer, news: dict[str, Any]) -> None:
    said = {name: news[name] for name in ("order", "line", "state")}
    give_notices(worker, [NoticePut(UUID(news["supplier"]), "case_ruled", str(news["case"]), said)])


def _offered(notice: NoticeRecord, at_desk: bool) -> Said:
    del at_desk
    text = _("Your customer offers you agreement %(number)s, to be accepted or declined") % notice.said
    return Said(text, reverse("portal-agreement", args=[notice.said["agreement"]]))


def _published(notice: NoticeRecord, at_desk: bool) -> Said:
    del at_desk
    return Said(_("Published to you: %(title)s") % notice.said, reverse("portal-publication", args=[notice.key]))


def _ruled(notice: NoticeRecord, at_desk: bool) -> Said:
    del at_desk
    upheld = _("Your dispute of order %(order)s, line %(line)s was upheld")
    rejected = _("Your dispute of order %(order)s, line %(line)s was rejected")
    text = upheld if notice.said["state"] == "upheld" else rejected
    return Said(text % notice.said, reverse("portal-case", args=[notice.key]))


def register() -> None:
    subscribe("agreement_offered", tell_offered)
    subscribe("publication_made", tell_published)
    subscribe("case_ruled", tell_ruled)
    register_notice_wording("agreement_offered", NoticeWording(_offered, prompt=True))
    register_notice_wording("publication_made", NoticeWording(_published))
    register_notice_wording("case_ruled", NoticeWording(_ruled))
