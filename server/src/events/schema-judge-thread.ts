/** The thread of `schema-judge.ts`: answers one question after the other, and may be terminated at any moment. */
import { parentPort } from 'node:worker_threads'
import { parseStoredJson } from '../lib/json-text.ts'
import { checkCustomSchema } from './check-custom-schema.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { samplePayload } from './sample-payload.ts'
import { checkCompatibility } from './schema-compatibility.ts'
import type { FailingText, JudgeAnswer, JudgeQuestion } from './schema-judge-messages.ts'
import type { FromThread } from './terminable-thread.ts'

/** Of further failing texts only the first fault is told. */
const EXPLAINED_MAX = 20

function answerTo(question: JudgeQuestion): JudgeAnswer {
  switch (question.kind) {
    case 'check': {
      const examples = parseStoredJson(question.examples)
      return { faults: checkCustomSchema(parseStoredJson(question.schema), Array.isArray(examples) ? examples : []) }
    }
    case 'rehearse':
      return { failing: failingTexts(question.schema, question.texts) }
    case 'compare':
      return { breaks: checkCompatibility(question.mode, question.versions, question.next) }
    case 'sample': {
      const sample = samplePayload(parseStoredJson(question.schema), question.seed, compileCustomSchema)
      return sample === undefined ? {} : { sample: JSON.stringify(sample) }
    }
  }
}

function failingTexts(schema: string, texts: readonly string[]): readonly FailingText[] {
  const validate = compileCustomSchema(parseStoredJson(schema))
  const failing: FailingText[] = []
  for (const [index, text] of texts.entries()) {
    const faults = validate(parseStoredJson(text))
    if (faults.length > 0) failing.push({ index, faults: failing.length < EXPLAINED_MAX ? faults : faults.slice(0, 1) })
  }
  return failing
}

const port = parentPort
if (!port) throw new Error('This file is the body of a thread')
const tell = (message: FromThread<JudgeAnswer>): void => port.postMessage(message)
port.on('message', (question: JudgeQuestion) => {
  try {
    tell({ type: 'answer', answer: answerTo(question) })
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    tell({ type: 'failed', message, stack })
  }
})
tell({ type: 'ready' })
