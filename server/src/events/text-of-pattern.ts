/** A text for a regular expression. Knows what patterns of identifiers and codes are made of; not every expression. */

type Random = () => number

const REPEATED_MORE_MAX = 3
const TEXT_LENGTH_MAX = 1_000

const classes: Readonly<Record<string, string>> = {
  d: '0123456789',
  w: 'abcdefghijklmnopqrstuvwxyz0123456789_',
  s: ' ',
}

/** Undefined for what it does not know. That the text matches is to be checked: anchors are taken to be at the ends. */
export function textOfPattern(pattern: string, random: Random): string | undefined {
  const state = { at: 0, pattern, random, known: true }
  const text = alternatives(state)
  return state.known && state.at === pattern.length && text.length <= TEXT_LENGTH_MAX ? text : undefined
}

interface State {
  at: number
  known: boolean
  readonly pattern: string
  readonly random: Random
}

function alternatives(state: State): string {
  const choices = [sequence(state)]
  while (state.pattern[state.at] === '|') {
    state.at++
    choices.push(sequence(state))
  }
  return choices[Math.floor(state.random() * choices.length)] ?? ''
}

function sequence(state: State): string {
  let text = ''
  while (state.known && state.at < state.pattern.length && !'|)'.includes(state.pattern[state.at] ?? '')) {
    const start = state.at
    const first = atom(state)
    const end = state.at
    const count = repetition(state)
    const next = state.at
    let repeated = count > 0 ? first : ''
    for (let round = 1; round < count && state.known && repeated.length <= TEXT_LENGTH_MAX; round++) {
      state.at = start
      repeated += atom(state)
      state.known &&= state.at === end
    }
    state.at = next
    text += repeated
  }
  return text
}

function atom(state: State): string {
  const char = state.pattern[state.at++] ?? ''
  if (char === '^' || char === '$') return ''
  if (char === '.') return 'a'
  if (char === '[') return oneOf(state, characterClass(state))
  if (char === '\\') return oneOf(state, escaped(state))
  if (char === '(') {
    if (state.pattern.startsWith('?:', state.at)) state.at += 2
    const text = alternatives(state)
    if (state.pattern[state.at++] !== ')') state.known = false
    return text
  }
  if ('?*+{'.includes(char)) state.known = false
  return char
}

function oneOf(state: State, characters: string): string {
  if (characters === '') state.known = false
  return characters[Math.floor(state.random() * characters.length)] ?? ''
}

function escaped(state: State): string {
  const char = state.pattern[state.at++] ?? ''
  if (/[^a-z0-9]/i.test(char)) return char
  return classes[char] ?? ''
}

/** The characters between the brackets; none if it is negated or not known. */
function characterClass(state: State): string {
  let characters = ''
  if (state.pattern[state.at] === '^') return ''
  while (state.at < state.pattern.length && state.pattern[state.at] !== ']') {
    const char = state.pattern[state.at++] ?? ''
    const added = char === '\\' ? escaped(state) : char
    if (added === '') return ''
    const to = state.pattern[state.at + 1]
    if (added.length === 1 && state.pattern[state.at] === '-' && to !== undefined && to !== ']' && to !== '\\') {
      const [first, last] = [added.charCodeAt(0), to.charCodeAt(0)]
      for (let code = first; code <= Math.min(last, first + 255); code++) characters += String.fromCharCode(code)
      state.at += 2
    } else {
      characters += added
    }
  }
  state.at++
  return characters
}

function repetition(state: State): number {
  const [match, sign, least = '0', comma, most] =
    /^(?:([?*+])|\{(\d+)(,)?(\d+)?\})\??/.exec(state.pattern.slice(state.at)) ?? []
  if (match === undefined) return 1
  state.at += match.length
  const from = sign === '+' ? 1 : Number(least)
  const open = sign === '?' ? 1 : from + REPEATED_MORE_MAX
  const upTo = sign !== undefined ? open : comma === undefined ? from : most === undefined ? open : Number(most)
  return from + Math.floor(state.random() * (Math.min(upTo, from + REPEATED_MORE_MAX) - from + 1))
}
