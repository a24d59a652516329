import { InvalidArgumentError } from 'commander'

/** `customer:cus_19ZK`; everything behind the first colon is the id. */
export function parseEntity(text: string): { readonly type: string; readonly id: string } {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) throw new InvalidArgumentError('It is type:id, as in customer:123.')
  return { type: text.slice(0, colon), id: text.slice(colon + 1) }
}

export function parseWholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  }
}

/** For options that may be given several times: each is parsed and put behind those before it. */
export function collect<Value>(parse: (text: string) => Value): (text: string, before?: readonly Value[]) => Value[] {
  return (text, before = []) => [...before, parse(text)]
}
