"""Grades of process audits in which gates beat averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from tierwise.engine import checks

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "question": pl.String(),
    "element": pl.String(),
    "sub_element": pl.String(),
    "step": pl.String(),
    "star": pl.Boolean(),
    "score": pl.Int64(),
}
RESULT_SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "name": pl.String(),
    "percent": pl.Int64(),
    "answered": pl.Int64(),
    "questions": pl.Int64(),
}
GATE_SCHEMA: dict[str, pl.DataType] = {
    "rule": pl.String(),
    "name": pl.String(),
    "value": pl.Int64(),
    "grade": pl.String(),
}
_HIGHEST = 10


@dataclass(frozen=True, slots=True)
class AuditParams:
    """Thresholds in percent, as the standard sets them. ``least_answered`` is the share of the questions to be scored.

    Below ``part_for_a`` of an element, step or sub-element there is no A, below ``part_for_b`` of an element or step
    not even B.
    """

    grade_a: int = 90
    grade_b: int = 80
    part_for_a: int = 80
    part_for_b: int = 70
    scores: tuple[int, ...] = (0, 4, 6, 8, 10)
    least_answered: float = 2 / 3

    def __post_init__(self) -> None:
        if not 0 < self.grade_b < self.grade_a <= 100:
            raise ValueError(
                f"grade_a, grade_b: are {self.grade_a} and {self.grade_b}; give 0 < grade_b < grade_a <= 100"
            )
        if not 0 < self.part_for_b <= self.part_for_a <= 100:
            raise ValueError("part_for_a, part_for_b: give 0 < part_for_b <= part_for_a <= 100")
        if not self.scores or min(self.scores) < 0 or max(self.scores) != _HIGHEST:
            raise ValueError(f"scores: are {self.scores}; give points from 0 to {_HIGHEST}")
        if not 0 <= self.least_answered <= 1:
            raise ValueError(f"least_answered: is {self.least_answered}; give a share from 0 to 1")


@dataclass(frozen=True, slots=True)
class AuditGrade:
    """``grade`` is A, B or C, null where too few questions were scored; ``by_score`` is what the average alone gives.

    ``percent`` in whole percent. ``parts`` (RESULT_SCHEMA) has one row per element, step and sub-element, ``gates``
    (GATE_SCHEMA) one per rule that speaks against a grade, with the best grade it still allows ("" none at all).
    """

    grade: str | None
    by_score: str | None
    percent: int | None
    answered: int
    questions: int
    parts: pl.DataFrame
    gates: pl.DataFrame


STANDARD = AuditParams()


def grade_process_audit(findings: pl.DataFrame, params: AuditParams = STANDARD) -> AuditGrade:
    """Which grade does an audit by VDA 6.3 earn, and what keeps it from a better one?

    ``findings`` as FINDING_SCHEMA, one row per finding: ``element`` P2 to P7, ``sub_element`` EU1 to EU7 and ``step``
    of P6 (null elsewhere), ``star`` for special-risk questions, ``score`` null where not evaluated. Several findings
    on a question (in a step) count by the worst; a question asked in several steps counts by the mean, rounded to two
    decimals. E = points/possible points of the evaluated questions, in whole percent, half up.

    A from 90, B from 80, else C. No A: an element, step or sub-element below 80, a star question at 4, any question at
    0. No B: an element or step below 70, a star question at 0. No grade: fewer than two thirds of an element's
    questions evaluated. No findings give no grade. Raises ValueError for missing columns and scores that do not exist.
    Source: VDA 6.3 (2023), Process Audit, pp. 33-37.

    >>> audit = pl.DataFrame(
    ...     {"question": ["2.1", "2.2"], "element": ["P2"] * 2, "star": [True, False], "score": [4, 10]}
    ... )
    >>> audit = audit.with_columns(sub_element=pl.lit(None, pl.String), step=pl.lit(None, pl.String))
    >>> found = grade_process_audit(audit)
    >>> found.percent, found.grade, found.gates["rule"].to_list()
    (70, 'C', ['part_below_for_a', 'star_at_4'])
    """
    rows = _checked(findings, params)
    worst = rows.group_by("question", "element", "sub_element", "step", maintain_order=True).agg(
        pl.col("star").any(), pl.col("score").min()
    )
    asked = [_Asked(*row) for row in worst.select("question", "element", "sub_element", "step", "star", "score").rows()]
    whole = _merged(asked)
    parts = [("element", name, _merged([a for a in asked if a.element == name])) for name in _names(asked, "element")]
    parts += [("step", name, [a for a in asked if a.step == name]) for name in _names(asked, "step")]
    parts += [
        ("sub_element", name, _merged([a for a in asked if a.sub_element == name]))
        for name in _names(asked, "sub_element")
    ]
    results = [(kind, name, _percent(part), _answered(part), len(part)) for kind, name, part in parts]
    gates = _gates(results, asked, params)
    percent = _percent(whole)
    by_score = _by_score(percent, params)
    allowed = [gate[3] for gate in gates]
    grade = None if by_score is None or "" in allowed else max([by_score, *allowed])
    return AuditGrade(
        grade=grade,
        by_score=by_score,
        percent=percent,
        answered=_answered(whole),
        questions=len(whole),
        parts=pl.DataFrame(results, schema=RESULT_SCHEMA, orient="row"),
        gates=pl.DataFrame(gates, schema=GATE_SCHEMA, orient="row"),
    )


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a weighted checklist: from which percentage on, and how many misses of each class it forgives.

    A class that ``most_missed`` does not name may be missed at will.
    """

    name: str
    least_percent: float
    most_missed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChecklistLevel:
    """``level`` reached and ``percent`` of the points; ``by_points`` the level that the points alone give.

    ``missed`` counts the misses per class, ``blocking`` names the criteria whose misses cost the level.
    """

    level: str
    by_points: str
    percent: float
    missed: dict[str, int]
    blocking: tuple[str, ...]


def level_of_checklist(criteria: pl.DataFrame, points: Mapping[str, int], levels: tuple[Level, ...]) -> ChecklistLevel:
    """Which level does a checklist of weighted criteria reach, such as MMOG/LE's, where one missed F3 means C?

    ``criteria`` has ``criterion``, ``weight_class`` and ``met`` (null: not applicable, counts nowhere); ``points``
    what a class is worth; ``levels`` from best to worst, the last asking nothing. Raises ValueError for classes
    without points, no applicable criterion, or levels that do not fall to 0.
    Source: Odette and AIAG, Global MMOG/LE v5: weights 1 to 3, and one missed F3 (43 of 187) leads to level C.

    >>> asked = pl.DataFrame(
    ...     {"criterion": ["1.1", "1.2"], "weight_class": ["F2", "F3"], "met": [True, False]}, strict=False
    ... )
    >>> levels = (Level("A", 90, {"F3": 0}), Level("B", 75, {"F3": 0}), Level("C", 0))
    >>> found = level_of_checklist(asked, {"F1": 1, "F2": 2, "F3": 3}, levels)
    >>> found.level, found.percent, found.blocking
    ('C', 40.0, ())
    """
    checks.columns("criteria", criteria, ("criterion", "weight_class", "met"))
    if not levels or levels[-1].least_percent > 0 or levels[-1].most_missed:
        raise ValueError("levels: the last must ask nothing (least_percent 0), so that every checklist has a level")
    asked = criteria.with_columns(pl.col("weight_class").cast(pl.String), pl.col("met").cast(pl.Boolean)).drop_nulls(
        "met"
    )
    unknown = sorted(set(asked["weight_class"].to_list()) - set(points))
    if unknown:
        raise ValueError(f"points: lack the class {', '.join(map(str, unknown))}")
    worth = asked.with_columns(_points=pl.col("weight_class").replace_strict(dict(points), return_dtype=pl.Float64))
    possible = float(worth["_points"].sum())
    if possible <= 0:
        raise ValueError("criteria: none applies; a checklist needs at least one criterion with points")
    percent = 100 * float(worth.filter("met")["_points"].sum()) / possible
    misses = asked.filter(~pl.col("met"))
    missed = {name: misses.filter(pl.col("weight_class") == name).height for name in points}
    enough = [level for level in levels if percent >= level.least_percent - 1e-9]
    kept = [level for level in enough if all(missed.get(name, 0) <= most for name, most in level.most_missed.items())]
    lost = {
        name
        for level in enough[: enough.index(kept[0])]
        for name, most in level.most_missed.items()
        if missed.get(name, 0) > most
    }
    blocking = tuple(misses.filter(pl.col("weight_class").is_in(sorted(lost)))["criterion"].cast(pl.String).to_list())
    return ChecklistLevel(kept[0].name, enough[0].name, percent, missed, blocking)


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    element: str
    sub_element: str | None
    step: str | None
    star: bool
    score: Decimal | int | None


def _checked(findings: pl.DataFrame, params: AuditParams) -> pl.DataFrame:
    checks.columns("findings", findings, FINDING_SCHEMA)
    rows = findings.select(pl.col(name).cast(kind) for name, kind in FINDING_SCHEMA.items())
    if rows["question"].null_count() or rows["element"].null_count():
        raise ValueError("question, element: must not be missing; every finding belongs to a question of an element")
    wrong = sorted(set(rows["score"].drop_nulls().to_list()) - set(params.scores))
    if wrong:
        raise ValueError(f"score: {wrong} are not among {params.scores}; leave a question not evaluated as null")
    return rows.with_columns(pl.col("star").fill_null(value=False))


def _names(asked: list[_Asked], kind: str) -> list[str]:
    return sorted({getattr(each, kind) for each in asked} - {None})


def _merged(asked: list[_Asked]) -> list[_Asked]:
    """A question asked in several steps once, by the mean of its scores."""
    by_question: dict[tuple[str, str], list[_Asked]] = {}
    for each in asked:
        by_question.setdefault((each.element, each.question), []).append(each)
    out = []
    for same in by_question.values():
        scores = [Decimal(each.score) for each in same if each.score is not None]
        mean = (sum(scores, Decimal(0)) / len(scores)).quantize(Decimal("0.01"), ROUND_HALF_UP) if scores else None
        first = same[0]
        out.append(_Asked(first.question, first.element, first.sub_element, None, any(e.star for e in same), mean))
    return out


def _answered(asked: list[_Asked]) -> int:
    return sum(each.score is not None for each in asked)


def _percent(asked: list[_Asked]) -> int | None:
    scores = [Decimal(each.score) for each in asked if each.score is not None]
    if not scores:
        return None
    exact = 100 * sum(scores, Decimal(0)) / (_HIGHEST * len(scores))
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def _by_score(percent: int | None, params: AuditParams) -> str | None:
    if percent is None:
        return None
    return "A" if percent >= params.grade_a else "B" if percent >= params.grade_b else "C"


def _gates(
    results: list[tuple[str, str, int | None, int, int]], asked: list[_Asked], params: AuditParams
) -> list[tuple[str, str, int | None, str]]:
    gates: list[tuple[str, str, int | None, str]] = []
    for kind, name, percent, answered, questions in results:
        if kind == "element" and answered < params.least_answered * questions - 1e-9:
            gates.append(("too_few_answered", name, answered, ""))
        if percent is None:
            continue
        if percent < params.part_for_b and kind != "sub_element":
            gates.append(("part_below_for_b", name, percent, "C"))
        elif percent < params.part_for_a:
            gates.append(("part_below_for_a", name, percent, "B"))
    for each in asked:
        where = each.question if each.step is None else f"{each.question} {each.step}"
        if each.score == 0:
            gates.append(("star_at_0", where, 0, "C") if each.star else ("question_at_0", where, 0, "B"))
        elif each.star and each.score == min(score for score in params.scores if score > 0):
            gates.append(("star_at_4", where, int(each.score), "B"))
    return gates
