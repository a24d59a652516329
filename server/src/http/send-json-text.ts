import type { FastifyReply } from 'fastify'
import { JSON_TYPE } from './json-body.ts'

/** Answers with a text that is JSON already; Fastify would take it for a string to be written as JSON. */
export async function sendJsonText(reply: Pick<FastifyReply, 'header'>, text: string): Promise<FastifyReply> {
  return await reply.header('content-type', JSON_TYPE).send(text)
}
