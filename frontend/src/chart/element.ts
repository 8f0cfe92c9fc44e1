import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { h, onTheme, payload, token } from "../dom";
import { measured } from "../format";
import { word } from "../words";
import { heat } from "./heat";
import { colour, option } from "./options";
import type { Coverage, Drawn, Series, Spec } from "./spec";
import { table } from "./table";

use([LineChart, BarChart, CustomChart, GridComponent, TooltipComponent, MarkLineComponent, SVGRenderer]);

function empty(spec: Drawn): boolean {
  if (spec.kind === "waterfall") return spec.steps.length === 0;
  if (spec.kind === "pareto") return spec.causes.length === 0;
  return spec.series.every((one) => one.values.every((value) => value === null));
}

class Chart extends HTMLElement {
  private leaving = new AbortController();
  private picture: EChartsType | undefined;
  private watcher: ResizeObserver | undefined;
  private threshold = 0;

  connectedCallback(): void {
    if (this.classList.contains("is-ready")) return;
    const spec = payload<Spec>(this);
    this.classList.add("is-ready");
    const unit = spec.unit === "ratio" ? "%" : spec.unit;
    const head = h("div", { class: "chart-head" }, h("h3", {}, spec.title), h("span", { class: "chart-unit" }, unit));
    this.append(head);
    if (spec.kind === "heat") this.append(spec.rows.length ? heat(spec) : h("p", { class: "empty-line" }, word("no_data")));
    else if (empty(spec)) this.append(h("p", { class: "empty-line" }, word("no_data")));
    else this.draw(spec, head);
    if (spec.note) this.append(h("p", { class: "chart-note" }, spec.note));
  }

  disconnectedCallback(): void {
    this.leaving.abort();
    this.watcher?.disconnect();
    this.picture?.dispose();
  }

  private draw(spec: Drawn, head: HTMLElement): void {
    const box = h("div", { class: "chart-draw", role: "img", "aria-label": [spec.title, spec.unit, "series" in spec ? spec.series.map((one) => one.name).join(", ") : ""].filter(Boolean).join(", ") });
    let rows: HTMLElement | undefined;
    const button = h("button", { type: "button", class: "tool", "aria-expanded": "false", click: () => {
      rows ??= table(spec);
      const show = box.hidden;
      box.hidden = !show;
      show ? rows.remove() : box.after(rows);
      button.textContent = word(show ? "as_table" : "as_chart");
      button.setAttribute("aria-expanded", String(!show));
      if (show) this.picture?.resize();
    } }, word("as_table"));
    head.append(button);
    if ("series" in spec && (spec.series.length > 1 || spec.series[0]?.low.length)) this.append(legend(spec.series));
    this.append(box);
    if (spec.kind === "coverage") this.threshold = spec.threshold;
    this.picture = init(box, undefined, { renderer: "svg" });
    const redraw = (): void => this.picture?.setOption(option(spec, box.clientWidth, this.threshold), { notMerge: true });
    redraw();
    let drawn = box.clientWidth;
    this.watcher = new ResizeObserver(() => {
      if (box.hidden || box.clientWidth === drawn) return;
      drawn = box.clientWidth;
      this.picture?.resize();
      redraw();
    });
    this.watcher.observe(box);
    onTheme(() => { redraw(); this.querySelectorAll<HTMLElement>(".legend i").forEach((key) => key.style.setProperty("--key", token(key.dataset.token ?? ""))); }, this.leaving.signal);
    if (spec.kind === "coverage") this.slide(spec, box, redraw);
  }

  /** The threshold is dragged in the picture or moved with the slider beneath; on release it becomes the address. */
  private slide(spec: Coverage, box: HTMLElement, redraw: () => void): void {
    const low = spec.x[0] ?? 0;
    const high = spec.x.at(-1) ?? 1;
    const slider = h("input", { type: "range", min: low, max: high, step: (high - low) / 200, value: this.threshold, "aria-label": spec.xLabel || word("threshold") });
    const reading = h("output");
    const covered = h("div", { class: "threshold-values" });
    const move = (value: number): void => {
      this.threshold = Math.min(high, Math.max(low, value));
      slider.value = String(this.threshold);
      slider.setAttribute("aria-valuetext", measured(this.threshold, spec.xUnit));
      reading.textContent = measured(this.threshold, spec.xUnit);
      covered.replaceChildren(...spec.series.map((one) => h("span", {}, word("covered", { name: one.name, value: measured(between(spec.x, one.values, this.threshold), spec.unit) }))));
      redraw();
    };
    const release = (): void => {
      const url = new URL(location.href);
      url.searchParams.set(spec.parameter, String(Number(this.threshold.toPrecision(6))));
      history.replaceState(history.state, "", url);
      this.dispatchEvent(new CustomEvent("tw:threshold", { bubbles: true, detail: { parameter: spec.parameter, value: this.threshold } }));
    };
    slider.addEventListener("input", () => move(Number(slider.value)));
    slider.addEventListener("change", release);
    const at = (event: PointerEvent): number => {
      const point = this.picture?.convertFromPixel({ gridIndex: 0 }, [event.clientX - box.getBoundingClientRect().left, 10]);
      return Array.isArray(point) ? Number(point[0]) : this.threshold;
    };
    box.style.cursor = "ew-resize";
    box.style.touchAction = "pan-y";
    box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); move(at(event)); });
    box.addEventListener("pointermove", (event) => { if (box.hasPointerCapture(event.pointerId)) move(at(event)); });
    box.addEventListener("pointerup", (event) => { box.releasePointerCapture(event.pointerId); release(); });
    const posted = this.closest("form") ? h("input", { type: "hidden", name: spec.parameter }) : null;
    if (posted) this.addEventListener("tw:threshold", () => { posted.value = String(this.threshold); });
    this.append(h("div", { class: "threshold" }, h("span", {}, spec.xLabel || word("threshold")), slider, reading, covered), posted ?? "");
    if (posted) posted.value = String(this.threshold);
    move(this.threshold);
  }
}

function between(x: number[], y: (number | null)[], at: number): number | null {
  const right = x.findIndex((one) => one >= at);
  if (right <= 0) return y[Math.max(right, 0)] ?? null;
  const [x0, x1, y0, y1] = [x[right - 1] ?? 0, x[right] ?? 1, y[right - 1] ?? null, y[right] ?? null];
  return y0 === null || y1 === null ? null : y0 + ((y1 - y0) * (at - x0)) / (x1 - x0 || 1);
}

function legend(series: Series[]): HTMLElement {
  return h("div", { class: "legend" }, ...series.map((one, index) => {
    const name = `--seg-${one.slot ?? (index % 8) + 1}`;
    const key = h("i", { class: one.dashed ? "is-dashed" : null, "data-token": name });
    key.style.setProperty("--key", colour(one, index));
    return h("span", {}, key, one.name);
  }));
}
customElements.define("tw-chart", Chart);
