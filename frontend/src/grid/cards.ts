import { address, chip, h, state } from "../dom";
import { parse } from "../format";
import { word } from "../words";
import type { Column, Table } from "./table";

const PAGE = 40;

/** On a phone a row is a card with the few fields that matter. */
export function cards(table: Table, edited: () => void): HTMLElement {
  const marked = table.spec.columns.filter((column) => column.card || column.editable);
  const first = table.spec.columns[0];
  const fields = (marked.length ? marked : table.spec.columns.slice(0, 5)).filter((column) => column !== first);
  const list = h("ul", { class: "cards" });
  const more = h("button", { type: "button", class: "button is-wide", click: () => show() });
  const box = h("div", {}, list, h("p", { class: "cards-more" }, more));
  const search = h("input", { type: "search", placeholder: word("search"), "aria-label": word("search"), input: () => restart() });
  if (table.spec.count > PAGE) box.prepend(h("div", { class: "grid-bar" }, search));
  let rows: number[] = [];
  let shown = 0;
  box.addEventListener("tw:rows", () => (search.value ? restart() : follow()));

  /** More rows have come: they wait behind the button. */
  function follow(): void {
    rows = Array.from({ length: table.spec.count }, (_, row) => row);
    left();
  }

  function restart(): void {
    const wanted = search.value.trim().toLowerCase();
    const every = Array.from({ length: table.spec.count }, (_, row) => row);
    rows = wanted ? every.filter((row) => table.spec.columns.some((column) => table.text(column, row).toLowerCase().includes(wanted))) : every;
    shown = 0;
    list.replaceChildren();
    show();
  }

  function show(): void {
    if (!first) return;
    for (const row of rows.slice(shown, shown + PAGE)) {
      const head = h("p", { class: "card-head" }, ...value(first, row));
      const told = fields.filter((column) => column.editable || table.text(column, row) !== "");
      const pairs = told.flatMap((column) => [h("dt", {}, column.group ? `${column.group} ${column.label}` : column.label), h("dd", {}, ...value(column, row))]);
      list.append(h("li", {}, head, h("dl", {}, ...pairs)));
    }
    shown = Math.min(shown + PAGE, rows.length);
    left();
  }

  function left(): void {
    more.hidden = shown >= rows.length;
    more.textContent = word("show_more", { n: rows.length - shown });
  }

  function value(column: Column, row: number): (Node | string)[] {
    const own = table.value(column, row);
    if (column.editable && table.shade(column, row) !== "frozen") return [input(column, row)];
    let inside: Node | string = table.text(column, row, column.kind !== "ratio");
    if (column.kind === "segment" && table.chips(own).length) inside = h("span", { class: "segs" }, ...table.chips(own).map(chip));
    if (column.kind === "status" && own) inside = state(column.statuses?.[String(own)] ?? { label: String(own), tone: "plain" });
    const href = address(table.href(column, row));
    return [href ? h("a", { href }, inside) : inside];
  }

  function input(column: Column, row: number): HTMLElement {
    const field = h("input", {
      class: "card-input", inputmode: "decimal", "aria-label": [first && table.text(first, row), column.group, column.label].filter(Boolean).join(" "), value: table.plain(column, row),
      change: () => {
        const after = field.value === "" ? null : parse(field.value);
        field.setCustomValidity(after === null && field.value !== "" ? word("not_number", { text: field.value }) : "");
        if (!field.reportValidity()) return;
        table.apply([{ row, field: column.field, before: table.value(column, row), after }]);
        edited();
      },
    });
    return field;
  }

  restart();
  return box;
}
