import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { WriteStream } from 'node:tty'
import { recordText, tableText } from './table.ts'

const columns = [
  { title: 'NAME', value: ({ name }: Row) => name },
  { title: 'COUNT', value: ({ count }: Row) => count },
  { title: 'NOTE', value: ({ note }: Row) => note },
]

interface Row {
  readonly name: string
  readonly count: number
  readonly note: string | null
}

const rows: readonly Row[] = [
  { name: 'a', count: 1_000_000, note: null },
  { name: 'longer', count: 2, note: 'x' },
]

/** As standard output of a terminal that knows colours. */
function terminal(): PassThrough {
  const { getColorDepth, hasColors } = WriteStream.prototype
  return Object.assign(new PassThrough(), {
    isTTY: true,
    getColorDepth: () => getColorDepth({ TERM: 'xterm' }),
    hasColors,
  })
}

test('columns are as wide as what is in them, and what is absent is a dash', () => {
  assert.equal(
    tableText(new PassThrough(), columns, rows),
    'NAME    COUNT    NOTE\na       1000000  -\nlonger  2        x',
  )
})

test('the members of one thing stand under each other', () => {
  const record = { id: 'x', event_names: ['a', 'b'], held: { count: 1 }, position: null }
  assert.equal(
    recordText(new PassThrough(), record),
    'id           x\nevent_names  a, b\nheld         {"count":1}\nposition     -',
  )
})

test('a terminal gets colours, a pipe does not', () => {
  assert.ok(tableText(terminal(), columns, rows).startsWith('\u001b[1mNAME'))
  assert.ok(!tableText(new PassThrough(), columns, rows).includes('\u001b'))
})

test('what others wrote cannot steer the terminal, nor break a row', () => {
  const [, line] = tableText(new PassThrough(), columns, [{ name: '\u001b[2J', count: 1, note: 'a\nb\u009b' }]).split(
    '\n',
  )
  assert.equal(line, '�[2J  1      a�b�')
})
