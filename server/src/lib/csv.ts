/**
 * Lines of CSV (RFC 4180) that a spreadsheet may open: a text that it would take for a formula gets an apostrophe in
 * front, which it shows as the text. Plain numbers are none, whatever their sign. Undefined and null are empty.
 */
export function csvLine(values: readonly (string | number | boolean | null | undefined)[]): string {
  return `${values.map((value) => csvCell(String(value ?? ''))).join(',')}\r\n`
}

function csvCell(text: string): string {
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Blanks in front are skipped by some; the wide forms are taken for the plain ones by some. */
const formula = /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/

const plainNumber = /^-?\d+(\.\d+)?$/
