/** The business whose day it is: a chain of salons in Singapore, where clocks never change. */

export interface Staff {
  readonly id: string
  readonly name: string
}

export interface Branch {
  readonly id: string
  readonly phone: string
  readonly staff: readonly Staff[]
}

export interface Service {
  readonly id: string
  readonly name: string
  readonly duration_minutes: number
  readonly price: { readonly amount: number; readonly currency: string }
}

export interface Business {
  readonly branches: readonly Branch[]
  readonly services: readonly Service[]
}

export const timeZone = 'Asia/Singapore'
const offsetMs = 8 * 3_600_000

/** RFC 3339 in the business's own time. */
export function localTime(ms: number): string {
  return new Date(ms + offsetMs).toISOString().replace('.000', '').replace('Z', '+08:00')
}

/** The last midnight of the business before the given time, as milliseconds since 1970. */
export function localMidnight(ms: number): number {
  const dayMs = 86_400_000
  return Math.floor((ms + offsetMs) / dayMs) * dayMs - offsetMs
}

const places = ['orchard', 'tampines', 'novena', 'bugis', 'katong', 'clementi', 'serangoon', 'holland-village'] as const

const staffNames = [
  'Aisha',
  'Ben',
  'Chloe',
  'Daniel',
  'Elaine',
  'Farid',
  'Grace',
  'Hui Min',
  'Irfan',
  'Jia Yi',
  'Kavita',
  'Marcus',
] as const

const price = (amount: number): Service['price'] => ({ amount, currency: 'SGD' })

const services: readonly Service[] = [
  { id: 'svc_cut', name: 'Haircut', duration_minutes: 45, price: price(4_800) },
  { id: 'svc_colour', name: 'Cut and colour', duration_minutes: 120, price: price(16_800) },
  { id: 'svc_beard', name: 'Beard trim', duration_minutes: 30, price: price(2_500) },
  { id: 'svc_nails', name: 'Manicure', duration_minutes: 45, price: price(3_900) },
  { id: 'svc_facial', name: 'Facial', duration_minutes: 60, price: price(9_500) },
  { id: 'svc_massage', name: 'Massage', duration_minutes: 90, price: price(12_800) },
]

/** As many branches and staff as so many events in one day need. */
export function openBusiness(events: number): Business {
  const count = Math.min(places.length, Math.max(1, Math.round(events / 250)))
  const staffPerBranch = Math.max(3, Math.ceil(events / count / 60))
  const branches = places.slice(0, count).map((id, branchNo) => ({
    id,
    phone: `+65610000${10 + branchNo}`,
    staff: Array.from({ length: staffPerBranch }, (_, staffNo) => ({
      id: `stf_${id}_${staffNo + 1}`,
      name: staffNames[(branchNo * 5 + staffNo) % staffNames.length] ?? 'Desk',
    })),
  }))
  return { branches, services }
}
