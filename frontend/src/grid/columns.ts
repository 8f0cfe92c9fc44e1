import type { CellClassParams, ColDef, ColGroupDef, ICellRendererParams, IRowNode, ValueFormatterParams, ValueGetterParams } from "ag-grid-community";
import { address, chip, h, state } from "../dom";
import { GAP, number } from "../format";
import { word } from "../words";
import { NUMERIC, type Column, type Table } from "./table";

/** A row in AG Grid is only its place in the table; totals have no place. */
export interface Row { at: number; totals?: Record<string, number | null> }

const FILTERS: Partial<Record<Column["kind"], string>> = { quantity: "agNumberColumnFilter", money: "agNumberColumnFilter", ratio: "agNumberColumnFilter", date: "agDateColumnFilter", instant: "agDateColumnFilter" };

function atMidnight(filter: Date, cell: string | null): number {
  if (!cell) return -1;
  const day = new Date(`${cell.slice(0, 10)}T00:00:00`).getTime();
  return Math.sign(day - filter.getTime());
}

const pen = document.createElement("canvas").getContext("2d");

/** How wide a text will be, before anything is drawn. */
function measure(text: string, column?: Column): number {
  if (!pen) return text.length * 8;
  const style = getComputedStyle(document.body);
  pen.font = column?.kind === "code" ? `13px ${style.getPropertyValue("--mono")}` : `14px ${style.fontFamily}`;
  return pen.measureText(text).width;
}

function width(table: Table, column: Column): number {
  let longest = column.total ? measure(number(table.sum(column, Array(table.spec.count).keys()) ?? 0, column.decimals), column) * 1.06 : 0;
  const count = table.spec.count;
  const stride = Math.max(1, Math.floor(count / 200));
  for (let row = 0; row < count; row += stride) longest = Math.max(longest, measure(table.text(column, row), column));
  const header = Math.min(measure(title(column)), 200) + (column.group ? 26 : 46);
  const cell = longest + (column.kind === "status" ? 52 : column.kind === "segment" ? 46 : 26);
  return Math.ceil(Math.min(Math.max(header, cell, 64), 280));
}

export function title(column: Column): string {
  return column.unit && column.kind !== "ratio" ? `${column.label} [${column.unit}]` : column.label;
}

function renderer(table: Table, column: Column): ColDef<Row>["cellRenderer"] {
  const linked = Boolean(column.href);
  if (!linked && column.kind !== "segment" && column.kind !== "status") return undefined;
  return (params: ICellRendererParams<Row>) => {
    const row = params.data?.at ?? -1;
    if (row < 0) return params.valueFormatted ?? String(params.value ?? "");
    const value = table.value(column, row);
    let inside: Node | string = table.text(column, row);
    if (column.kind === "segment") {
      const chips = table.chips(value);
      if (chips.length) inside = h("span", { class: "segs" }, ...chips.map(chip));
    } else if (column.kind === "status" && value !== null && value !== undefined) {
      inside = state(column.statuses?.[String(value)] ?? { label: String(value), tone: "plain" });
    }
    const href = address(table.href(column, row));
    if (href) return h("a", column.kind === "link" ? { href, tabindex: -1 } : { href, class: "opens", "data-panel": true, tabindex: -1 }, inside);
    return typeof inside === "string" ? h("span", {}, inside) : inside;
  };
}

function definition(table: Table, column: Column, index: number): ColDef<Row> {
  const numeric = NUMERIC.has(column.kind);
  const size = column.width ?? width(table, column);
  const wordy = column.kind === "text" || column.kind === "link" || column.kind === "segment";
  return {
    colId: column.field,
    headerName: title(column),
    headerTooltip: column.note || undefined,
    headerClass: numeric ? "ag-right-aligned-header" : undefined,
    pinned: index === 0 || column.frozen ? "left" : undefined,
    lockPinned: true,
    width: size,
    minWidth: wordy && index !== 0 && !column.group ? Math.min(size, 150) : 60,
    suppressHeaderFilterButton: Boolean(column.group),
    flex: wordy && index !== 0 && !column.group && !column.width ? 1 : undefined,
    valueGetter: (params: ValueGetterParams<Row>) => {
      const data = params.data;
      if (!data) return null;
      if (data.totals) return index === 0 ? word("total") : data.totals[column.field] ?? null;
      const value = table.value(column, data.at);
      return column.kind === "status" || column.kind === "segment" || column.kind === "flag" ? (value === null || value === undefined ? null : table.text(column, data.at)) : value ?? null;
    },
    valueFormatter: (params: ValueFormatterParams<Row>) => {
      const data = params.data;
      if (!data) return "";
      if (!data.totals) return table.text(column, data.at);
      if (typeof params.value !== "number") return params.value ? String(params.value) : column.total ? GAP : "";
      return column.kind === "ratio" ? `${number(params.value * 100, column.decimals)}\u202f%` : number(params.value, column.decimals);
    },
    getQuickFilterText: (params) => (params.data ? table.text(column, params.data.at) : ""),
    equals: (a, b) => a === b,
    comparator: (a: unknown, b: unknown, _x: IRowNode<Row>, _y: IRowNode<Row>, descending: boolean) => compare(a, b, descending),
    filter: FILTERS[column.kind] ?? "agTextColumnFilter",
    filterParams: FILTERS[column.kind] === "agDateColumnFilter" ? { comparator: atMidnight } : { maxNumConditions: 1 },
    cellClass: (params: CellClassParams<Row>) => {
      const classes = numeric ? ["tw-cell-num"] : column.kind === "code" ? ["tw-cell-code"] : [];
      if (column.editable && params.data && !params.data.totals) classes.push("tw-edit");
      return classes;
    },
    cellClassRules: {
      "tw-frozen": (params) => Boolean(params.data && !params.data.totals && table.shade(column, params.data.at) === "frozen"),
      "tw-due": (params) => Boolean(params.data && !params.data.totals && table.shade(column, params.data.at) === "due"),
    },
    cellRenderer: renderer(table, column),
    editable: (params) => Boolean(column.editable && params.data && !params.data.totals && table.shade(column, params.data.at) !== "frozen"),
    cellEditor: "agTextCellEditor",
  };
}

const collator = new Intl.Collator(document.documentElement.lang || "en", { numeric: true, sensitivity: "base" });

/** Gaps go last in either direction. */
function compare(a: unknown, b: unknown, descending: boolean): number {
  const gapA = a === null || a === undefined || a === "";
  const gapB = b === null || b === undefined || b === "";
  if (gapA || gapB) return gapA && gapB ? 0 : gapA === descending ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

/** Neighbouring columns of one group share a header, as the measures of a week do. */
export function definitions(table: Table): (ColDef<Row> | ColGroupDef<Row>)[] {
  const out: (ColDef<Row> | ColGroupDef<Row>)[] = [];
  let open: ColGroupDef<Row> | undefined;
  table.spec.columns.forEach((column, index) => {
    const one = definition(table, column, index);
    if (!column.group) {
      open = undefined;
      out.push(one);
    } else if (open?.headerName === column.group) open.children.push(one);
    else {
      open = { headerName: column.group, children: [one], marryChildren: true };
      out.push(open);
    }
  });
  return out;
}
