/** Numbers and times as the reader writes them; the same forms as tierwise.web.formats. */
const root = document.documentElement;
export const language = root.lang || "en";
export const GAP = "–";
const NARROW = "\u202f";
const numbers = new Map<string, Intl.NumberFormat>();

export function number(value: number | null | undefined, decimals = 0, least = decimals): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return GAP;
  const key = `${least}-${decimals}`;
  let format = numbers.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, { minimumFractionDigits: least, maximumFractionDigits: decimals });
    numbers.set(key, format);
  }
  return format.format(value).replace("-", "−");
}

/** As many places as the size of the number deserves, for axes and marks. */
export function brief(value: number | null | undefined): string {
  if (value === null || value === undefined) return GAP;
  const size = Math.abs(value);
  return number(value, size >= 100 ? 0 : size >= 10 ? 1 : 2, 0);
}

export function withUnit(text: string, unit: string | undefined): string {
  return unit && text !== GAP ? `${text}${NARROW}${unit}` : text;
}

export function measured(value: number | null | undefined, unit: string, decimals?: number): string {
  if (unit === "ratio") return withUnit(value === null || value === undefined ? GAP : number(value * 100, decimals ?? 1, decimals ?? 0), "%");
  return withUnit(decimals === undefined ? brief(value) : number(value, decimals), unit);
}

const zone = root.dataset.zone || undefined;
const minute = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
const exact = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

export function instant(value: string | null | undefined): string {
  return value ? minute.format(new Date(value)) : GAP;
}

export function exactly(value: string): string {
  return `${exact.format(new Date(value))} ${zone ?? ""}`.trim();
}

/** “3 days ago” for the near past and future, the date beyond eight weeks. */
export function ago(value: string, day: boolean, now = Date.now()): string {
  const then = new Date(day ? `${value}T12:00:00` : value).getTime();
  const minutes = Math.round((then - now) / 60_000);
  const days = Math.round(minutes / 1440);
  if (Math.abs(days) > 56) return day ? value : instant(value).slice(0, 10);
  if (day || Math.abs(minutes) >= 1440) return relative.format(days, "day");
  return Math.abs(minutes) < 60 ? relative.format(minutes, "minute") : relative.format(Math.round(minutes / 60), "hour");
}

const parts = new Intl.NumberFormat(language).formatToParts(1234567.8);
const group = parts.find((part) => part.type === "group")?.value ?? ",";
const decimal = parts.find((part) => part.type === "decimal")?.value ?? ".";

/** A number as typed or pasted, or null if it is none. Percent signs and units in front or behind are not guessed. */
export function parse(text: string): number | null {
  const clean = text.trim().replace(/[\s\u00a0\u202f']/g, "").replaceAll(group, "").replace(decimal, ".").replace("−", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(clean) ? Number(clean) : null;
}
