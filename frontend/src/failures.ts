import htmx, { type HtmxRequestCtx } from "htmx.org";
import { h } from "./dom";
import { said } from "./shell";
import { word } from "./words";

const WHOLE = /<html|<body|<!doctype/i;

/** What our own answer says of the fault, or that nothing came. */
function told(ctx: HtmxRequestCtx): Node[] {
  const own = new DOMParser().parseFromString(ctx.text ?? "", "text/html").querySelectorAll(".notice h2, .notice p");
  return own.length && !WHOLE.test(ctx.text ?? "") ? [...own].map((part) => document.importNode(part, true)) : [h("p", {}, word("failed"))];
}

/** A part that did not come: its place says so and offers another try. What was typed stays as it is. */
function missing(ctx: HtmxRequestCtx): void {
  const place = ctx.target?.isConnected ? ctx.target : null;
  if (!place) return said(word("failed"));
  const standing = place.querySelector(":scope > .did-not-come");
  // What asks every second says it once.
  if (standing && place.getAttribute("hx-trigger")?.startsWith("every")) return;
  standing?.remove();
  if (ctx.sourceElement === place && place.getAttribute("hx-trigger") === "load") place.querySelectorAll(":scope > .muted").forEach((wait) => wait.remove());
  const notice = h("div", { class: "notice is-bad did-not-come", role: "alert" }, ...told(ctx),
    h("button", { type: "button", class: "button", click: () => {
      notice.remove();
      void htmx.ajax(ctx.request.method, ctx.request.action, { source: ctx.sourceElement, target: place, swap: ctx.swap });
    } }, word("retry")));
  place.prepend(notice);
}

/** Our own refusals say what is wrong and take the part's place. A fault may pass: what stood there stays, and so it does
 *  where a proxy answered, or nobody. */
export function listen(): void {
  document.addEventListener("htmx:error", (event) => {
    const ctx = (event as CustomEvent<{ ctx?: HtmxRequestCtx }>).detail.ctx;
    ctx ? missing(ctx) : said(word("failed"));
  });
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if ((ctx.response?.status ?? 0) < 500 && ctx.text?.trim() && !WHOLE.test(ctx.text)) return;
    missing(ctx);
    ctx.swap = "none";
  });
}
