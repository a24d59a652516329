/** The same JSON in one line. Line breaks stand outside of its texts, where alone JSON may have them raw, and become blanks. */
export function oneLineJson(json: string): string {
  return json.replaceAll(/[\r\n]/g, ' ')
}
