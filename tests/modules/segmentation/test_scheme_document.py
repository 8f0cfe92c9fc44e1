"""The scheme as a document: what a mistake says and where, and that text and document stand for one another."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.segmentation.small_company import SCHEME
from tierwise.modules.segmentation.records import METRICS, line_of, read_scheme, with_cut
from tierwise.wire.documents import DocumentError

ROOT = Path(__file__).resolve().parents[3]
STORED = [ROOT / "src/tierwise/demo/scheme.yaml", ROOT / "examples/schemes/bicycles.yaml"]


def mistakes(text: str) -> dict[str, tuple[int, str]]:
    """Place → (line, why and remedy) of a document that cannot be read."""
    with pytest.raises(DocumentError) as error:
        read_scheme(text)
    return {one.place: (line_of(text, one.place), f"{one.why}; {one.remedy}") for one in error.value.problems}


def swapped(was: str, now: str) -> str:
    assert was in SCHEME
    return SCHEME.replace(was, now, 1)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_schemes_read_back_from_what_they_are_written_as(path: Path) -> None:
    document = read_scheme(path.read_text(encoding="utf-8"))
    again = read_scheme(document.to_yaml())
    assert again == document
    assert again.digest == document.digest
    assert read_scheme(again.to_yaml()).to_yaml() == document.to_yaml()


def test_what_is_not_said_has_its_default_and_is_not_written() -> None:
    document = read_scheme(SCHEME)
    assert document.grain == ("item", "customer_group", "region", "channel")
    assert document.window_months == 12
    assert "window_months" not in document.to_yaml()


@pytest.mark.parametrize(
    ("was", "now", "place", "said"),
    [
        ("metric: net_revenue", "metric: net_revenu", "thresholds.value.metric", "did you mean 'net_revenue'"),
        (
            "policy: {scoring",
            "policy: {collaboration: {depth: deep}, scoring",
            "segments.STD.policy.collaboration",
            "say `collaborate` and `effort_hours` instead",
        ),
        ("otif_target: 0.97", "otif_target: 1.97", "segments.PREM.policy.scoring.otif_target", "1.97 is above 1"),
        ("otif_target: 0.97", "otif_targt: 0.97", "segments.PREM.policy.scoring.otif_targt", "unknown in facet scor"),
        ("scoring: {otif_target: 0.97}", "scorng: {}", "segments.PREM.policy.scorng", "did you mean 'scoring'"),
        ("{value: [A]}", "{value: [Q]}", "rules.earners.when.value", "'Q' is no label of it"),
        ("{value: [A]}", "{valeu: [A]}", "rules.earners.when.valeu", "did you mean 'value'"),
        ("{value: [A]}", '{net_margin: "about 3"}', "rules.earners.when", "'>= 100 and < 500'"),
        ("segment: PREM, when", "segment: PREMM, when", "rules.earners.segment", "did you mean 'PREM'"),
        ("labels: [A, B]", "labels: [A]", "thresholds.value.labels", "give one more than cuts"),
        ("default_segment: STD", "default_segment: NONE", "default_segment", "is not among the segments"),
        ("rank: 2", "rank: 1", "segments", "stands twice"),
        ("rank: 2", "rank: two", "segments.1.rank", "valid integer"),
        ("code: STD", "code: COMMON", "segments", "is there by itself"),
        ("title: Bicycles", "titel: Bicycles", "titel", "mend its spelling"),
        ("minutes: 1000", "minutes: 0", "cost_pools.0.practical_capacity_minutes", "greater than 0"),
        ("margin: 0.1", "margin: 2", "margin", "below 1"),
        ("currency: EUR", "currency: euro", "currency", "pattern"),
    ],
)
def test_a_mistake_is_told_by_place_line_and_remedy(was: str, now: str, place: str, said: str) -> None:
    text = swapped(was, now)
    found = mistakes(text)
    assert place in found
    line, message = found[place]
    assert said in message
    assert message.split("; ", 1)[1]
    if was != "margin: 0.1":  # told by its own name, without the section
        wanted = text[: text.index(now)].count("\n") + 1
        assert abs(line - wanted) <= 3 or place == "segments"


def test_every_mistake_is_told_at_once() -> None:
    text = swapped("metric: net_revenue", "metric: x").replace("{value: [A]}", "{valu: [A]}").replace("0.9}", "9}")
    assert set(mistakes(text)) == {
        "thresholds.value.metric", "rules.earners.when.valu", "segments.STD.policy.scoring.otif_target",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "- a", "just words", "title: [", "a: 1\na: 2"])
def test_what_is_no_scheme_at_all_is_told_too(text: str) -> None:
    assert mistakes(text)


@settings(max_examples=50)
@given(st.floats(0.001, 1e12, allow_nan=False))
def test_a_cut_is_changed_in_place(value: float) -> None:
    text = with_cut(SCHEME, "value", 0, value)
    assert read_scheme(text).thresholds[0].cuts[0] == pytest.approx(value, rel=1e-6, abs=1e-9)
    before, after = SCHEME.splitlines(), text.splitlines()
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] in ([], [6])


def test_a_cut_that_is_not_there_is_refused() -> None:
    for name, index in [("value", 1), ("worth", 0)]:
        with pytest.raises(ValueError, match="there is no cut"):
            with_cut(SCHEME, name, index, 0.5)


def test_every_metric_says_how_it_is_computed() -> None:
    assert all(metric.label and len(metric.formula) > 20 for metric in METRICS.values())
