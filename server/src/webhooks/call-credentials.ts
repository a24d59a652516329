import { UnreadableError } from '../vault/sealed.ts'
import { Secret } from '../vault/secret.ts'
import { toClientTls } from './client-certificate.ts'
import type { EndpointAuth } from './endpoint-auth.ts'
import { parseCredentialText } from './endpoint-auth.ts'
import type { ClientTls } from './webhook-tls.ts'

/** What calls of a subscription have to show, beside their signatures. */
export interface CallCredentials {
  /** Undefined: nothing. Unreadable: nothing is sent, just as with a signing secret. */
  readonly auth?: Secret<EndpointAuth> | UnreadableError | undefined
  readonly clientTls?: ClientTls | undefined
}

/**
 * The credentials of a subscription, ready for its calls. Make them once per version of it and keep them: connections and TLS
 * settings are shared by this object. Never throws: what cannot be opened is told to each call.
 */
export function openCallCredentials(companyId: string, open: () => Secret<string>): CallCredentials {
  try {
    const { auth, tls } = parseCredentialText(open().reveal())
    return { auth: new Secret(auth), clientTls: tls && toClientTls(companyId, tls) }
  } catch (error) {
    if (error instanceof UnreadableError) return { auth: error }
    throw error
  }
}
