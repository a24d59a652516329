import type { Clock } from '../lib/clock.ts'
import type { HttpPosterOptions } from './http-post.ts'
import { HttpPoster } from './http-post.ts'
import type { CallContext } from './make-call.ts'
import { OAuthTokens } from './oauth-tokens.ts'

/** What makes calls, over the guard. To be closed with its poster. */
export function createCallContext(
  options: HttpPosterOptions & { readonly clock: Clock; readonly version: string },
): CallContext {
  const { clock, version, ...egress } = options
  const poster = new HttpPoster(egress)
  const userAgent = `Daybook/${version}`
  return { clock, poster, userAgent, tokens: new OAuthTokens({ clock, poster, userAgent }) }
}
