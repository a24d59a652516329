import { setTimeout as delay } from 'node:timers/promises'

/**
 * Named places where tests break the program: `await failpoint('publish.after_commit')`. Inert unless armed, which only
 * the command line does, from DAYBOOK_FAILPOINTS, and never by default.
 *
 * The text is `name=action` or `name=action@n` (from the n-th time on; kill, stop and block act once), separated by commas. Actions: `kill`
 * (SIGKILL to this process), `stop` (SIGSTOP), `throw`, `delay:ms` (this place waits), `block:ms` (the whole thread does).
 */
export const failpoints = [
  'publish.before_commit',
  'publish.after_commit',
  'route.before_commit',
  'route.after_commit',
  'fan_out.slice',
  'claim.before_commit',
  'delivery.after_claim',
  'delivery.after_send',
  'delivery.after_response',
  'delivery.mid_record',
  'delivery.after_record',
  'disable.before_commit',
  'partition.before_attach',
  'job.before_commit',
  'job.after_commit',
  'stats.before_commit',
  'stats.after_commit',
  'daily_metrics.before_commit',
  'retention.before_commit',
  'retention.before_detach',
  'retention.before_drop',
] as const

export type FailpointName = (typeof failpoints)[number]

interface Armed {
  readonly action: 'kill' | 'stop' | 'throw' | 'delay' | 'block'
  readonly ms: number
  remaining: number
}

const armed = new Map<string, Armed>()

export function armFailpoints(text: string): void {
  armed.clear()
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const match = /^\s*([a-z_.]+)=(kill|stop|throw|delay|block)(?::(\d+))?(?:@(\d+))?\s*$/.exec(part)
    if (!match || !failpoints.includes(match[1] as FailpointName)) throw new Error(`Not a failpoint: ${part}`)
    armed.set(match[1] as string, {
      action: match[2] as Armed['action'],
      ms: Number(match[3] ?? 0),
      remaining: Number(match[4] ?? 1),
    })
  }
}

export async function failpoint(name: FailpointName): Promise<void> {
  if (armed.size === 0) return
  const point = armed.get(name)
  if (!point) return
  point.remaining--
  if (point.remaining > 0) return
  switch (point.action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      return
    case 'stop':
      armed.delete(name)
      process.kill(process.pid, 'SIGSTOP')
      return
    case 'throw':
      throw new Error(`failpoint ${name}`)
    case 'delay':
      await delay(point.ms)
      return
    case 'block': {
      armed.delete(name)
      const end = performance.now() + point.ms
      while (performance.now() < end);
      return
    }
  }
}
