import { styleText } from 'node:util'

/** Coloured where the stream shows colours: not in a file or a pipe, and not under NO_COLOR. */
export function paint(
  stream: NodeJS.WritableStream,
  style: 'bold' | 'dim' | 'green' | 'red' | 'yellow',
  text: string,
): string {
  return styleText(style, text, { stream })
}
