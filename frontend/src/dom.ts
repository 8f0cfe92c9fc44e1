type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

function fill(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
}

/** Makes an element. Text is always text: nothing that comes from data is parsed as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

export function s<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, attributes, children);
  return element;
}

/** Addresses from data may lead within this site or to the web, never run as script. */
export function address(href: unknown): string | null {
  if (typeof href !== "string" || href === "") return null;
  return /^(https?:\/\/|mailto:|[/?#.])/i.test(href) ? href : null;
}

export function payload<T>(element: Element): T {
  const script = element.querySelector(':scope > script[type="application/json"]');
  return JSON.parse(script?.textContent ?? "{}") as T;
}

export interface Chip { code: string; name: string; slot: number; patterned: boolean }
export interface State { label: string; tone: Tone }
export type Tone = "plain" | "good" | "watch" | "bad";

export const MARKS: Record<Tone, string> = { plain: "", good: "✓", watch: "!", bad: "✕" };

export function chip(one: Chip): HTMLElement {
  const look = `seg seg-${one.slot}${one.patterned ? " is-patterned" : ""}`;
  return h("span", { class: look, title: one.name }, h("b", {}, one.code), h("span", {}, one.name));
}

export function state(one: State): HTMLElement {
  const mark = MARKS[one.tone];
  return h("span", { class: `status is-${one.tone}` }, mark ? h("i", { "aria-hidden": "true" }, mark) : null, one.label);
}

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Calls back when light turns to dark, whoever asked for it. */
export function onTheme(redraw: () => void, signal: AbortSignal): void {
  document.addEventListener("tw:theme", redraw, { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal });
}
