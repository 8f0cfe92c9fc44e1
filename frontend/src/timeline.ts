import { address, h, payload, state, type State } from "./dom";
import { ago, exactly } from "./format";
import { word } from "./words";

interface Entry { at: string; day: boolean; what: string; who: string; side: "ours" | "theirs" | "system"; status: State | null; note: string; href: string; internal: boolean }
interface Spec { empty: string; ours: string; theirs: string; entries: Entry[] }

class Timeline extends HTMLElement {
  connectedCallback(): void {
    if (this.classList.contains("is-ready")) return;
    const spec = payload<Spec>(this);
    this.classList.add("is-ready");
    if (spec.entries.length === 0) {
      this.append(h("p", { class: "empty-line" }, spec.empty || word("no_data")));
      return;
    }
    const companies = { ours: spec.ours || word("ours"), theirs: spec.theirs || word("theirs"), system: word("system") };
    this.append(h("ol", { class: "timeline" }, ...spec.entries.map((entry) => {
      const href = address(entry.href);
      const what = href ? h("a", { href }, entry.what) : entry.what;
      return h("li", { class: `${entry.side}${entry.internal ? " internal" : ""}` }, h("div", {},
        entry.internal ? h("p", { class: "timeline-internal" }, word("internal")) : null,
        h("p", { class: "timeline-what" }, what, " ", entry.status ? state(entry.status) : null),
        h("p", { class: "timeline-who" }, `${[entry.who, companies[entry.side]].filter(Boolean).join(", ")} · `,
          h("time", { datetime: entry.at, title: entry.day ? entry.at : exactly(entry.at) }, ago(entry.at, entry.day))),
        entry.note ? h("p", { class: "timeline-note" }, entry.note) : null));
    })));
  }
}
customElements.define("tw-timeline", Timeline);
