import type { Chip, Tone } from "../dom";

export interface Series { name: string; values: (number | null)[]; low: (number | null)[]; high: (number | null)[]; slot: number | null; dashed: boolean }
interface Head { title: string; unit: string; note: string; height: number }
export interface Line extends Head { kind: "line"; x: string[]; xLabel: string; series: Series[]; marks: { at: string; label: string; tone: Tone }[]; zero: boolean; target: number | null }
export interface Bars extends Head { kind: "bar"; x: string[]; series: Series[]; stacked: boolean; lying: boolean }
export interface HeatCell { v: number; n: number | null; d: number | null; t: Tone; h: string; s: boolean }
export interface Heat extends Head { kind: "heat"; rowLabel: string; rows: string[]; rowHrefs: string[]; columns: (Partial<Chip> & { name: string })[]; cells: (HeatCell | null)[][]; decimals: number }
export interface Waterfall extends Head { kind: "waterfall"; steps: { label: string; value: number; total: boolean }[]; moreIsGood: boolean | null }
export interface Pareto extends Head { kind: "pareto"; causes: { label: string; value: number }[] }
export interface Coverage extends Head { kind: "coverage"; x: number[]; xLabel: string; xUnit: string; series: Series[]; threshold: number; parameter: string }
export type Drawn = Line | Bars | Waterfall | Pareto | Coverage;
export type Spec = Drawn | Heat;

/** A waterfall's steps as spans from … to …, with the level each ends at. */
export function spans(steps: Waterfall["steps"]): { label: string; from: number; to: number; total: boolean }[] {
  let level = 0;
  return steps.map((step) => {
    const from = step.total ? 0 : level;
    level = step.total ? step.value : level + step.value;
    return { label: step.label, from, to: level, total: step.total };
  });
}

export function cumulative(causes: Pareto["causes"]): number[] {
  const all = causes.reduce((sum, cause) => sum + cause.value, 0);
  let reached = 0;
  return causes.map((cause) => (reached += cause.value) / (all || 1));
}
