import type { Terminal } from '../terminal.ts'

export interface Progress {
  /** A line that stays. */
  say(line: string): void
  /** Shows nothing more; what was shown last stays. */
  end(): void
}

const rewriteMs = 100
const lineMs = 2_000

/** Shows on standard error how things stand: in a terminal one line that is rewritten, elsewhere a line now and then. */
export function showProgress({ stderr }: Pick<Terminal, 'stderr'>, describe: () => string): Progress {
  const inPlace = stderr.isTTY === true
  let shown = ''
  const show = (): void => {
    const text = describe()
    if (text === shown) return
    shown = text
    stderr.write(inPlace ? `\r\u001b[2K${text}` : `${text}\n`)
  }
  const timer = setInterval(show, inPlace ? rewriteMs : lineMs)
  timer.unref()
  return {
    say: (line) => {
      stderr.write(inPlace ? `\r\u001b[2K${line}\n` : `${line}\n`)
      shown = ''
    },
    end: () => {
      clearInterval(timer)
      show()
      if (inPlace && shown !== '') stderr.write('\n')
    },
  }
}
