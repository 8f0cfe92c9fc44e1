import { address, chip, h, MARKS, type Chip } from "../dom";
import { measured, number } from "../format";
import { word } from "../words";
import type { Heat, HeatCell } from "./spec";

/** A heat map is a table: readers need no other, and keyboards walk it by arrows. Without judgement the shade follows the value. */
export function heat(spec: Heat): HTMLElement {
  const known = spec.cells.flat().filter((cell): cell is HeatCell => cell !== null && !cell.s).map((cell) => cell.v);
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const head = h("tr", {}, h("th", { scope: "col" }, spec.rowLabel), ...spec.columns.map((column) => h("th", { scope: "col" }, column.code ? chip(column as Chip) : column.name)));
  const lines = spec.rows.map((row, index) => {
    const href = address(spec.rowHrefs[index]);
    return h("tr", {}, h("th", { scope: "row", title: row }, href ? h("a", { href }, row) : row), ...(spec.cells[index] ?? []).map((cell) => place(spec, cell, low, span)));
  });
  const body = h("tbody", {}, ...lines);
  walked(body as HTMLTableSectionElement);
  return h("div", { class: "heat", tabindex: 0, role: "region", "aria-label": spec.title }, h("table", {}, h("thead", {}, head), body));
}

const STEPS: Record<string, [down: number, right: number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** One stop of the Tab key, of hundreds of links; from there the arrows lead to the next one in the row or the column. */
function walked(body: HTMLTableSectionElement): void {
  const links = body.querySelectorAll<HTMLAnchorElement>("a");
  links.forEach((link) => { link.tabIndex = -1; });
  let stop = links[0];
  if (!stop) return;
  stop.tabIndex = 0;
  body.addEventListener("focusin", (event) => {
    const link = (event.target as Element).closest("a");
    if (!link || link === stop) return;
    if (stop) stop.tabIndex = -1;
    link.tabIndex = 0;
    stop = link;
  });
  body.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = (event.target as Element).closest<HTMLTableCellElement>("th, td");
    if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const [down, right] = step;
    for (let row = cell.parentElement as HTMLTableRowElement | undefined, at = cell.cellIndex; row;) {
      at += right;
      row = down ? body.rows[row.sectionRowIndex + down] : row;
      const next = row?.cells[at];
      if (!next) return;
      const link = next.querySelector("a");
      if (link) return link.focus();
    }
  });
}

function place(spec: Heat, cell: HeatCell | null, low: number, span: number): HTMLElement {
  if (!cell) return h("td", { class: "none" }, h("span", { class: "in" }, h("span", { "aria-hidden": "true" }, "–"), h("span", { class: "sr" }, word("not_measured"))));
  const judged = cell.t !== "plain";
  const look = cell.s ? "is-small" : judged ? `is-${cell.t}` : `heat-${Math.min(4, Math.floor(((cell.v - low) / span) * 5))}`;
  const mark = cell.s ? h("span", { class: "heat-mark", title: word("few") }, h("span", { "aria-hidden": "true" }, "○"), h("span", { class: "sr" }, word("few")))
    : judged ? h("span", { class: "heat-mark" }, h("span", { "aria-hidden": "true" }, MARKS[cell.t]), h("span", { class: "sr" }, word(cell.t))) : null;
  const turn = cell.d === null ? null : trend(cell.d, spec.unit);
  const inside = [mark, h("span", {}, measured(cell.v, spec.unit === "ratio" ? "ratio" : "", spec.decimals)), turn, cell.n === null ? null : h("span", { class: "heat-n" }, `n\u202f${number(cell.n)}`)];
  const href = address(cell.h);
  return h("td", { class: look }, href ? h("a", { href, "data-panel": true }, ...inside) : h("span", { class: "in" }, ...inside));
}

function trend(change: number, unit: string): HTMLElement {
  const [sign, said] = change > 0 ? ["↗", "up"] : change < 0 ? ["↘", "down"] : ["→", "unchanged"];
  return h("span", { title: `${word(said)} ${measured(Math.abs(change), unit)}` }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "sr" }, word(said)));
}
