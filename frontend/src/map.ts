import { geoCircle, geoNaturalEarth1, geoPath, type GeoPermissibleObjects } from "d3-geo";
import { feature } from "topojson-client";
import world from "world-atlas/countries-110m.json?url";
import { address, h, payload, s, state, type State, type Tone } from "./dom";
import { said } from "./shell";
import { word } from "./words";

interface Site { key: string; name: string; at: [number, number]; kind: string; status: State | null; note: string; href: string }
interface Lane { origin: string; target: string; label: string; weight: number; slot: number; tone: Tone; href: string }
interface Hazard { name: string; latitude: number; longitude: number; radius_km: number; tone: Tone }
interface Spec { title: string; height: number; empty: string; sites: Site[]; links: Lane[]; hazards: Hazard[] }

const SHAPES: Record<string, string> = { own: "M-5-5h10v10h-10z", supplier: "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0", warehouse: "M0-6.5l6 11h-12z", customer: "M0-6.5l6.5 6.5-6.5 6.5-6.5-6.5z" };
const EARTH_KM_PER_DEGREE = 111.195;

class WorldMap extends HTMLElement {
  private land: GeoPermissibleObjects | undefined;
  private zoom = 1;
  private shift: [number, number] = [0, 0];
  private chosen = "";

  connectedCallback(): void {
    if (this.classList.contains("is-ready")) return;
    const spec = payload<Spec>(this);
    this.classList.add("is-ready");
    if (spec.sites.length === 0) {
      this.append(h("p", { class: "grid-empty" }, spec.empty || word("no_data")));
      return;
    }
    const picture = s("svg", { role: "img", "aria-label": spec.title });
    const box = h("div", { class: "map-draw" }, h("div", { class: "map-zoom" },
      h("button", { type: "button", "aria-label": word("zoom_in"), click: () => this.scale(1.6, draw) }, "+"),
      h("button", { type: "button", "aria-label": word("zoom_out"), click: () => this.scale(1 / 1.6, draw) }, "−")));
    box.prepend(picture);
    const choose = (key: string): void => {
      this.chosen = key;
      this.querySelectorAll("[data-site]").forEach((one) => one.classList.toggle("is-on", one.getAttribute("data-site") === key));
    };
    const draw = (): void => this.draw(spec, picture, choose);
    this.append(h("div", { class: "map" }, box, this.list(spec, choose)));
    this.drag(picture, draw);
    new ResizeObserver(draw).observe(box);
    void fetch(world).then((response) => response.json()).then((atlas) => {
      this.land = feature(atlas, atlas.objects.countries) as GeoPermissibleObjects;
      draw();
    }, () => said(word("failed")));
  }

  private scale(by: number, draw: () => void): void {
    this.zoom = Math.min(24, Math.max(1, this.zoom * by));
    if (this.zoom === 1) this.shift = [0, 0];
    else this.shift = [this.shift[0] * by, this.shift[1] * by];
    draw();
  }

  private drag(picture: SVGSVGElement, draw: () => void): void {
    let last: [number, number] | null = null;
    picture.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") last = [event.clientX, event.clientY]; });
    addEventListener("pointermove", (event) => {
      if (!last) return;
      this.shift = [this.shift[0] + event.clientX - last[0], this.shift[1] + event.clientY - last[1]];
      last = [event.clientX, event.clientY];
      draw();
    });
    addEventListener("pointerup", () => { last = null; });
    picture.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.scale(event.deltaY < 0 ? 1.25 : 0.8, draw);
    }, { passive: false });
  }

  private draw(spec: Spec, picture: SVGSVGElement, choose: (key: string) => void): void {
    const { width, height } = picture.getBoundingClientRect();
    if (width === 0) return;
    const places = { type: "MultiPoint" as const, coordinates: spec.sites.map((site) => site.at) };
    const margin = Math.min(56, width / 6);
    const projection = geoNaturalEarth1().fitExtent([[margin, margin], [width - margin, height - margin]], places);
    const most = Math.max(width, height) * 2.2;
    if (!(projection.scale() < most)) {
      const [lon, lat] = spec.sites[0]?.at ?? [0, 0];
      projection.scale(most).translate([0, 0]);
      const at = projection([lon, lat]) ?? [0, 0];
      projection.translate([width / 2 - at[0], height / 2 - at[1]]);
    }
    const [tx, ty] = projection.translate();
    projection.scale(projection.scale() * this.zoom).translate([width / 2 + (tx - width / 2) * this.zoom + this.shift[0], height / 2 + (ty - height / 2) * this.zoom + this.shift[1]]);
    const path = geoPath(projection);
    const byKey = new Map(spec.sites.map((site) => [site.key, site]));
    const heaviest = Math.max(...spec.links.map((lane) => lane.weight), 1e-9);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.replaceChildren();
    if (this.land) picture.append(s("path", { class: "map-land", d: path(this.land) }));
    for (const hazard of spec.hazards) {
      const reach = geoCircle().center([hazard.longitude, hazard.latitude]).radius(hazard.radius_km / EARTH_KM_PER_DEGREE)();
      picture.append(s("path", { class: `map-hazard is-${hazard.tone}`, d: path(reach) }, s("title", {}, hazard.name)));
    }
    for (const lane of spec.links) {
      const line = { type: "LineString" as const, coordinates: [byKey.get(lane.origin)!.at, byKey.get(lane.target)!.at] };
      const drawn = s("path", { class: `map-lane is-${lane.tone}`, d: path(line), "stroke-width": 1 + (3 * lane.weight) / heaviest }, s("title", {}, lane.label));
      if (lane.slot && lane.tone === "plain") drawn.style.setProperty("--lane", `var(--seg-${((lane.slot - 1) % 8) + 1})`);
      picture.append(drawn);
    }
    const labels = this.sites(spec, picture, projection, choose);
    picture.append(...labels);
  }

  /** Sites above lanes; a name is written only where no other stands. */
  private sites(spec: Spec, picture: SVGSVGElement, projection: (point: [number, number]) => [number, number] | null, choose: (key: string) => void): SVGElement[] {
    const labels: SVGElement[] = [];
    const taken: [number, number][] = [];
    for (const site of spec.sites) {
      const at = projection(site.at);
      if (!at) continue;
      const mark = s("path", { class: `map-site is-${site.status?.tone ?? "plain"}${site.key === this.chosen ? " is-on" : ""}`, "data-site": site.key, d: SHAPES[site.kind] ?? SHAPES.supplier, transform: `translate(${at[0]} ${at[1]})`, click: () => choose(site.key) }, s("title", {}, [site.name, site.status?.label].filter(Boolean).join(", ")));
      picture.append(mark);
      if (taken.every(([x, y]) => Math.abs(x - at[0]) > 90 || Math.abs(y - at[1]) > 14)) {
        taken.push(at);
        const right = at[0] > picture.clientWidth - 150;
        labels.push(s("text", { class: "map-label", x: at[0] + (right ? -9 : 9), y: at[1] + 4, "text-anchor": right ? "end" : "start" }, site.name.length > 24 ? `${site.name.slice(0, 23)}…` : site.name));
      }
    }
    return labels;
  }

  private list(spec: Spec, choose: (key: string) => void): HTMLElement {
    const lane = (one: Lane): HTMLElement => {
      const href = address(one.href);
      const names = [one.origin, one.target].map((key) => spec.sites.find((site) => site.key === key)?.name ?? key).join(" → ");
      return h("li", {}, h("span", { "aria-hidden": "true" }, one.tone === "plain" ? "" : "—"), h("span", {}, href ? h("a", { href }, one.label || names) : one.label || names), h("span", {}), one.label ? h("small", {}, names) : null);
    };
    return h("div", { class: "map-list", tabindex: 0, role: "region", "aria-label": word("sites") },
      h("ul", {}, ...spec.sites.map((site) => {
        const href = address(site.href);
        const shape = s("svg", { viewBox: "-8 -8 16 16", role: "img", "aria-label": word(site.kind) }, s("path", { class: `map-site is-${site.status?.tone ?? "plain"}`, d: SHAPES[site.kind] ?? SHAPES.supplier }));
        return h("li", { "data-site": site.key, pointerenter: () => choose(site.key), focusin: () => choose(site.key) },
          shape, href ? h("a", { href }, site.name) : h("span", {}, site.name), site.status ? state(site.status) : h("span"), site.note ? h("small", {}, site.note) : null);
      })),
      spec.links.length ? h("h3", {}, word("lanes")) : null,
      spec.links.length ? h("ul", {}, ...spec.links.map(lane)) : null);
  }
}
customElements.define("tw-map", WorldMap);
