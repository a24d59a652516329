import { newId } from '../lib/ids.ts'
import { openCallCredentials } from './call-credentials.ts'
import type { DeliverableSubscription } from './deliverables.ts'
import type { EgressAllow } from './egress-policy.ts'
import { checkEndpointCredentials, credentialFacts, credentialText } from './endpoint-auth.ts'
import type { SigningScheme } from './sign.ts'
import { decodeSigningSecret, newSigningSecret, publicKeyOf } from './sign.ts'
import type { CredentialChange } from './subscription-credentials.ts'
import type { SubscriptionSettings } from './subscription-settings.ts'
import { checkSettings, settingDefaults } from './subscription-settings.ts'

export interface TestTargetInput extends CredentialChange {
  readonly webhook_url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly format?: SubscriptionSettings['format']
  readonly timeout_ms?: number
  readonly secret?: string
  readonly signature?: SigningScheme
}

/** A subscription that is none: an address to be called once, checked as a subscription's would be. */
export function testTarget(
  companyId: string,
  input: TestTargetInput,
  allow: EgressAllow,
  nowMs: number,
): { readonly target: DeliverableSubscription; readonly verifiedBy: string } {
  const { auth, tls, secret: given, signature, ...own } = input
  const settings = { ...settingDefaults, ...own, event_names: ['*'] }
  const credentials = { auth: auth ?? ({ type: 'none' } as const), ...(tls && { tls }) }
  const faults = checkEndpointCredentials(credentials, allow, nowMs)
  checkSettings(settings, allow, credentialFacts({ auth: credentials.auth }), faults)
  const secret = given ?? newSigningSecret(signature)
  const key = decodeSigningSecret(secret)
  const url = new URL(settings.webhook_url)
  const target = {
    companyId,
    id: newId(nowMs),
    version: 0,
    eventNames: settings.event_names,
    filter: undefined,
    ordering: 'none',
    status: 'active',
    concurrency: 1,
    timeoutMs: settings.timeout_ms,
    webhookUrl: url.href,
    url,
    customHeaders: Object.entries(settings.headers),
    format: settings.format,
    retrySchedule: [],
    secrets: [{ key, expiresAtMs: Infinity }],
    ...openCallCredentials(companyId, () => credentialText(credentials)),
  } as const
  return { target, verifiedBy: publicKeyOf(key) ?? secret }
}
