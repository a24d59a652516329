/** The thread of `document-reader.ts`: reads one document after the other, and may be terminated at any moment. */
import { parentPort } from 'node:worker_threads'
import type { FromThread } from '../terminable-thread.ts'
import type { ReadingTask } from './document-reader.ts'
import type { DefinitionDocument } from './imported-definition.ts'
import { readDefinitionDocument, readDefinitionValue } from './read-definition-document.ts'

const port = parentPort
if (!port) throw new Error('This file is the body of a thread')
const tell = (message: FromThread<DefinitionDocument>): void => port.postMessage(message)
port.on('message', ({ document, options }: ReadingTask) => {
  try {
    const answer =
      typeof document === 'string' ? readDefinitionDocument(document, options) : readDefinitionValue(document, options)
    tell({ type: 'answer', answer })
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    tell({ type: 'failed', message, stack })
  }
})
tell({ type: 'ready' })
