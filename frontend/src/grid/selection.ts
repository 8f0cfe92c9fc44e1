import type { GridApi } from "ag-grid-community";
import type { Row } from "./columns";

interface Cell { row: number; column: number }

/** A rectangle of cells, dragged or grown with Shift, as a spreadsheet has it. Rows and columns count as displayed. */
export class Selection {
  private anchor: Cell | null = null;
  private head: Cell | null = null;
  private dragging = false;
  private pointed: Cell | null = null;

  constructor(private readonly api: GridApi<Row>, private readonly body: HTMLElement, private readonly changed: () => void) {
    body.addEventListener("pointerdown", (event) => {
      const cell = event.button === 0 && event.pointerType === "mouse" ? this.cellAt(event.target) : null;
      if (!cell || (event.target as Element).closest("a, input")) return;
      this.dragging = true;
      this.pointed = cell;
      if (event.shiftKey && this.anchor) this.head = cell;
      else this.anchor = this.head = cell;
      this.paint();
    });
    body.addEventListener("pointerover", (event) => {
      const cell = this.dragging ? this.cellAt(event.target) : null;
      if (!cell) return;
      this.head = cell;
      this.paint();
    });
    addEventListener("pointerup", () => {
      if (!this.dragging) return;
      this.dragging = false;
      this.changed();
    });
  }

  /** Where the displayed columns stand, left to right. */
  columns(): string[] {
    return this.api.getAllDisplayedColumns().map((column) => column.getColId());
  }

  private cellAt(target: EventTarget | null): Cell | null {
    const cell = (target as Element | null)?.closest?.(".ag-cell");
    const row = Number(cell?.closest("[row-index]")?.getAttribute("row-index") ?? "x");
    const column = this.columns().indexOf(cell?.getAttribute("col-id") ?? "");
    return Number.isInteger(row) && column >= 0 ? { row, column } : null;
  }

  grow(key: string, far: boolean): void {
    const focused = this.api.getFocusedCell();
    if (!this.anchor && focused) this.anchor = this.head = { row: focused.rowIndex, column: this.columns().indexOf(focused.column.getColId()) };
    if (!this.head) return;
    const rows = this.api.getDisplayedRowCount() - 1;
    const columns = this.columns().length - 1;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
    const row = far && step[0] ? (step[0] > 0 ? rows : 0) : this.head.row + (step[0] ?? 0);
    const column = far && step[1] ? (step[1] > 0 ? columns : 0) : this.head.column + (step[1] ?? 0);
    this.head = { row: Math.min(Math.max(row, 0), rows), column: Math.min(Math.max(column, 0), columns) };
    this.api.ensureIndexVisible(this.head.row);
    const id = this.columns()[this.head.column];
    if (id) this.api.ensureColumnVisible(id);
    this.paint();
    this.changed();
  }

  focus(row: number, column: string): void {
    const cell = { row, column: this.columns().indexOf(column) };
    const known = this.pointed?.row === cell.row && this.pointed.column === cell.column;
    this.pointed = null;
    if (known) return; // the focus follows the pointer, which has said already what is marked
    this.anchor = this.head = cell;
    this.paint();
    this.changed();
  }

  all(): void {
    this.anchor = { row: 0, column: 0 };
    this.head = { row: this.api.getDisplayedRowCount() - 1, column: this.columns().length - 1 };
    this.paint();
    this.changed();
  }

  clear(): void {
    this.anchor = this.head = null;
    this.paint();
    this.changed();
  }

  box(): { top: number; bottom: number; left: number; right: number } | null {
    if (!this.anchor || !this.head) return null;
    return {
      top: Math.min(this.anchor.row, this.head.row), bottom: Math.max(this.anchor.row, this.head.row),
      left: Math.min(this.anchor.column, this.head.column), right: Math.max(this.anchor.column, this.head.column),
    };
  }

  /** Marks the cells that are drawn just now; called again when others scroll into sight. */
  paint(): void {
    const box = this.box();
    const many = box && (box.top !== box.bottom || box.left !== box.right);
    const columns = this.columns();
    for (const cell of this.body.querySelectorAll(".ag-cell")) {
      const row = Number(cell.closest("[row-index]")?.getAttribute("row-index") ?? "x");
      const column = columns.indexOf(cell.getAttribute("col-id") ?? "");
      cell.classList.toggle("tw-sel", Boolean(many && row >= box.top && row <= box.bottom && column >= box.left && column <= box.right));
    }
  }
}
