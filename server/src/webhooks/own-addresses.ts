import { networkInterfaces } from 'node:os'
import { canonicalAddress } from './egress-policy.ts'
import { PostFailure } from './post-result.ts'

/** Interfaces come and go while a process runs; asking the system costs tens of microseconds. */
const rememberedMs = 10_000

let known: ReadonlySet<string> = new Set()
let knownUntilMs = -1

/**
 * This machine's addresses, as `canonicalAddress` writes them; at most ten seconds old. Throws a `PostFailure` when the
 * system does not tell them, which takes a file descriptor: then no address can be judged.
 */
export function ownAddresses(): ReadonlySet<string> {
  const nowMs = performance.now()
  if (nowMs >= knownUntilMs) {
    known = new Set(Object.values(askSystem()).flatMap((all) => (all ?? []).map(addressOf)))
    knownUntilMs = nowMs + rememberedMs
  }
  return known
}

function askSystem(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces()
  } catch {
    throw new PostFailure('local_shortage', 'This machine cannot tell its own addresses just now')
  }
}

/** Some systems write the zone of a link-local address behind it. */
function addressOf({ address }: { readonly address: string }): string {
  return canonicalAddress(address.replace(/%.*$/, ''))
}
