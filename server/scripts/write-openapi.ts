/** Writes docs/openapi.json, which is committed and compared: `node --conditions=source server/scripts/write-openapi.ts` */
import { writeFile } from 'node:fs/promises'
import { openApiDocument } from '../src/http/openapi.ts'

const target = new URL('../../docs/openapi.json', import.meta.url)
await writeFile(target, `${JSON.stringify(await openApiDocument(), null, 2)}\n`)
