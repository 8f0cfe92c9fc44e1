import { payload, type Chip, type State } from "../dom";
import { GAP, instant, number, withUnit } from "../format";
import { word } from "../words";

export type Kind = "text" | "code" | "quantity" | "money" | "ratio" | "date" | "instant" | "segment" | "status" | "link" | "flag";
export interface Column {
  field: string; label: string; kind: Kind; decimals: number; unit?: string; unitField?: string; href?: string; card?: boolean; frozen?: boolean;
  total?: boolean; editable?: boolean; shade?: string; width?: number; group?: string; note?: string; statuses?: Record<string, State>;
}
export interface Spec {
  name: string; label: string; empty: string; count: number; all?: number; rest?: string; key?: string; columns: Column[]; segments: Record<string, Chip>; data: Record<string, unknown[]>;
}
export interface Edit { row: number; field: string; before: unknown; after: unknown }

export const NUMERIC = new Set<Kind>(["quantity", "money", "ratio"]);

/** The rows of a grid, column by column, and what was changed in them. A row is known by its place in the payload. */
export class Table {
  readonly spec: Spec;
  readonly edits: Edit[][] = [];
  private undone: Edit[][] = [];

  constructor(element: Element) {
    this.spec = payload<Spec>(element);
  }

  /** All rows, of which the page held the first ones only. */
  take(whole: Spec): void {
    Object.assign(this.spec, { data: whole.data, count: whole.count, all: undefined, rest: undefined });
  }

  column(field: string): Column | undefined {
    return this.spec.columns.find((column) => column.field === field);
  }

  value(column: Column, row: number): unknown {
    return this.spec.data[column.field]?.[row];
  }

  unit(column: Column, row: number): string {
    return column.unitField ? String(this.spec.data[column.unitField]?.[row] ?? "") : column.unit ?? "";
  }

  href(column: Column, row: number): unknown {
    return column.href ? this.spec.data[column.href]?.[row] : null;
  }

  shade(column: Column, row: number): string {
    return column.shade ? String(this.spec.data[column.shade]?.[row] ?? "") : "";
  }

  /** As shown. A unit common to all rows stands in the header, one that differs by row in the cell. */
  text(column: Column, row: number, unitInCell = Boolean(column.unitField)): string {
    const value = this.value(column, row);
    const unset = column.kind === "status" && value === "" ? column.statuses?.[""] : undefined;
    if (unset) return unset.label;
    if (value === null || value === undefined || value === "") return NUMERIC.has(column.kind) ? GAP : "";
    const unit = unitInCell ? this.unit(column, row) : undefined;
    switch (column.kind) {
      case "quantity":
      case "money":
        return withUnit(number(value as number, column.decimals), unit);
      case "ratio":
        return withUnit(number((value as number) * 100, column.decimals), "%");
      case "instant":
        return instant(value as string);
      case "flag":
        return word(value ? "yes" : "no");
      case "status":
        return column.statuses?.[String(value)]?.label ?? String(value);
      case "segment": {
        const chips = this.chips(value);
        return chips.length === 1 ? `${chips[0]!.code} ${chips[0]!.name}` : chips.length ? chips.map((one) => one.code).join("  ") : String(value);
      }
      default:
        return String(value);
    }
  }

  /** A cell names one segment, or several between commas. */
  chips(value: unknown): Chip[] {
    return String(value ?? "").split(",").flatMap((code) => this.spec.segments[code] ?? []);
  }

  /** For the clipboard: plain numbers that a spreadsheet understands, in the reader's notation. */
  plain(column: Column, row: number): string {
    const value = this.value(column, row);
    if (value === null || value === undefined) return "";
    if (!NUMERIC.has(column.kind)) return column.kind === "segment" ? String(value) : this.text(column, row);
    const decimals = column.kind === "ratio" ? column.decimals + 2 : Math.max(column.decimals, 6);
    return new Intl.NumberFormat(document.documentElement.lang || "en", { useGrouping: false, maximumFractionDigits: decimals }).format(value as number);
  }

  /** The sum over rows, or null when they are not in one unit. */
  sum(column: Column, rows: Iterable<number>): number | null {
    let total = 0;
    let unit: string | undefined;
    for (const row of rows) {
      const value = this.value(column, row);
      if (typeof value !== "number") continue;
      const own = this.unit(column, row);
      if (unit !== undefined && own !== unit) return null;
      unit = own;
      total += value;
    }
    return total;
  }

  apply(batch: Edit[]): void {
    const real = batch.filter((edit) => edit.before !== edit.after);
    if (real.length === 0) return;
    this.edits.push(real);
    this.undone = [];
    this.write(real, "after");
  }

  undo(): boolean {
    const batch = this.edits.pop();
    if (!batch) return false;
    this.undone.push(batch);
    this.write([...batch].reverse(), "before");
    return true;
  }

  redo(): boolean {
    const batch = this.undone.pop();
    if (!batch) return false;
    this.edits.push(batch);
    this.write(batch, "after");
    return true;
  }

  private write(batch: Edit[], side: "before" | "after"): void {
    for (const edit of batch) {
      const cells = this.spec.data[edit.field];
      if (cells) cells[edit.row] = edit[side];
    }
  }

  /** What differs from what the server sent, once per cell. */
  changes(): Edit[] {
    const cells = new Map<string, Edit>();
    for (const edit of this.edits.flat()) {
      const key = `${edit.row}\u0000${edit.field}`;
      const known = cells.get(key);
      cells.set(key, known ? { ...known, after: edit.after } : { ...edit });
    }
    return [...cells.values()].filter((edit) => edit.before !== edit.after);
  }
}
