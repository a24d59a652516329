/** What the routes of definitions have in common. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { viewOfCustom, viewOfStandard } from '../events/definition-view.ts'
import type { CustomDefinition } from '../events/custom-definition-store.ts'
import { judgeWithin } from '../events/judge-within.ts'
import type { DefinitionParts } from '../events/plan-definition.ts'
import type { FoundDefinition } from '../events/read-definition.ts'
import { ProblemError } from '../lib/problems.ts'
import { definitionJson } from './answers/definition-answer.ts'
import { setEtag } from './etag.ts'
import type { HttpParts } from './http-parts.ts'
import { payloadTexts } from './json-body.ts'
import { sendJsonText } from './send-json-text.ts'

export function definitionParts({ pools, definitions, judge }: HttpParts): DefinitionParts {
  return { pool: pools.api, judge, standard: definitions.standard }
}

/** A request that has schemas judged is answered within this time, or refused. */
const JUDGING_MS_MAX = 20_000

/** Like {@link definitionParts}: nothing more is judged when that takes too long, or nobody waits for the answer any more. */
export function judgingParts(parts: HttpParts, { raw }: FastifyReply): DefinitionParts {
  const end = new AbortController()
  const timer = setTimeout(() => {
    end.abort(new ProblemError('too_busy', `Takes longer than ${JUDGING_MS_MAX / 1_000} seconds; try less at a time`))
  }, JUDGING_MS_MAX).unref()
  raw.once('close', () => {
    clearTimeout(timer)
    end.abort(new ProblemError('too_busy', 'Nobody waits for the answer'))
  })
  return { ...definitionParts(parts), judge: judgeWithin(parts.judge, end.signal) }
}

/** To be called when a change was committed. */
export function tellOfChange({ definitions, onRecorded }: HttpParts, companyId: string): void {
  definitions.changed(companyId)
  onRecorded()
}

/** The body with its schema as the text that was sent; the route must read its body with `readPayloads(app, 1, 'schema')`. */
export function withSchemaText<Body extends { readonly schema?: unknown }>(
  request: FastifyRequest,
  body: Body,
): Omit<Body, 'schema'> & { readonly schema: string | undefined } {
  const { schema, ...members } = body
  return { ...members, schema: schema === undefined ? undefined : payloadTexts(request)[0] }
}

/** Answers with a definition of the company's own and its tag. */
export async function sendCustom(reply: FastifyReply, definition: CustomDefinition): Promise<FastifyReply> {
  setEtag(reply, definition.row.revision)
  return await sendJsonText(reply, definitionJson(viewOfCustom(definition)))
}

export async function sendFound(reply: FastifyReply, found: FoundDefinition): Promise<FastifyReply> {
  if ('custom' in found) return await sendCustom(reply, found.custom)
  return await sendJsonText(reply, definitionJson(viewOfStandard(found.standard)))
}
