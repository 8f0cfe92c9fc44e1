import { h } from "./dom";
import { word } from "./words";

/** Light or dark by choice: kept in a cookie, so that the server draws the next page right from its first byte. */
function toggleTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("tw:theme"));
}

function drawer(open: boolean): void {
  document.body.classList.toggle("drawer-open", open);
  const button = document.querySelector<HTMLElement>("[data-drawer]");
  button?.setAttribute("aria-expanded", String(open));
  const veil = document.querySelector<HTMLElement>("[data-drawer-close]");
  if (veil) veil.hidden = !open;
  if (open) document.querySelector<HTMLElement>("#rail a")?.focus();
  else button?.focus();
}

/** Asks before what cannot be undone, in the words the form carries. */
function confirmFirst(form: HTMLFormElement, submitter: HTMLElement | null): void {
  const label = submitter?.textContent ?? "OK";
  const dialog = h("dialog", { class: "confirm", "aria-labelledby": "confirm-text" },
    h("p", { id: "confirm-text" }, form.dataset.ask ?? ""),
    h("div", { class: "form-actions" },
      h("button", { class: "button is-primary", click: () => { delete form.dataset.ask; dialog.close(); form.requestSubmit(submitter); } }, label),
      h("button", { class: "button", autofocus: true, click: () => dialog.close() }, "✕ Esc")));
  dialog.addEventListener("close", () => { dialog.remove(); submitter?.focus(); });
  document.body.append(dialog);
  dialog.showModal();
}

/** A form is sent once: a second click while the first is under way does nothing. A download leaves the page as it is. */
function once(form: HTMLFormElement, submitter: HTMLElement | null): void {
  if (form.method !== "post" || form.hasAttribute("hx-post") || "download" in form.dataset) return;
  if (submitter instanceof HTMLButtonElement) setTimeout(() => { submitter.disabled = true; });
}

/** Says something in passing, until the next thing is said or the reader has had time to read it. */
export function said(text: string): void {
  const place = document.getElementById("wait");
  if (!place) return;
  place.textContent = text;
  setTimeout(() => { if (place.textContent === text) place.textContent = ""; }, 8000);
}

/** Where a part of the page could not be fetched, its place says so and offers another try. */
export function failed(tag: string): void {
  document.querySelectorAll(tag).forEach((place) => {
    place.replaceChildren(h("div", { class: "notice is-bad", role: "alert" }, h("p", {}, word("failed")),
      h("button", { type: "button", class: "button", click: () => location.reload() }, word("retry"))));
  });
}

/** The next page shows instants where the reader is. */
function tellZone(): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}

/** After a refusal one goes on where something is to be mended. */
function toFirstFault(): void {
  document.querySelector<HTMLElement>(".field.has-errors :is(input:not([type=hidden]), select, textarea)")?.focus();
}

export function listen(): void {
  tellZone();
  toFirstFault();
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("[data-theme-toggle]")) toggleTheme();
    else if (target.closest("[data-drawer]")) drawer(!document.body.classList.contains("drawer-open"));
    else if (target.closest("[data-drawer-close]")) drawer(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("drawer-open")) drawer(false);
    const typing = (event.target as Element).closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const jump = document.getElementById("jump");
      if (jump) {
        event.preventDefault();
        jump.focus();
      }
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target as HTMLFormElement;
    if (form.dataset.ask) {
      event.preventDefault();
      confirmFirst(form, event.submitter);
    } else once(form, event.submitter);
  });
  addEventListener("pageshow", () => document.querySelectorAll<HTMLButtonElement>("button:disabled").forEach((button) => { button.disabled = false; }));
}
