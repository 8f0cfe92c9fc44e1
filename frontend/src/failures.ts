import htmx, { type HtmxRequestCtx } from "htmx.org";
import { h } from "./dom";
import { said } from "./shell";
import { word } from "./words";

const WHOLE = /<html|<body|<!doctype/i;

/** A part that did not come: its place says so and offers another try. What was typed stays as it is. */
function missing(ctx: HtmxRequestCtx): void {
  const place = ctx.target?.isConnected ? ctx.target : null;
  if (!place) return said(word("failed"));
  place.querySelector(":scope > .did-not-come")?.remove();
  if (ctx.sourceElement === place && place.getAttribute("hx-trigger") === "load") place.querySelectorAll(":scope > .muted").forEach((wait) => wait.remove());
  const notice = h("div", { class: "notice is-bad did-not-come", role: "alert" }, h("p", {}, word("failed")),
    h("button", { type: "button", class: "button", click: () => {
      notice.remove();
      void htmx.ajax(ctx.request.method, ctx.request.action, { source: ctx.sourceElement, target: place, swap: ctx.swap });
    } }, word("retry")));
  place.prepend(notice);
}

/** Our own answers say what is wrong, whatever their status. A proxy's page or an empty body must not take their place. */
export function listen(): void {
  document.addEventListener("htmx:error", (event) => {
    const ctx = (event as CustomEvent<{ ctx?: HtmxRequestCtx }>).detail.ctx;
    ctx ? missing(ctx) : said(word("failed"));
  });
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.text?.trim() && !WHOLE.test(ctx.text)) return;
    missing(ctx);
    ctx.swap = "none";
  });
}
