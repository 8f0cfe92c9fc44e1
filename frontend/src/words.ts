/** Words in the reader's language, sent with the page from the same catalogues. */
let catalogue: Record<string, string> | undefined;

export function word(key: string, given: Record<string, string | number> = {}): string {
  catalogue ??= JSON.parse(document.getElementById("tw-words")?.textContent ?? "{}") as Record<string, string>;
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name: string) => (name in given ? String(given[name]) : all));
}
