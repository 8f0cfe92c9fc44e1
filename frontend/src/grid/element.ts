import {
  CellStyleModule, ClientSideRowModelApiModule, ClientSideRowModelModule, ColumnApiModule, createGrid, DateFilterModule, type GridApi, LocaleModule,
  ModuleRegistry, NumberFilterModule, PinnedRowModule, QuickFilterModule, RenderApiModule, RowApiModule, ScrollApiModule, TextEditorModule, TextFilterModule,
  themeQuartz, TooltipModule, ValidationModule, CellApiModule, EventApiModule, ColumnAutoSizeModule,
} from "ag-grid-community";
import { address, h } from "../dom";
import { number, parse } from "../format";
import { word } from "../words";
import { cards } from "./cards";
import { definitions, type Row } from "./columns";
import { Selection } from "./selection";
import { type Edit, NUMERIC, type Spec, Table } from "./table";

ModuleRegistry.registerModules([
  ClientSideRowModelModule, ClientSideRowModelApiModule, ColumnApiModule, CellStyleModule, TextFilterModule, NumberFilterModule, DateFilterModule, QuickFilterModule,
  PinnedRowModule, RenderApiModule, RowApiModule, ScrollApiModule, TextEditorModule, TooltipModule, LocaleModule, CellApiModule, EventApiModule, ColumnAutoSizeModule,
  ...(import.meta.env.DEV ? [ValidationModule] : []),
]);

const theme = themeQuartz.withParams({
  fontFamily: "var(--font)", fontSize: 14, rowHeight: 28, headerHeight: 32, spacing: 4, cellHorizontalPadding: 10,
  backgroundColor: "var(--surface)", foregroundColor: "var(--text)", headerBackgroundColor: "var(--surface)", headerTextColor: "var(--muted)", headerFontWeight: 500,
  borderColor: "var(--line)", rowHoverColor: "var(--sunken)", oddRowBackgroundColor: "var(--surface)", accentColor: "var(--accent)", wrapperBorder: false, wrapperBorderRadius: 0,
  chromeBackgroundColor: "var(--surface)", menuBackgroundColor: "var(--surface)", inputBackgroundColor: "var(--surface)", inputTextColor: "var(--text)", iconSize: 14,
  columnBorder: false, headerColumnResizeHandleColor: "var(--line)", tooltipBackgroundColor: "var(--text)", tooltipTextColor: "var(--bg)", textColor: "var(--text)",
});

const SHORT = 14;
/** More rows are no document to read; the workbook has them all. */
const PAPER = 2000;
const phone = matchMedia("(max-width: 600px)");

class Grid extends HTMLElement {
  private table!: Table;
  private api: GridApi<Row> | undefined;
  private selection: Selection | undefined;
  private foot!: HTMLElement;
  private missing = false;
  private posted: HTMLInputElement | undefined;
  private readonly onPhone = (): void => this.draw();

  connectedCallback(): void {
    if (this.table) return;
    this.table = new Table(this);
    this.classList.add("is-ready");
    if (this.table.spec.columns.some((column) => column.editable)) {
      this.posted = h("input", { type: "hidden", name: `${this.table.spec.name}.changes`, value: "[]" });
    }
    phone.addEventListener("change", this.onPhone);
    this.draw();
    if (this.table.spec.rest) void this.fetchRest();
  }

  disconnectedCallback(): void {
    phone.removeEventListener("change", this.onPhone);
    this.api?.destroy();
  }

  private draw(): void {
    this.api?.destroy();
    this.api = undefined;
    this.replaceChildren();
    if (this.posted) this.append(this.posted);
    const { spec } = this.table;
    if (spec.count === 0) this.append(h("p", { class: "grid-empty" }, spec.empty || word("no_data")));
    else if (phone.matches) this.append(cards(this.table, () => this.edited()), this.tools());
    else this.wide();
  }

  /** The page held the first rows; the others come after it, and what was sorted, filtered or marked stays. */
  private async fetchRest(): Promise<void> {
    const from = address(this.table.spec.rest);
    if (!from) return;
    this.classList.add("is-partial");
    this.missing = false;
    try {
      const answer = await fetch(from, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      this.table.take((await answer.json()) as Spec);
    } catch {
      this.missing = true;
      const count = this.querySelector(".grid-count");
      const again = h("button", { type: "button", class: "tool", click: () => { again.remove(); void this.fetchRest(); } }, word("retry"));
      if (count) count.replaceChildren(h("span", { role: "alert" }, word("rows_missing", this.known())), " ", again);
      return;
    }
    this.classList.remove("is-partial");
    if (!this.isConnected) return;
    this.api?.setGridOption("rowData", this.rowData());
    this.querySelector(".cards")?.parentElement?.dispatchEvent(new Event("tw:rows"));
    this.recount();
  }

  private rowData(): Row[] {
    return Array.from({ length: this.table.spec.count }, (_, at) => ({ at }));
  }

  private known(): { n: string; all: string } {
    const { count, all } = this.table.spec;
    return { n: number(count), all: number(all ?? count) };
  }

  private recount(): void {
    const { count, all } = this.table.spec;
    const place = this.querySelector(".grid-count");
    const shown = this.api?.getDisplayedRowCount() ?? count;
    if (place && !this.missing) place.textContent = all ? word("rows_come", this.known()) : shown < count ? word("rows_of", { n: number(shown), all: number(count) }) : word(count === 1 ? "row" : "rows", this.known());
    if (this.table.spec.columns.some((column) => column.total)) this.totals();
  }

  private tools(): HTMLElement {
    const file = address(this.getAttribute("export"));
    const { count, all } = this.table.spec;
    return h("div", { class: "grid-bar" }, h("span", { class: "grid-count" }, word(all ? "rows_come" : count === 1 ? "row" : "rows", this.known())),
      file ? h("a", { class: "tool", href: file, download: true }, word("export")) : null);
  }

  private wide(): void {
    const { spec } = this.table;
    const short = spec.count <= SHORT;
    const bar = this.tools();
    const search = h("input", { type: "search", placeholder: word("search"), "aria-label": word("search"), input: () => this.api?.setGridOption("quickFilterText", search.value) });
    const clear = h("button", { type: "button", class: "tool", hidden: true, click: () => { search.value = ""; this.api?.setGridOption("quickFilterText", ""); this.api?.setFilterModel(null); } }, word("clear_filters"));
    if (!short) bar.prepend(search);
    bar.querySelector(".grid-count")!.after(clear);
    const body = h("div", { class: `grid-body tw-grid-theme${short ? " is-short" : ""}` });
    this.foot = h("div", { class: "grid-foot", role: "status" });
    this.append(bar, body, this.foot);
    const summed = spec.columns.some((column) => column.total);
    this.api = createGrid<Row>(body, {
      theme,
      columnDefs: definitions(this.table, body.clientWidth),
      defaultColDef: { sortable: true, resizable: true, suppressMovable: false, suppressHeaderMenuButton: short, suppressKeyboardEvent: ({ event }) => this.ours(event) },
      rowData: this.rowData(),
      getRowId: ({ data }) => String(data.at),
      domLayout: short ? "autoHeight" : "normal",
      animateRows: false,
      suppressColumnVirtualisation: spec.columns.length <= 12,
      enableCellTextSelection: false,
      suppressDragLeaveHidesColumns: true,
      tooltipShowDelay: 300,
      tooltipShowMode: "whenTruncated",
      stopEditingWhenCellsLoseFocus: true,
      cacheQuickFilter: (spec.all ?? spec.count) <= 20_000,
      localeText: { noRowsToShow: word("no_match", { n: spec.count }), contains: word("filter_contains"), equals: word("filter_equals") },
      readOnlyEdit: true,
      // One stop of the Tab key, moved about in with the arrows: thousands of cells would hold whoever has no mouse.
      tabToNextHeader: () => false,
      tabToNextCell: ({ editing, nextCellPosition }) => (editing ? nextCellPosition ?? true : false),
      onCellEditRequest: (event) => this.typed(event.data.at, event.column.getColId(), String(event.newValue ?? "")),
      onFilterChanged: () => this.filtered(clear),
      onCellFocused: (event) => { if (event.rowIndex !== null && event.column && typeof event.column !== "string" && !event.rowPinned) this.selection?.focus(event.rowIndex, event.column.getColId()); },
      onBodyScroll: () => requestAnimationFrame(() => this.selection?.paint()),
      onSortChanged: () => this.selection?.clear(),
    });
    this.selection = new Selection(this.api, body, () => this.summed());
    body.addEventListener("copy", (event) => this.copy(event));
    body.addEventListener("paste", (event) => this.paste(event));
    if (summed) this.totals();
    matchMedia("print").addEventListener("change", ({ matches }) => this.onPaper(matches));
  }

  /** On paper every row stands, as a plain table: the grid draws only those that are in view. */
  private onPaper(printing: boolean): void {
    this.querySelector(".paper")?.remove();
    if (!printing || !this.isConnected) return;
    const { columns } = this.table.spec;
    const kinds = columns.map((column) => (NUMERIC.has(column.kind) ? "num" : ""));
    const rows = this.visible().slice(0, PAPER);
    this.append(h("table", { class: "paper" },
      h("thead", {}, h("tr", {}, ...columns.map((column, at) => h("th", { class: kinds[at] }, column.label)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...columns.map((column, at) => h("td", { class: kinds[at] }, this.table.text(column, row))))))));
  }

  /** Keys that are ours, not AG Grid's. */
  private ours(event: KeyboardEvent): boolean {
    if (!this.selection || (event.target as Element).closest("input")) return false;
    const control = event.ctrlKey || event.metaKey;
    if (event.shiftKey && event.key.startsWith("Arrow")) this.selection.grow(event.key, control);
    else if (control && event.key === "a") this.selection.all();
    else if (control && event.key === "d" && this.posted) this.fillDown();
    else if (control && (event.key === "y" || (event.key === "Z" && event.shiftKey)) && this.posted) this.step(this.table.redo());
    else if (control && event.key === "z" && this.posted) this.step(this.table.undo());
    else if (event.key === "Delete" && this.posted) this.put(() => "");
    else if (event.key === "Escape") this.selection.clear();
    else if (event.key === "Enter" && !this.posted) {
      const link = document.activeElement?.querySelector<HTMLAnchorElement>("a");
      link?.click();
      return Boolean(link);
    } else return control && (event.key === "c" || event.key === "v");
    event.preventDefault();
    return true;
  }

  private rowsIn(top: number, bottom: number): number[] {
    const rows: number[] = [];
    for (let index = top; index <= bottom; index++) {
      const row = this.api?.getDisplayedRowAtIndex(index)?.data?.at;
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  private copy(event: ClipboardEvent): void {
    const box = this.selection?.box();
    if (!box || (event.target as Element).closest("input")) return;
    const columns = this.selection!.columns().slice(box.left, box.right + 1).map((id) => this.table.column(id)!);
    const rows = this.rowsIn(box.top, box.bottom);
    const lines = rows.map((row) => columns.map((column) => this.table.plain(column, row).replace(/[\t\r\n]+/g, " ")).join("\t"));
    if (rows.length > 1 && columns.length === this.table.spec.columns.length) lines.unshift(columns.map((column) => column.label).join("\t"));
    event.clipboardData?.setData("text/plain", lines.join("\n"));
    event.preventDefault();
    this.say(word("copied", { n: number(rows.length * columns.length) }));
  }

  private paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain");
    if (!text || !this.posted || (event.target as Element).closest("input")) return;
    event.preventDefault();
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
    const box = this.selection?.box();
    if (!box) return;
    const single = lines.length === 1 && lines[0]?.length === 1;
    const bottom = single ? box.bottom : Math.max(box.bottom, box.top + lines.length - 1);
    const right = single ? box.right : Math.max(box.right, box.left + (lines[0]?.length ?? 1) - 1);
    this.put((row, column) => lines[row % lines.length]?.[column % (lines[row % lines.length]?.length ?? 1)], { ...box, bottom, right });
  }

  private fillDown(): void {
    const box = this.selection?.box();
    if (!box) return;
    const first = this.rowsIn(box.top, box.top)[0] ?? 0;
    const ids = this.selection!.columns();
    this.put((_, column) => this.table.plain(this.table.column(ids[box.left + column] ?? "")!, first));
  }

  /** Writes texts into the editable cells of a box as one step that can be undone. */
  private put(text: (row: number, column: number) => string | undefined, box = this.selection?.box() ?? null): void {
    if (!box) return;
    const ids = this.selection!.columns();
    const batch: Edit[] = [];
    const refused: string[] = [];
    this.rowsIn(box.top, box.bottom).forEach((row, down) => {
      for (let index = box.left; index <= box.right; index++) {
        const given = text(down, index - box.left);
        const column = this.table.column(ids[index] ?? "");
        if (given === undefined || !column?.editable || this.table.shade(column, row) === "frozen") continue;
        const edit = this.edit(row, column.field, given);
        if (edit) batch.push(edit);
        else refused.push(given);
      }
    });
    this.table.apply(batch);
    this.edited();
    if (refused.length) this.say(word("not_number", { text: refused[0] ?? "" }));
  }

  private edit(row: number, field: string, text: string): Edit | null {
    const column = this.table.column(field)!;
    const before = this.table.value(column, row);
    if (text.trim() === "") return { row, field, before, after: null };
    if (!NUMERIC.has(column.kind)) return { row, field, before, after: text.trim() };
    const value = parse(text.replace(/%$/, ""));
    return value === null ? null : { row, field, before, after: text.includes("%") ? value / 100 : value };
  }

  private typed(row: number, field: string, text: string): void {
    const edit = this.edit(row, field, text);
    if (edit) this.table.apply([edit]);
    this.edited();
    if (!edit) this.say(word("not_number", { text }));
  }

  private step(done: boolean): void {
    if (done) this.edited();
  }

  private edited(): void {
    const changes = this.table.changes();
    const keys = this.table.spec.key ? this.table.spec.data[this.table.spec.key] : undefined;
    if (this.posted) this.posted.value = JSON.stringify(changes.map((edit) => ({ row: keys?.[edit.row] ?? edit.row, field: edit.field, value: edit.after })));
    this.api?.refreshCells({ force: true });
    if (this.table.spec.columns.some((column) => column.total)) this.totals();
    this.closest("form")?.querySelectorAll("[data-changes]").forEach((place) => { place.textContent = changes.length ? word("edited", { n: number(changes.length) }) : ""; });
    this.dispatchEvent(new CustomEvent("tw:edited", { bubbles: true, detail: { grid: this.table.spec.name, changes: changes.length } }));
    this.selection?.paint();
  }

  private visible(): number[] {
    const rows: number[] = [];
    this.api?.forEachNodeAfterFilter((node) => { if (node.data) rows.push(node.data.at); });
    return rows;
  }

  private totals(): void {
    // A sum of the first rows would be taken for that of all.
    if (this.table.spec.all) return;
    const rows = this.visible();
    const totals = Object.fromEntries(this.table.spec.columns.filter((column) => column.total).map((column) => [column.field, this.table.sum(column, rows)]));
    this.api?.setGridOption("pinnedBottomRowData", [{ at: -1, totals }]);
  }

  private filtered(clear: HTMLElement): void {
    const rows = this.api?.getDisplayedRowCount() ?? 0;
    clear.hidden = rows === this.table.spec.count;
    this.recount();
    this.selection?.clear();
  }

  /** Count, sum and mean of the marked cells, as a spreadsheet shows them. */
  private summed(): void {
    const box = this.selection?.box();
    if (!box || (box.top === box.bottom && box.left === box.right)) return this.say("");
    const columns = this.selection!.columns().slice(box.left, box.right + 1).map((id) => this.table.column(id)!);
    const rows = this.rowsIn(box.top, box.bottom);
    const count = rows.length * columns.length;
    const units = new Set<string>();
    let [sum, n, ratio] = [0, 0, false];
    for (const column of columns) {
      if (!NUMERIC.has(column.kind)) continue;
      ratio ||= column.kind === "ratio";
      for (const row of rows) {
        const value = this.table.value(column, row);
        if (typeof value !== "number") continue;
        units.add(column.kind === "ratio" ? "%" : this.table.unit(column, row));
        sum += value;
        n += 1;
      }
    }
    if (n === 0 || units.size > 1) return this.say(word("selection_text", { n: number(count) }));
    const unit = [...units][0] ?? "";
    const show = (value: number): string => (ratio ? `${number(value * 100, 1)}\u202f%` : `${number(value, 2, 0)}${unit ? `\u202f${unit}` : ""}`);
    this.say(word("selection", { n: number(count), sum: show(sum), mean: show(sum / n) }));
  }

  private say(text: string): void {
    if (this.foot) this.foot.textContent = text;
  }
}
customElements.define("tw-grid", Grid);
