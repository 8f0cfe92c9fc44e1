"""News in words: on the home pages of both sides, and in the mails that bring it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.directory.ports import notice_wording
from tierwise.directory.records import NoticeRecord
from tierwise.directory.wording import language_for
from tierwise.web import formats

MOST = 20
"""Lines of one mail, and of the list on a home page; what is older stands where it belongs."""


@dataclass(frozen=True, slots=True)
class News:
    """One notice in the reader's language."""

    text: str
    href: str
    at: datetime
    effective_on: date | None
    details: tuple[str, ...] = ()


def in_words(notices: Iterable[NoticeRecord], *, at_desk: bool) -> list[News]:
    """Notices of kinds that somebody puts into words, the newest first."""
    found = []
    for one in notices:
        wording = notice_wording(one.kind)
        if wording is None:
            continue
        said = wording.say(one, at_desk)
        found.append(News(said.text, said.href, one.at, one.effective_on, said.details))
    return found


def mail(name: str, email: str, language: str, notices: Sequence[NoticeRecord], *, at_desk: bool) -> EmailMessage:
    """One mail with all that is new, in the reader's language."""
    with translation.override(language_for(language, supplier=not at_desk)):
        news = in_words(notices[:MOST], at_desk=at_desk)
        more = len(notices) - len(news)
        parts = [_("Hello %(name)s,") % {"name": name}, *(_paragraph(one) for one in news)]
        if more > 0:
            parts.append(ngettext("%d more stands in Tierwise.", "%d more stand in Tierwise.", more) % more)
        parts.append(_("You get this because you work with Tierwise for your company: %(home)s") % {"home": link("/")})
        subject = news[0].text if len(news) == 1 and more <= 0 else _("News in Tierwise")
        return EmailMessage(subject, "\n\n".join(parts) + "\n", None, [email])


def _paragraph(one: News) -> str:
    lines = [one.text]
    if one.effective_on is not None:
        lines.append(_("From %(day)s on.") % {"day": formats.business_date(one.effective_on)})
    lines += [f"- {detail}" for detail in one.details]
    return "\n".join([*lines, link(one.href)])


def link(path: str) -> str:
    """An address as it stands in a mail, where no request says under which name we are reached."""
    return f"{settings.TIERWISE_ADDRESS}{path}"
