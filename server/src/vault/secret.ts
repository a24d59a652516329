import { inspect } from 'node:util'

/**
 * A value that is shown as `***` wherever it is printed: in a text, as JSON, by `console.log`, in an error. Only `reveal`
 * gives it, so that every place where a secret comes out can be found by that word.
 */
export class Secret<Value> {
  readonly #value: Value

  constructor(value: Value) {
    this.#value = value
  }

  reveal(): Value {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [inspect.custom](): string {
    return MASK
  }
}

const MASK = '***'
