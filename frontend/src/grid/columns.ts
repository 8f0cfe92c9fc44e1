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

function width(table: Table, column: Column, shown = (row: number) => table.text(column, row)): number {
  let longest = column.total ? measure(number(table.sum(column, Array(table.spec.count).keys()) ?? 0, column.decimals), column) * 1.06 : 0;
  const count = table.spec.count;
  const stride = Math.max(1, Math.floor(count / 200));
  for (let row = 0; row < count; row += stride) longest = Math.max(longest, measure(shown(row), column));
  const header = Math.min(measure(title(column)), 200) + (column.group ? 26 : 46);
  const cell = longest + (column.kind === "status" ? 52 : column.kind === "segment" ? 46 : 26);
  return Math.ceil(Math.min(Math.max(header, cell, 64), 280));
}

interface Size { width: number; least: number; codes: boolean }

const LEAST = 150;
const wordy = (column: Column): boolean => column.kind === "text" || column.kind === "link" || column.kind === "segment";
const stretches = (column: Column, index: number): boolean => wordy(column) && index !== 0 && !column.group;

/** How wide each column stands, and how narrow it may become. A name of a segment is whole, or where the columns do not
 *  fit beside each other its code stands for it: nothing of it is cut. */
function sizes(table: Table, room: number): Size[] {
  const names = table.spec.columns.map((column, index) => {
    const size = column.width ?? width(table, column);
    return { width: size, least: column.kind === "segment" || !stretches(column, index) ? size : Math.min(size, LEAST), codes: false };
  });
  if (names.reduce((sum, one) => sum + one.least, 0) <= room) return names;
  return table.spec.columns.map((column, index) => {
    if (column.kind !== "segment") return names[index]!;
    const size = width(table, column, (row) => table.chips(table.value(column, row)).map((one) => one.code).join("  ") || table.text(column, row));
    return { width: size, least: size, codes: true };
  });
}

export function title(column: Column): string {
  return column.unit && column.kind !== "ratio" ? `${column.label} [${column.unit}]` : column.label;
}

function renderer(table: Table, column: Column, codes: boolean): ColDef<Row>["cellRenderer"] {
  const linked = Boolean(column.href);
  if (!linked && column.kind !== "segment" && column.kind !== "status") return undefined;
  return (params: ICellRendererParams<Row>) => {
    const row = params.data?.at ?? -1;
    if (row < 0) return params.valueFormatted ?? String(params.value ?? "");
    const value = table.value(column, row);
    let inside: Node | string = table.text(column, row);
    if (column.kind === "segment") {
      const chips = table.chips(value);
      if (chips.length) inside = h("span", { class: codes ? "segs is-codes" : "segs" }, ...chips.map(chip));
    } else if (column.kind === "status" && value !== null && value !== undefined) {
      inside = state(column.statuses?.[String(value)] ?? { label: String(value), tone: "plain" });
    }
    const href = address(table.href(column, row));
    if (href) return h("a", column.kind === "link" ? { href, tabindex: -1 } : { href, class: "opens", "data-panel": true, tabindex: -1 }, inside);
    return typeof inside === "string" ? h("span", {}, inside) : inside;
  };
}

function definition(table: Table, column: Column, index: number, size: Size): ColDef<Row> {
  const numeric = NUMERIC.has(column.kind);
  return {
    colId: column.field,
    headerName: title(column),
    headerTooltip: column.note || undefined,
    headerClass: numeric ? "ag-right-aligned-header" : undefined,
    pinned: index === 0 || column.frozen ? "left" : undefined,
    lockPinned: true,
    width: size.width,
    minWidth: stretches(column, index) ? size.least : 60,
    suppressHeaderFilterButton: Boolean(column.group),
    flex: stretches(column, index) && !column.width && !size.codes ? 1 : undefined,
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
    tooltipValueGetter: (params) => (params.data && !params.data.totals ? table.text(column, params.data.at) : null),
    cellRenderer: renderer(table, column, size.codes),
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
export function definitions(table: Table, room: number): (ColDef<Row> | ColGroupDef<Row>)[] {
  const out: (ColDef<Row> | ColGroupDef<Row>)[] = [];
  let open: ColGroupDef<Row> | undefined;
  const widths = sizes(table, room);
  table.spec.columns.forEach((column, index) => {
    const one = definition(table, column, index, widths[index]!);
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
