import type { EChartsCoreOption } from "echarts/core";
import type { CustomSeriesRenderItem } from "echarts";
import { MARKS, token } from "../dom";
import { brief, measured, number } from "../format";
import { word } from "../words";
import { type Bars, type Coverage, cumulative, type Drawn, type Line, type Pareto, type Series, spans, type Waterfall } from "./spec";

export function colour(series: Series, index: number): string {
  return token(`--seg-${series.slot ?? (index % 8) + 1}`);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

interface Hit { seriesName?: string; dataIndex: number; axisValueLabel?: string; name?: string }

function frame(unit: string): Record<string, unknown> {
  const line = { lineStyle: { color: token("--line-strong") } };
  const label = { color: token("--muted"), fontSize: 12, hideOverlap: true };
  return {
    animation: false,
    grid: { left: 8, right: 16, top: 24, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { trigger: "axis", confine: true, backgroundColor: token("--surface"), borderColor: token("--line"), textStyle: { color: token("--text"), fontSize: 13, fontFamily: "inherit" }, axisPointer: { lineStyle: { color: token("--line-strong") } } },
    xAxis: { type: "category", axisLine: line, axisTick: { show: false }, axisLabel: label },
    yAxis: { type: "value", axisLabel: { ...label, formatter: (value: number) => (unit === "ratio" ? `${number(value * 100, 1, 0)} %` : brief(value)) }, splitLine: { lineStyle: { color: token("--line") } } },
  };
}

const axis = (base: Record<string, unknown>, key: string, more: object): object => ({ ...(base[key] as object), ...more });

function tip(unit: string, series: Series[], x: readonly (string | number)[], index: number): string {
  const lines = series.map((one) => {
    const low = one.low[index];
    const high = one.high[index];
    const bounds = low !== null && low !== undefined && high !== null && high !== undefined ? ` (${measured(low, unit)} – ${measured(high, unit)})` : "";
    return `${escape(one.name)}: <b>${escape(measured(one.values[index], unit))}</b>${escape(bounds)}`;
  });
  return [`${escape(String(x[index]))}`, ...lines].join("<br>");
}

function band(one: Series, paint: string, index: number): object[] {
  if (one.low.length === 0) return [];
  const quiet = { type: "line", stack: `band-${index}`, stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false }, emphasis: { disabled: true } };
  const gap = one.high.map((high, at) => (high === null || one.low[at] === null || one.low[at] === undefined ? null : high - one.low[at]!));
  return [{ ...quiet, data: one.low }, { ...quiet, data: gap, areaStyle: { color: paint, opacity: 0.18 } }];
}

function line(spec: Line): EChartsCoreOption {
  const base = frame(spec.unit);
  const toneColour = (tone: string): string => (tone === "plain" ? token("--muted") : token(`--${tone}`));
  const markLine = {
    symbol: "none", silent: true, label: { color: token("--text"), fontSize: 12, position: "insideEndTop" },
    data: [
      ...spec.marks.map((mark) => ({ xAxis: mark.at, label: { formatter: `${MARKS[mark.tone]} ${mark.label}`.trim(), rotate: 0, position: "end" }, lineStyle: { color: toneColour(mark.tone), type: "dashed" } })),
      ...(spec.target === null ? [] : [{ yAxis: spec.target, label: { formatter: `${word("target")} ${measured(spec.target, spec.unit)}` }, lineStyle: { color: token("--muted"), type: "dotted" } }]),
    ],
  };
  return {
    ...base,
    xAxis: axis(base, "xAxis", { data: spec.x, boundaryGap: false }),
    yAxis: axis(base, "yAxis", { scale: !spec.zero }),
    tooltip: axis(base, "tooltip", { formatter: (hits: Hit[]) => tip(spec.unit, spec.series, spec.x, hits[0]?.dataIndex ?? 0) }),
    series: spec.series.flatMap((one, index) => {
      const paint = colour(one, index);
      const isolated = one.values.length < 2 || one.values.every((value, at) => value === null || ((one.values[at - 1] ?? null) === null && (one.values[at + 1] ?? null) === null));
      return [...band(one, paint, index), {
        type: "line", name: one.name, data: one.values, color: paint, symbol: "circle", symbolSize: 5, showSymbol: isolated, connectNulls: false,
        lineStyle: { width: 2, type: one.dashed ? "dashed" : "solid" }, markLine: index === 0 ? markLine : undefined,
      }];
    }),
  };
}

function bars(spec: Bars, wide: number): EChartsCoreOption {
  const base = frame(spec.unit);
  const lying = { inverse: true, axisLabel: { color: token("--muted"), fontSize: 12, width: Math.min(220, wide * 0.38), overflow: "truncate" } };
  const places = axis(base, "xAxis", { data: spec.x, ...(spec.lying ? lying : {}) });
  return {
    ...base,
    xAxis: spec.lying ? base.yAxis : places,
    yAxis: spec.lying ? places : base.yAxis,
    tooltip: axis(base, "tooltip", { axisPointer: { type: "shadow", shadowStyle: { opacity: 0.08 } }, formatter: (hits: Hit[]) => tip(spec.unit, spec.series, spec.x, hits[0]?.dataIndex ?? 0) }),
    series: spec.series.map((one, index) => ({ type: "bar", name: one.name, data: one.values, color: colour(one, index), stack: spec.stacked ? "all" : undefined, barMaxWidth: 28, barGap: "10%" })),
  };
}

/** Names under bars: wrapped where there is room for words, aslant where there is not. */
function names(wide: number, count: number): object {
  const room = (wide - 70) / Math.max(count, 1);
  const look = { color: token("--muted"), fontSize: 12, lineHeight: 15, interval: 0 };
  return room >= 72 ? { ...look, width: room - 6, overflow: "break" } : { ...look, rotate: 40, width: 96, overflow: "truncate" };
}

function waterfall(spec: Waterfall, wide: number): EChartsCoreOption {
  const base = frame(spec.unit);
  const steps = spans(spec.steps);
  const paint = (from: number, to: number, total: boolean): string => {
    if (total) return token("--muted");
    if (spec.moreIsGood === null) return token(to >= from ? "--seg-1" : "--seg-2");
    return token(to >= from === spec.moreIsGood ? "--good" : "--bad");
  };
  const renderItem: CustomSeriesRenderItem = (_, api) => {
    const step = steps[api.value(0) as number];
    if (!step) return null;
    const [x, top] = api.coord([api.value(0), Math.max(step.from, step.to)]) as [number, number];
    const [, bottom] = api.coord([api.value(0), Math.min(step.from, step.to)]) as [number, number];
    const [room] = api.size!([1, 0]) as [number, number];
    const wide = Math.min(room * 0.64, 56);
    const change = step.total ? step.to : step.to - step.from;
    const sign = step.total || change <= 0 ? "" : "+";
    return {
      type: "group",
      children: [
        { type: "rect", shape: { x: x - wide / 2, y: top, width: wide, height: Math.max(bottom - top, 1) }, style: { fill: paint(step.from, step.to, step.total) } },
        { type: "text", style: { text: sign + measured(change, spec.unit === "ratio" ? "ratio" : ""), x, y: top - 4, align: "center", verticalAlign: "bottom", fill: token("--text"), fontSize: 12 } },
      ],
    };
  };
  const levels = steps.flatMap((step) => [step.from, step.to]);
  return {
    ...base,
    xAxis: axis(base, "xAxis", { data: steps.map((step) => step.label), axisLabel: names(wide, steps.length) }),
    yAxis: axis(base, "yAxis", { boundaryGap: levels.some((level) => level < 0) ? ["8%", "8%"] : [0, "8%"] }),
    tooltip: { show: false },
    series: [{ type: "custom", renderItem, data: steps.map((step, index) => [index, step.from, step.to]), encode: { x: 0, y: [1, 2] } }],
  };
}

function pareto(spec: Pareto, wide: number): EChartsCoreOption {
  const base = frame(spec.unit);
  const share = cumulative(spec.causes);
  const percent = { type: "value", min: 0, max: 1, splitLine: { show: false }, axisLabel: { color: token("--muted"), formatter: (value: number) => `${number(value * 100)} %` } };
  return {
    ...base,
    xAxis: axis(base, "xAxis", { data: spec.causes.map((cause) => cause.label), axisLabel: names(wide - 40, spec.causes.length) }),
    yAxis: [base.yAxis, percent],
    tooltip: axis(base, "tooltip", { formatter: (hits: Hit[]) => {
      const cause = spec.causes[hits[0]?.dataIndex ?? 0];
      return cause ? `${escape(cause.label)}: <b>${escape(measured(cause.value, spec.unit))}</b><br>${escape(word("share"))}: ${number((share[hits[0]?.dataIndex ?? 0] ?? 0) * 100, 1)} %` : "";
    } }),
    series: [
      { type: "bar", data: spec.causes.map((cause) => cause.value), color: token("--seg-1"), barMaxWidth: 48 },
      { type: "line", yAxisIndex: 1, data: share, color: token("--text"), symbol: "circle", symbolSize: 5, lineStyle: { width: 1.5 } },
    ],
  };
}

function coverage(spec: Coverage, threshold: number): EChartsCoreOption {
  const base = frame(spec.unit);
  return {
    ...base,
    xAxis: { type: "value", min: spec.x[0], max: spec.x.at(-1), axisLine: { lineStyle: { color: token("--line-strong") } }, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { color: token("--muted"), formatter: (value: number) => measured(value, spec.xUnit) } },
    yAxis: axis(base, "yAxis", { min: 0, axisLine: { show: false }, axisTick: { show: false } }),
    tooltip: { show: false },
    series: [
      ...spec.series.flatMap((one, index) => {
        const pairs = spec.x.map((x, at) => [x, one.values[at]]);
        const paint = colour(one, index);
        const low = one.low.length ? [{ type: "line", data: spec.x.map((x, at) => [x, one.low[at]]), color: paint, symbol: "none", silent: true, lineStyle: { width: 1, type: "dotted" } }, { type: "line", data: spec.x.map((x, at) => [x, one.high[at]]), color: paint, symbol: "none", silent: true, lineStyle: { width: 1, type: "dotted" } }] : [];
        return [...low, { type: "line", name: one.name, data: pairs, color: paint, symbol: "none", lineStyle: { width: 2, type: one.dashed ? "dashed" : "solid" } }];
      }),
      { type: "line", data: [], markLine: { symbol: ["none", "none"], silent: true, animation: false, label: { color: token("--text"), formatter: measured(threshold, spec.xUnit), fontWeight: 600 }, lineStyle: { color: token("--accent"), width: 2, type: "solid" }, data: [{ xAxis: threshold }] } },
    ],
  };
}

/** The picture for ECharts. Bars and waterfalls start at zero; nothing moves. */
export function option(spec: Drawn, wide: number, threshold = 0): EChartsCoreOption {
  switch (spec.kind) {
    case "line":
      return line(spec);
    case "bar":
      return bars(spec, wide);
    case "waterfall":
      return waterfall(spec, wide);
    case "pareto":
      return pareto(spec, wide);
    case "coverage":
      return coverage(spec, threshold);
  }
}
