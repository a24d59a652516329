/** Writes sdk/src/api, which is committed and compared: `node --conditions=source server/scripts/write-sdk-api.ts` */
import { readFile, writeFile } from 'node:fs/promises'
import { renderSdkApi } from './sdk-api/render-sdk-api.ts'

const root = new URL('../../', import.meta.url)
const document = JSON.parse(await readFile(new URL('docs/openapi.json', root), 'utf8'))
for (const [name, text] of renderSdkApi(document)) await writeFile(new URL(`sdk/src/api/${name}`, root), text)
