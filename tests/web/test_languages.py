"""The portal and the sign-in page in German and Spanish: catalogues are whole, and each reader gets the right one."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable
from dataclasses import replace

import catalogues
import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at, at_once, entries, scored
from directory.signing_in import signed_in
from fixtures.worlds import World
from tierwise.directory.actions import choose_language
from tierwise.directory.inviting import SentInvitation, mail_invitation
from tierwise.directory.jobs import mail_notices
from tierwise.directory.models import Person
from tierwise.doors.sheets import make_sheet
from tierwise.kernel.audit import Invalid, NotAllowed
from tierwise.kernel.clock import now
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import Door, viewer_scope
from tierwise.web import errors
from tierwise.wire.spreadsheets import Workbook

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")


def catalogue(language: str) -> dict[str, catalogues.Message]:
    return catalogues.read(catalogues.LOCALE / language / "LC_MESSAGES/django.po")


@LANGUAGES
def test_everything_marked_is_translated_and_nothing_else_is_kept(language: str) -> None:
    wanted, found = catalogues.marked(), catalogue(language)
    assert len(wanted) > 450
    assert sorted(set(wanted) - set(found)) == [], "run `make words` and translate"
    assert sorted(set(found) - set(wanted)) == [], "run `make words`"
    for text, entry in found.items():
        assert entry.plural == wanted[text].plural, text
        assert len(entry.said) == (2 if entry.plural else 1), text
        assert all(said.strip() for said in entry.said), f"not translated: {text}"


@LANGUAGES
def test_what_is_filled_in_is_the_same_in_each_language(language: str) -> None:
    for text, entry in catalogue(language).items():
        for said in entry.said:
            assert sorted(PLACE.findall(said)) == sorted(PLACE.findall(text)), text
            assert said.startswith("\n") is text.startswith("\n"), text
            assert said.endswith("\n") is text.endswith("\n"), text


@LANGUAGES
def test_compiled_catalogues_read_back_with_the_standard_library(language: str) -> None:
    found = catalogue(language)
    binary = catalogues.compiled(language, found.values())
    assert binary == catalogues.compiled(language, reversed(found.values()))
    read = gettext.GNUTranslations(io.BytesIO(binary))
    for text, entry in found.items():
        if entry.plural:
            assert [read.ngettext(text, entry.plural, n) for n in (1, 2)] == entry.said
        else:
            assert read.gettext(text) == entry.said[0]


def test_a_catalogue_that_is_written_reads_back() -> None:
    given = [
        catalogues.Message('Say "no"\n\\ to %(n)s', said=["„Nein“\n\\ %(n)s"]),
        catalogues.Message("%d line", "%d lines", ["%d Zeile", "%d Zeilen"]),
    ]
    text = catalogues.render("de", given)
    assert [(m.text, m.plural, m.said) for m in catalogues.parsed(text).values()] == [
        (m.text, m.plural, m.said) for m in given
    ]


# --- who reads which


@pytest.mark.database
def test_the_browser_decides_until_somebody_chooses(world: World) -> None:
    desk = signed_in(world["a planner"])
    assert "Zu erledigen" in desk.client.get("/portal/", headers={"accept-language": "de-CH,de;q=0.9"}).content.decode()
    assert "What is due" in desk.client.get("/portal/", headers={"accept-language": "fr"}).content.decode()
    answer = desk.post(reverse("portal-language"), language="es", next="/portal/company/")
    assert answer.headers["Location"] == "/portal/company/"
    page = desk.client.get("/portal/company/", headers={"accept-language": "de"})
    assert '<html lang="es"' in page.content.decode()
    assert "Segmentos que atiende" in page.content.decode()
    assert page.headers["Content-Language"] == "es"
    other = Client(headers={"accept-language": "de"})
    other.cookies["django_language"] = answer.cookies["django_language"].value
    assert "Iniciar sesión" in other.get("/accounts/login/").content.decode()


@pytest.mark.database
@pytest.mark.parametrize(("asked", "words"), [("de", "Anmelden"), ("es", "Iniciar sesión"), ("en", "Sign in")])
def test_the_sign_in_page_speaks_and_lets_one_choose(world: World, asked: str, words: str) -> None:
    del world
    client = Client(headers={"accept-language": asked})
    assert words in client.get("/accounts/login/").content.decode()
    client.post("/i18n/setlang/", {"language": "es", "next": "/accounts/login/"})
    assert "Iniciar sesión" in client.get("/accounts/login/").content.decode()


@pytest.mark.database
def test_the_desk_stays_in_english_and_a_preview_follows_its_reader(world: World) -> None:
    desk = signed_in(world["planner"])
    page = desk.client.get("/desk/", headers={"accept-language": "de"}).content.decode()
    assert '<html lang="en"' in page
    assert "What is due" in page
    desk.post(reverse("desk-preview", args=[world.suppliers["A"]]), role="supplier_viewer")
    assert "Zu erledigen" in desk.client.get("/portal/", headers={"accept-language": "de"}).content.decode()


@pytest.mark.database
def test_refusals_numbers_and_words_in_the_browser_are_in_the_readers_language(world: World) -> None:
    with at():
        publication, lines = scored(world, "A")
        desk = signed_in(world["a viewer"])
        german = {"accept-language": "de"}
        refused = desk.client.get(reverse("portal-dispute", args=[lines[0]]), headers=german)
        assert "Ihre Rolle darf lesen" in refused.content.decode()
        missing = desk.client.get(reverse("portal-publication", args=[lines[0]]), headers=german)
        assert "Es gibt keine solche Veröffentlichung." in missing.content.decode()
        page = desk.client.get(reverse("portal-publication", args=[publication]), headers=german).content.decode()
        assert "92,0" in page
        assert '"search": "In dieser Tabelle suchen"' in page


@pytest.mark.database
def test_mail_comes_in_the_language_that_was_chosen(world: World) -> None:
    with at():
        with viewer_scope(world["administrator"]):
            Person.objects.filter(company_id=world.suppliers["A"]).update(joined_at=now())
        choose_language(world["a planner"], "de")
        scored(world, "A")
        deliver(world.worker)
        mail_notices(world.worker, prompt=False)
    bodies = {one.to[0]: one.body for one in mail.outbox}
    assert "Ihnen veröffentlicht: Scorecard 2025-06" in bodies["a.planner@example.com"]
    assert "Published to you" in bodies["a.viewer@example.com"]


# what is no page of the portal: error pages, mails, spreadsheets


def sentences(text: str) -> set[str]:
    """Lines of our own words: names and figures of the data are shorter, or hold digits."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]+>", "\n", text, flags=re.DOTALL)
    lines = {line.strip() for line in plain.splitlines()}
    return {one for one in lines if len(re.findall(r"[^\W\d]{2,}", one)) > 2 and not re.search(r"[0-9@]|://", one)}


def in_each(make: Callable[[], str]) -> dict[str, set[str]]:
    found = {}
    for language in ("en", *catalogues.LANGUAGES):
        with translation.override(language):
            found[language] = sentences(make())
    return found


ERRORS = {
    "bad request": lambda request: errors.bad_request(request, Exception()),
    "forbidden": lambda request: errors.forbidden(request, Exception()),
    "form too old": errors.csrf_failure,
    "not found": lambda request: errors.not_found(request, Exception()),
    "takes forms alone": errors.not_allowed,
    "fault": errors.server_error,
    "away": errors.unavailable,
    "signed out": lambda request: errors.signed_out(request, "/accounts/login/"),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("part", [False, True])
def test_error_pages_and_parts_say_nothing_in_english(name: str, part: bool) -> None:
    headers = {"HX-Request": "true"} if part else {}

    def answer() -> str:
        return ERRORS[name](RequestFactory().get("/desk/x", headers=headers)).content.decode()

    said = in_each(answer)
    assert all(said.values())
    for language in catalogues.LANGUAGES:
        assert said[language] & said["en"] == set(), language


@pytest.mark.database
def test_invitations_and_spreadsheets_say_nothing_in_english(world: World) -> None:
    def invited() -> str:
        mail.outbox.clear()
        mail_invitation(SentInvitation("Nora", "nora@example.com", "https://example.com/x"))
        return f"{mail.outbox[0].subject}\n{mail.outbox[0].body}"

    def sheet(name: str) -> str:
        viewer = replace(world["a administrator"], door=Door.SPREADSHEET)
        book = Workbook(make_sheet(viewer, name, "").content)
        # The first column is the machine's and hidden; its header is the same in every language.
        rows = [cell.text for one in book.sheets for _n, row in book.rows(one) for at, cell in row.items() if at]
        return "\n".join([*book.sheets, *rows])

    for make in (invited, lambda: sheet("people"), lambda: sheet("agreement-offers")):
        said = in_each(make)
        assert said["en"]
        for language in catalogues.LANGUAGES:
            assert said[language] & said["en"] == set(), language


# choose_language


@pytest.mark.database
def test_a_language_is_kept_with_the_person(world: World) -> None:
    for _ in range(2):
        choose_language(world["a viewer"], "de")
    with viewer_scope(world["a viewer"]):
        assert Person.objects.get(id=world["a viewer"].person).language == "de"
        assert Person.objects.get(id=world["a planner"].person).language == ""
    assert entries(world, "choose_language") == 2


@pytest.mark.database
def test_only_offered_languages_of_ones_own_are_kept(world: World) -> None:
    with pytest.raises(Invalid, match="not offered"):
        choose_language(world["a viewer"], "fr")
    with pytest.raises(NotAllowed):
        choose_language(world["planner"], "de")


@pytest.mark.database
def test_two_choices_at_once_leave_one(world: World) -> None:
    at_once(*[lambda said=said: choose_language(world["a viewer"], said) for said in ("de", "es")])  # type: ignore[misc]
    with viewer_scope(world["a viewer"]):
        assert Person.objects.get(id=world["a viewer"].person).language in {"de", "es"}


@pytest.mark.database
def test_one_is_not_sent_away_after_choosing(world: World) -> None:
    answer = signed_in(world["a viewer"]).post(
        reverse("portal-language"), language="de", next="https://elsewhere.example.com/"
    )
    assert answer.headers["Location"] == "/portal/"
