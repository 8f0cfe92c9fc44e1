"""What measures, reasons and exclusions are called and mean, in the words of the trade."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.modules.performance.records import CardRecord, Formula, MeasureRecord
from tierwise.web.pages import Interval, Status, Tone

Words = str | Promise


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """A measure's name, its formula in words and its parts; ``unit`` "ratio" is shown in percent."""

    name: Words
    formula: Words
    numerator: Words
    denominator: Words
    unit: str = "ratio"
    decimals: int = 1


_JUDGED = gettext_lazy("Lines judged, by their share")
_RECEIVED = gettext_lazy("Base units received")
MEASURES: dict[str, MeasureWords] = {
    "otif": MeasureWords(
        gettext_lazy("On time in full"),
        gettext_lazy("Lines delivered both on time and in full ÷ lines judged, each counting with its share."),
        gettext_lazy("Lines on time and in full"), _JUDGED,
    ),
    "on_time": MeasureWords(
        gettext_lazy("On time"),
        gettext_lazy("Lines delivered within the window around the date they are held to ÷ lines judged."),
        gettext_lazy("Lines on time"), _JUDGED,
    ),
    "in_full": MeasureWords(
        gettext_lazy("In full"),
        gettext_lazy("Lines delivered with at least the ordered quantity less the tolerance ÷ lines judged."),
        gettext_lazy("Lines in full"), _JUDGED,
    ),
    "fill_rate": MeasureWords(
        gettext_lazy("Fill rate"),
        gettext_lazy("Quantity received by the closing day, at most what was ordered ÷ quantity ordered."),
        _RECEIVED, gettext_lazy("Base units ordered"),
    ),
    "line_fill_rate": MeasureWords(
        gettext_lazy("Line fill rate"),
        gettext_lazy("Lines received whole by the closing day ÷ lines judged."),
        gettext_lazy("Lines received whole"), _JUDGED,
    ),
    "lead_time_adherence": MeasureWords(
        gettext_lazy("Lead time kept"),
        gettext_lazy("Lines whose lead time deviates from the agreed one by at most the tolerance ÷ lines judged."),
        gettext_lazy("Lines within the tolerance"), _JUDGED,
    ),
    "lead_time_bias": MeasureWords(
        gettext_lazy("Mean lead time deviation"),
        gettext_lazy("Mean of actual less agreed lead time, in days, over lines delivered; negative is early."),
        gettext_lazy("Days of deviation"), gettext_lazy("Lines delivered, by their share"), "d", 1,
    ),
    "reject_ppm": MeasureWords(
        gettext_lazy("Rejects per million"),
        gettext_lazy("Units refused of what was received in the period ÷ units received in it × 1,000,000."),
        gettext_lazy("Base units refused"), _RECEIVED, "ppm", 0,
    ),
    "rejected_lines": MeasureWords(
        gettext_lazy("Lines with rejects"),
        gettext_lazy("Lines received in the period with any unit refused ÷ lines received in it."),
        gettext_lazy("Lines with rejects"), gettext_lazy("Lines received, by their share"),
    ),
}  # fmt: skip
SCORED = ("otif", "fill_rate", "lead_time_adherence", "reject_ppm")
REASONS: dict[str, Words] = {
    "first_rating": gettext_lazy("first rating: for the first time enough lines were judged"),
    "confirmed": gettext_lazy("the score lies within the standing"),
    "upgraded": gettext_lazy("better for long enough, with enough lines"),
    "downgraded": gettext_lazy("worse for long enough, with enough lines"),
    "within_margin": gettext_lazy("the score is beyond the edge by less than the margin"),
    "waiting": gettext_lazy("the score is beyond the edge, not yet for long enough"),
    "small_sample": gettext_lazy("too few lines to move the standing"),
    "incomplete": gettext_lazy("too few measures for a score"),
    "no_activity": gettext_lazy("nothing was due or received; the standing stays"),
    "severity": gettext_lazy("a severe event, which acts at once"),
}
EXCLUSIONS: dict[str, Words] = {
    "no_quantity": gettext_lazy("Nothing ordered"),
    "cancelled_by_buyer": gettext_lazy("Cancelled by us"),
    "cancelled_unknown": gettext_lazy("Cancelled, by whom is unknown"),
    "no_basis": gettext_lazy("No date to judge by"),
    "open": gettext_lazy("Not due yet"),
    "undated_receipt": gettext_lazy("Receipt without a date"),
    "buyer_caused": gettext_lazy("Caused by us"),
    "force_majeure": gettext_lazy("Force majeure, by ruling"),
    "not_the_suppliers": gettext_lazy("Not this supplier's order, by ruling"),
    "data_error": gettext_lazy("Error in the data, by ruling"),
    "due_in_other_period": gettext_lazy("Due in another period, refused in this one"),
}
DUE_FROM: dict[str, Words] = {
    "requested": gettext_lazy("our request"),
    "request_change": gettext_lazy("our changed request"),
    "promised": gettext_lazy("the first promise"),
    "first_confirmed": gettext_lazy("the first confirmation"),
    "agreed_change": gettext_lazy("an agreed change"),
}
BASES: dict[str, Words] = {
    "mix": gettext_lazy("share of each segment in the demand for the item"),
    "pegged": gettext_lazy("the segment pegged to the line, the mix where none is"),
    "lead": gettext_lazy("the leading segment of the item when it was ordered"),
}


def standing_name(code: str) -> str:
    return code.replace("_", " ").capitalize()


def standing_status(code: str, formula: Formula | None) -> Status:
    """A standing with its judgement: the lowest band is bad, the next is to watch, the highest is good."""
    if not code:
        return Status(_("Not rated yet"))
    names = [band.name for band in formula.standings] if formula else []
    if code not in names:
        return Status(standing_name(code))
    place, last = names.index(code), len(names) - 1
    tone = Tone.GOOD if place >= max(last - 1, 1) else Tone.BAD if place == 0 else Tone.WATCH
    return Status(standing_name(code), tone)


def reason_text(card: CardRecord) -> str:
    return str(REASONS.get(card.standing_reason, card.standing_reason))


def figure(measure: str, value: float | None) -> Interval:
    """A value in the measure's unit."""
    words = MEASURES[measure]
    return Interval(value, unit=words.unit, decimals=words.decimals)


def interval(measure: MeasureRecord, enough: int) -> Interval:
    words = MEASURES[measure.measure]
    n = measure.effective_n if measure.effective_n is not None else measure.n
    return Interval(measure.value, measure.low, measure.high, round(n, 1), words.unit, words.decimals, enough)


def plain(measure: str, value: float | None) -> str:
    """A value as text, where only text fits."""
    words = MEASURES[measure]
    if value is None:
        return "–"
    return (
        f"{value * 100:.{words.decimals}f} %" if words.unit == "ratio" else f"{value:,.{words.decimals}f} {words.unit}"
    )


CAUSES: dict[str, Words] = {
    "not_delivered": gettext_lazy("Not delivered by the closing day"),
    "early": gettext_lazy("Too early"),
    "late_3": gettext_lazy("1 to 3 days late"),
    "late_7": gettext_lazy("4 to 7 days late"),
    "late_more": gettext_lazy("More than 7 days late"),
    "short": gettext_lazy("Quantity short"),
    "split": gettext_lazy("Part of it outside the window"),
}
