import { h } from "./dom";
import { word } from "./words";

interface Column { label: string; kind: "text" | "number" | "date"; choices?: [string, string][] }

/**
 * A list that grows: its text, one row a line, as a table of fields to which rows are added and from which they go.
 * The text is what is sent, so that a form without scripts works the same.
 */
class Rows extends HTMLElement {
  private area!: HTMLTextAreaElement;
  private columns: Column[] = [];
  private readonly body = h("tbody");
  private readonly add = h("button", { type: "button", class: "button", click: () => this.grow() });

  connectedCallback(): void {
    const area = this.querySelector("textarea");
    if (!area || this.classList.contains("is-ready")) return;
    this.area = area;
    this.columns = JSON.parse(this.getAttribute("columns") ?? "[]") as Column[];
    this.add.textContent = word("add_row");
    for (const line of area.value.split("\n")) if (line.trim()) this.body.append(this.row(this.cells(line)));
    area.hidden = true;
    const label = this.closest(".field")?.querySelector("label");
    label?.setAttribute("id", `${area.id}_label`);
    label?.addEventListener("click", () => this.focusOn(this.body.firstElementChild, 0));
    const heads = this.columns.map((one) => h("th", { scope: "col" }, one.label));
    this.append(
      h("table", { class: "rows", "aria-labelledby": `${area.id}_label`, "aria-describedby": area.getAttribute("aria-describedby") },
        h("thead", {}, h("tr", {}, ...heads, h("th", {}, h("span", { class: "sr" }, word("remove_row", { n: "" }).trim())))), this.body), this.add);
    this.body.addEventListener("input", () => this.write());
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.number();
    this.classList.add("is-ready");
  }

  private cells(line: string): string[] {
    const parts = line.split(",").map((part) => part.trim());
    const last = this.columns.length - 1;
    return [...parts.slice(0, last), parts.slice(last).join(", ")];
  }

  private row(values: string[]): HTMLElement {
    const row = h("tr", {}, ...this.columns.map((column, at) => h("td", {}, this.field(column, values[at] ?? ""))),
      h("td", {}, h("button", { type: "button", class: "button is-small", click: () => this.remove_(row) }, "✕")));
    return row;
  }

  private field(column: Column, value: string): HTMLElement {
    if (!column.choices) {
      const kind = column.kind === "date" ? "date" : "text";
      return h("input", { type: kind, value, inputmode: column.kind === "number" ? "decimal" : null });
    }
    const known = column.choices.some(([code]) => code === value) ? column.choices : [[value, value] as [string, string], ...column.choices];
    return h("select", {}, ...known.map(([code, label]) => h("option", { value: code, selected: code === value }, label)));
  }

  private fields(row: Element): (HTMLInputElement | HTMLSelectElement)[] {
    return [...row.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")];
  }

  private focusOn(row: Element | null, at: number): void {
    (row ? this.fields(row)[at] : this.add)?.focus();
  }

  /** Every field says its column and its row: a table of unnamed fields is silent to those who do not see it. */
  private number(): void {
    [...this.body.children].forEach((row, n) => {
      this.fields(row).forEach((one, at) => one.setAttribute("aria-label", word("cell_of", { name: this.columns[at]!.label, n: n + 1 })));
      row.querySelector("button")?.setAttribute("aria-label", word("remove_row", { n: n + 1 }));
    });
  }

  private write(): void {
    const last = this.columns.length - 1;
    const lines = [...this.body.children].map((row) => this.fields(row).map((one, at) => (at < last ? one.value.replaceAll(",", " ") : one.value).trim()));
    this.area.value = lines.filter((cells) => cells.some(Boolean)).map((cells) => cells.join(", ")).join("\n");
  }

  private changed(): void {
    this.number();
    this.write();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private grow(after: Element | null = this.body.lastElementChild): void {
    const row = this.row([]);
    after ? after.after(row) : this.body.append(row);
    this.changed();
    this.focusOn(row, 0);
  }

  private remove_(row: Element): void {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.changed();
    this.focusOn(next, 0);
  }

  /** Enter begins the next row instead of sending half a list. */
  private key(event: KeyboardEvent): void {
    const row = (event.target as Element).closest("tr");
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !row || (event.target as Element).matches("button")) return;
    event.preventDefault();
    this.grow(row);
  }
}

customElements.define("tw-rows", Rows);
