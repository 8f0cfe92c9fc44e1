"""Assessment: weights, rankings, tiers, frontiers, audits, samples and proof of effect.

What is measured line by line lives in ``engine.scoring``; this family compares, grades and decides what to look at.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.assessment.attainment import Attainment, attainment
    from tierwise.engine.assessment.attribute_plans import (
        AttributePlans,
        InspectedLots,
        InspectionParams,
        attribute_plans,
        code_letters,
        faults_acceptance,
        inspect_lots,
    )
    from tierwise.engine.assessment.concordance import (
        Agreement,
        Concordance,
        class_agreement,
        concordance,
        grouping_agreement,
    )
    from tierwise.engine.assessment.effect import Effect, EffectParams, difference_in_differences
    from tierwise.engine.assessment.frontier import (
        DrawParams,
        Efficiency,
        EfficiencyInterval,
        FrontierParams,
        efficiency,
        efficiency_interval,
    )
    from tierwise.engine.assessment.outranking import TierParams, TierResult, sort_into_tiers
    from tierwise.engine.assessment.pairwise import Priorities, comparison_matrix, merge_judgements, priorities
    from tierwise.engine.assessment.process_audit import (
        AuditGrade,
        AuditParams,
        ChecklistLevel,
        Level,
        grade_process_audit,
        level_of_checklist,
    )
    from tierwise.engine.assessment.sampling import (
        Misstatement,
        Plan,
        PlanParams,
        acceptance_probability,
        allocate_samples,
        detection_probability,
        detection_sample,
        error_bound,
        find_plan,
        misstatement,
    )
    from tierwise.engine.assessment.staged_plans import (
        DoublePlans,
        StagedCurve,
        StagedPlan,
        double_plans,
        find_double_plan,
        staged_curve,
    )
    from tierwise.engine.assessment.switching import (
        Severity,
        Switch,
        SwitchingParams,
        SwitchingResult,
        SwitchingState,
        switch_inspection,
    )
    from tierwise.engine.assessment.topsis import TopsisParams, TopsisResult, topsis
    from tierwise.engine.assessment.value import (
        Criteria,
        Position,
        Quadrant,
        StabilityParams,
        multi_value,
        portfolio_position,
        position_stability,
        rho_from_midvalue,
        single_value,
    )

load_on_first_use(
    __name__,
    {
        "attainment": (
            "Attainment",
            "attainment",
        ),
        "attribute_plans": (
            "AttributePlans",
            "InspectedLots",
            "InspectionParams",
            "attribute_plans",
            "code_letters",
            "faults_acceptance",
            "inspect_lots",
        ),
        "concordance": (
            "Agreement",
            "Concordance",
            "class_agreement",
            "concordance",
            "grouping_agreement",
        ),
        "effect": (
            "Effect",
            "EffectParams",
            "difference_in_differences",
        ),
        "frontier": (
            "DrawParams",
            "Efficiency",
            "EfficiencyInterval",
            "FrontierParams",
            "efficiency",
            "efficiency_interval",
        ),
        "outranking": (
            "TierParams",
            "TierResult",
            "sort_into_tiers",
        ),
        "pairwise": (
            "Priorities",
            "comparison_matrix",
            "merge_judgements",
            "priorities",
        ),
        "process_audit": (
            "AuditGrade",
            "AuditParams",
            "ChecklistLevel",
            "Level",
            "grade_process_audit",
            "level_of_checklist",
        ),
        "sampling": (
            "Misstatement",
            "Plan",
            "PlanParams",
            "acceptance_probability",
            "allocate_samples",
            "detection_probability",
            "detection_sample",
            "error_bound",
            "find_plan",
            "misstatement",
        ),
        "staged_plans": (
            "DoublePlans",
            "StagedCurve",
            "StagedPlan",
            "double_plans",
            "find_double_plan",
            "staged_curve",
        ),
        "switching": (
            "Severity",
            "Switch",
            "SwitchingParams",
            "SwitchingResult",
            "SwitchingState",
            "switch_inspection",
        ),
        "topsis": (
            "TopsisParams",
            "TopsisResult",
            "topsis",
        ),
        "value": (
            "Criteria",
            "Position",
            "Quadrant",
            "StabilityParams",
            "multi_value",
            "portfolio_position",
            "position_stability",
            "rho_from_midvalue",
            "single_value",
        ),
    },
)

__all__ = [
    "Agreement",
    "Attainment",
    "AttributePlans",
    "AuditGrade",
    "AuditParams",
    "ChecklistLevel",
    "Concordance",
    "Criteria",
    "DoublePlans",
    "DrawParams",
    "Effect",
    "EffectParams",
    "Efficiency",
    "EfficiencyInterval",
    "FrontierParams",
    "InspectedLots",
    "InspectionParams",
    "Level",
    "Misstatement",
    "Plan",
    "PlanParams",
    "Position",
    "Priorities",
    "Quadrant",
    "Severity",
    "StabilityParams",
    "StagedCurve",
    "StagedPlan",
    "Switch",
    "SwitchingParams",
    "SwitchingResult",
    "SwitchingState",
    "TierParams",
    "TierResult",
    "TopsisParams",
    "TopsisResult",
    "acceptance_probability",
    "allocate_samples",
    "attainment",
    "attribute_plans",
    "class_agreement",
    "code_letters",
    "comparison_matrix",
    "concordance",
    "detection_probability",
    "detection_sample",
    "difference_in_differences",
    "double_plans",
    "efficiency",
    "efficiency_interval",
    "error_bound",
    "faults_acceptance",
    "find_double_plan",
    "find_plan",
    "grade_process_audit",
    "grouping_agreement",
    "inspect_lots",
    "level_of_checklist",
    "merge_judgements",
    "misstatement",
    "multi_value",
    "portfolio_position",
    "position_stability",
    "priorities",
    "rho_from_midvalue",
    "single_value",
    "sort_into_tiers",
    "staged_curve",
    "switch_inspection",
    "topsis",
]
