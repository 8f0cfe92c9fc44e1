import { address, h } from "./dom";
import { word } from "./words";

/** Links marked data-panel open beside the page. data-panel="push" also becomes the address, so that reload and back work. */
const PANEL = "#panel";
let opener: HTMLElement | null = null;
let pending: AbortController | null = null;

async function load(href: string): Promise<Document | null> {
  pending?.abort();
  pending = new AbortController();
  const bar = h("div", { class: "loading-bar" });
  const wait = setTimeout(() => document.body.append(bar), 100);
  try {
    const response = await fetch(href, { signal: pending.signal, headers: { Accept: "text/html" } });
    if (response.redirected && new URL(response.url).pathname.startsWith("/accounts/")) {
      location.assign(href);
      return null;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!response.ok && !page.querySelector("main")) throw new Error(`answered ${response.status}`);
    return page;
  } finally {
    clearTimeout(wait);
    bar.remove();
  }
}

function closer(): HTMLElement {
  return h("a", { class: "quiet close", href: "#", "data-panel-close": "stay", "aria-label": word("close") }, "✕");
}

/** The panel of the page that came; a page without one (an explanation, an error) is shown whole inside the panel. */
function panelOf(page: Document, href: string): HTMLElement {
  const own = page.querySelector<HTMLElement>(`${PANEL}:not([hidden])`);
  if (own) return document.importNode(own, true);
  const aside = h("aside", { id: "panel", class: "panel" });
  const main = page.querySelector("main");
  const title = main?.querySelector("h1")?.textContent ?? page.title;
  main?.querySelectorAll(".page-head, .messages, .brand").forEach((part) => part.remove());
  aside.append(
    h("div", { class: "panel-head" }, h("h2", { tabindex: -1 }, h("a", { href: address(href) }, title)),
      closer()),
  );
  if (main) for (const part of [...main.childNodes]) aside.append(document.importNode(part, true));
  return aside;
}

function put(panel: HTMLElement): void {
  document.querySelector(PANEL)?.replaceWith(panel);
  document.dispatchEvent(new CustomEvent("tw:added", { detail: panel }));
  panel.querySelector<HTMLElement>(".panel-head h2")?.focus();
}

function mark(page: Document): void {
  const chosen = new Set([...page.querySelectorAll(".due.is-selected a[data-panel]")].map((link) => link.getAttribute("href")));
  for (const link of document.querySelectorAll<HTMLElement>(".due a[data-panel]")) {
    const on = chosen.has(link.getAttribute("href"));
    link.closest(".due")?.classList.toggle("is-selected", on);
    on ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
}

export async function open(link: HTMLAnchorElement): Promise<void> {
  opener = link;
  const push = link.dataset.panel === "push";
  try {
    const page = await load(link.href);
    if (!page) return;
    put(panelOf(page, link.href));
    if (push) {
      mark(page);
      history.pushState({ panel: true }, "", link.href);
    }
  } catch (error) {
    if ((error as Error).name === "AbortError") return;
    const failed = h("aside", { id: "panel", class: "panel" },
      h("div", { class: "panel-head" }, h("h2", { tabindex: -1 }, link.textContent), closer()),
      h("div", { class: "notice is-bad", role: "alert" }, h("p", {}, word("failed")), h("button", { class: "button", click: () => void open(link) }, word("retry"))));
    put(failed);
  }
}

export function close(href: string | null): void {
  const panel = document.querySelector<HTMLElement>(PANEL);
  if (!panel || panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  document.querySelectorAll(".due.is-selected").forEach((row) => row.classList.remove("is-selected"));
  if (href && href !== "#") history.pushState({ panel: true }, "", href);
  (opener?.isConnected ? opener : document.getElementById("main"))?.focus();
}

export function listen(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const target = event.target as Element;
    const link = target.closest<HTMLAnchorElement>("a[data-panel]");
    const closer = target.closest<HTMLAnchorElement>("[data-panel-close]");
    if (link) {
      event.preventDefault();
      void open(link);
    } else if (closer) {
      event.preventDefault();
      close(closer.dataset.panelClose === "stay" ? null : closer.getAttribute("href"));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const closer = document.querySelector<HTMLAnchorElement>(`${PANEL}:not([hidden]) [data-panel-close]`);
    if (closer) closer.click();
  });
  addEventListener("popstate", () => {
    void load(location.href).then((page) => {
      const panel = page?.querySelector<HTMLElement>(PANEL);
      if (!page || !panel) return location.reload();
      document.querySelector(PANEL)?.replaceWith(document.importNode(panel, true));
      mark(page);
    }, () => location.reload());
  });
}
