import { between, chance, pick } from '../random.ts'
import type { Appointment } from './appointments.ts'
import type { Branch } from './business.ts'
import { localTime } from './business.ts'
import type { Day } from './day.ts'
import { happen, newBusinessId, pickFrom } from './day.ts'
import type { Actor, Happening, Thread } from './happening.ts'

export interface Customer {
  readonly id: string
  readonly givenName: string
  readonly familyName: string
  readonly email: string
  readonly phone: string
  readonly branch: Branch
  /** A record of the same person that was there before: the two will be merged. */
  readonly twinOf?: Customer
  readonly appointments: Set<Appointment>
  calls: number
  /** Stories under way that name this customer; while there are any, it is not merged. */
  busy: number
  mergedInto?: Customer
}

const givenNames = [
  'Adeline',
  'Arun',
  'Beatrice',
  'Charmaine',
  'Desmond',
  'Dewi',
  'Esther',
  'Faizal',
  'Geraldine',
  'Hafiz',
  'Isabel',
  'Jasmine',
  'Kelvin',
  'Lakshmi',
  'Li Ting',
  'Melissa',
  'Nathaniel',
  'Nurul',
  'Oliver',
  'Priya',
  'Rachel',
  'Ravi',
  'Siti',
  'Terence',
  'Vanessa',
  'Wei Jie',
  'Xin Yi',
  'Yusof',
  'Zachary',
] as const

const familyNames = [
  'Abdullah',
  'Chan',
  'Chua',
  'Fernandez',
  'Goh',
  'Ho',
  'Ibrahim',
  'Kaur',
  'Koh',
  'Lee',
  'Lim',
  'Menon',
  'Nair',
  'Ng',
  'Ong',
  'Pereira',
  'Rahman',
  'Seah',
  'Singh',
  'Tan',
  'Teo',
  'Wong',
  'Yap',
  'Yeo',
] as const

type Channel = 'website' | 'app' | 'phone' | 'walk_in'

/** Someone new; now and then someone who is there already and did not say so. Not yet a customer: see `register`. */
export function newcomer(day: Day, branch: Branch): Customer {
  const { random } = day
  const twin = chance(random, 0.08) ? pickFrom(day, day.customers, ({ twinOf }) => twinOf === undefined) : undefined
  const id = newBusinessId(day, 'cus')
  const givenName = twin?.givenName ?? pick(random, givenNames)
  const familyName = twin?.familyName ?? pick(random, familyNames)
  const mailbox = `${givenName}.${familyName}.${id.slice(-4)}`.toLowerCase().replaceAll(' ', '-')
  return {
    id,
    givenName,
    familyName,
    email: twin?.email ?? `${mailbox}@example.com`,
    phone: newPhone(day),
    branch,
    ...(twin && { twinOf: twin }),
    appointments: new Set(),
    calls: 0,
    busy: 0,
  }
}

function newPhone({ random }: Day): string {
  return `+659${between(random, 1_000_000, 9_999_999)}`
}

/** Makes the customer's record. */
export function register(
  day: Day,
  thread: Thread,
  customer: Customer,
  by: { readonly actor: Actor; readonly channel: Channel; readonly callId?: string },
): Happening {
  day.customers.add(customer)
  const { id, givenName, familyName, email, phone, branch } = customer
  const at = localTime(day.nowMs)
  return happen(day, thread, by.actor, 'customer.created', {
    customer_id: id,
    created_at: at,
    branch_id: branch.id,
    ...(by.callId !== undefined && { call_id: by.callId }),
    channel: by.channel,
    kind: 'person',
    name: `${givenName} ${familyName}`,
    given_name: givenName,
    family_name: familyName,
    email,
    phone,
    language: 'en-SG',
    preferred_channel: pick(day.random, ['email', 'sms', 'phone', 'app']),
    consents: { email_marketing: { granted: chance(day.random, 0.4), recorded_at: at } },
  })
}

/** `from` lives on in `into`, with its appointments and calls. */
export function merge(day: Day, thread: Thread, from: Customer, into: Customer, actor: Actor): Happening {
  const moved = { appointments: from.appointments.size, calls: from.calls, documents: 0 }
  for (const appointment of from.appointments) {
    appointment.customer = into
    into.appointments.add(appointment)
  }
  from.appointments.clear()
  into.calls += from.calls
  from.mergedInto = into
  day.customers.delete(from)
  return happen(day, thread, actor, 'customer.merged', {
    merged_from: from.id,
    merged_into: into.id,
    reason: actor.type === 'system' ? 'same_email' : 'same_person_confirmed',
    matched_on: ['email', 'name'],
    ...(actor.type === 'system' && { confidence: between(day.random, 930, 999) / 1_000 }),
    merged_by: { type: actor.type, id: actor.id },
    merged_at: localTime(day.nowMs),
    moved,
    reversible_until: localTime(day.nowMs + 30 * 86_400_000),
  })
}

/** Under whom a customer is known now. */
export function survivor(customer: Customer): Customer {
  return customer.mergedInto ? survivor(customer.mergedInto) : customer
}

export function isFree({ busy, mergedInto }: Customer): boolean {
  return busy === 0 && mergedInto === undefined
}
