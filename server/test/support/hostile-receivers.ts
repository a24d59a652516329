import type { TestContext } from 'node:test'
import { hostileAnswers, type HostileAnswer } from './hostile-answers.ts'
import { listenRaw, type RawReceiver } from './raw-receiver.ts'

interface HostileReceiver extends HostileAnswer {
  readonly url: string
  readonly receiver: RawReceiver
}

/** A receiver per hostile answer, each on a port of its own, until the test ends. */
export async function hostileReceivers(t: TestContext): Promise<readonly HostileReceiver[]> {
  return await Promise.all(
    hostileAnswers.map(async (answer) => {
      const receiver = await listenRaw(t, answer)
      return { ...answer, receiver, url: `http://127.0.0.1:${receiver.port}/hook` }
    }),
  )
}
