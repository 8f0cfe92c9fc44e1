import { h } from "../dom";
import { measured, number } from "../format";
import { word } from "../words";
import { cumulative, type Drawn, spans } from "./spec";

/** The same numbers as a table. */
export function table(spec: Drawn): HTMLElement {
  const [head, rows] = cells(spec);
  return h("div", { class: "chart-table", tabindex: 0, role: "region", "aria-label": spec.title },
    h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ...head.map((text, index) => h("th", { scope: "col", class: index ? "num" : null }, text)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((text, index) => (index ? h("td", { class: "num" }, text) : h("th", { scope: "row" }, text))))))));
}

function cells(spec: Drawn): [string[], string[][]] {
  switch (spec.kind) {
    case "waterfall":
      return [[word("step"), word("value"), word("total")], spans(spec.steps).map((step) => [step.label, step.total ? "" : measured(step.to - step.from, spec.unit), measured(step.to, spec.unit)])];
    case "pareto": {
      const share = cumulative(spec.causes);
      return [[word("cause"), word("value"), word("share")], spec.causes.map((cause, index) => [cause.label, measured(cause.value, spec.unit), `${number((share[index] ?? 0) * 100, 1)} %`])];
    }
    default: {
      const first = spec.kind === "coverage" ? spec.xLabel || word("threshold") : ("xLabel" in spec && spec.xLabel) || word("period");
      const head = [first, ...spec.series.flatMap((one) => [one.name, ...(one.low.length ? [word("low", { name: one.name }), word("high", { name: one.name })] : [])])];
      const rows = spec.x.map((x, at) => [
        spec.kind === "coverage" ? measured(x as number, spec.xUnit) : String(x),
        ...spec.series.flatMap((one) => [measured(one.values[at], spec.unit), ...(one.low.length ? [measured(one.low[at], spec.unit), measured(one.high[at], spec.unit)] : [])]),
      ]);
      return [head, rows];
    }
  }
}
