import htmx from "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/components.css";
import "./styles/print.css";
import * as failures from "./failures";
import * as panel from "./panel";
import * as shell from "./shell";

/** The heavy parts come only to pages that hold them, also when htmx brings them later. */
const PARTS: Record<string, () => Promise<unknown>> = {
  "tw-grid": () => import("./grid/element"),
  "tw-chart": () => import("./chart/element"),
  "tw-map": () => import("./map"),
  "tw-timeline": () => import("./timeline"),
  "tw-rows": () => import("./rows"),
};

function needed(): void {
  for (const [tag, load] of Object.entries(PARTS)) {
    if (!customElements.get(tag) && document.querySelector(tag)) load().catch(() => shell.failed(tag));
  }
}

shell.listen();
panel.listen();
failures.listen();
needed();
document.addEventListener("htmx:after:swap", needed);
document.addEventListener("tw:added", (event) => {
  needed();
  htmx.process((event as CustomEvent<HTMLElement>).detail);
});
