import { fork } from 'node:child_process'
import { once } from 'node:events'

/** What a helper process can be asked to do. Arguments and answers are cloned on their way, typed arrays included. */
export type Calls<Own> = { readonly [Name in keyof Own]: (...args: never[]) => unknown }

/** A process of the benchmark beside the server's. */
export interface Helper<Own extends Calls<Own>> {
  ask<Name extends keyof Own>(name: Name, ...args: Parameters<Own[Name]>): Promise<Awaited<ReturnType<Own[Name]>>>
  /** Resolves when it is gone. Safe to call twice. */
  stop(): Promise<void>
}

interface Question<Own extends Calls<Own>> {
  readonly number: number
  readonly name: keyof Own
  readonly args: never[]
}

/** `value` has the type that the asker expects. */
type Answer = { readonly number: number; readonly value: never } | { readonly number: number; readonly error: string }

/** Starts a module as a process that answers by {@link answerCalls}. */
export function startHelper<Own extends Calls<Own>>(module: URL): Helper<Own> {
  // A process group of its own: Ctrl-C reaches this process alone, which then stops the others in order.
  const child = fork(module, { execArgv: process.execArgv, serialization: 'advanced', detached: true })
  const gone = once(child, 'exit')
  const open = new Map<number, (answer: Answer) => void>()
  child.on('message', (answer: Answer) => {
    open.get(answer.number)?.(answer)
    open.delete(answer.number)
  })
  child.on('exit', () => {
    for (const [number, settle] of open) settle({ number, error: `${module.pathname} has ended` })
  })
  let asked = 0
  return {
    ask: (name, ...args) =>
      new Promise((resolve, reject) => {
        const number = asked++
        open.set(number, (answer) => ('error' in answer ? reject(new Error(answer.error)) : resolve(answer.value)))
        child.send({ number, name, args }, (failure) => failure && reject(failure))
      }),
    stop: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

/** The other side: answers until the parent hangs up or is gone, and then ends the process after `cleanUp`. */
export function answerCalls<Own extends Calls<Own>>(calls: Own, cleanUp: () => Promise<void> = async () => {}): void {
  const answer = async ({ number, name, args }: Question<Own>): Promise<void> => {
    let reply: object
    try {
      reply = { number, value: await calls[name](...args) }
    } catch (error) {
      reply = { number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    if (process.connected) process.send?.(reply)
  }
  process.on('message', (question: Question<Own>) => void answer(question))
  process.on('disconnect', () => void cleanUp().finally(() => process.exit()))
}
