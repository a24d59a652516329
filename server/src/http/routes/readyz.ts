import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ProblemError } from '../../lib/problems.ts'
import { isReady, readinessChecks } from '../../lib/readiness-report.ts'
import type { ReadinessReport } from '../../lib/readiness-report.ts'
import type { HttpParts } from '../http-parts.ts'
import { sendProblem } from '../problem-document.ts'
import { problemResponses } from '../problem-responses.ts'

const Ready = Type.Object(
  {
    status: Type.Literal('ready'),
    checks: Type.Record(Type.Union(readinessChecks.map((check) => Type.Literal(check))), Type.Literal('ok')),
  },
  { description: 'They should' },
)

const allOk = Object.fromEntries(readinessChecks.map((check) => [check, 'ok' as const]))

export function readyz({ readiness }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/readyz',
      {
        config: { public: true },
        schema: {
          operationId: 'readyz',
          tags: ['operations'],
          summary: 'Whether requests should be sent here',
          description:
            'Needs no key. Answers at once with what was found out within the last seconds: whether the database answers, ' +
            "whether its schema is this version's, whether the engine's thread answers, and that the server is not stopping. " +
            'A refusal names each check that does not hold, in `errors`.',
          security: [],
          response: { 200: Ready, ...problemResponses() },
        },
      },
      async (_request, reply) => {
        const report = readiness()
        if (isReady(report)) return { status: 'ready' as const, checks: allOk }
        // Answered and not thrown: probes come every few seconds, and the log has a line when it changes.
        sendProblem(reply, notReady(report))
        return reply
      },
    )
  }
}

function notReady(report: ReadinessReport): ProblemError {
  const faults = readinessChecks.flatMap((check) => {
    const message = report[check]
    return message === undefined ? [] : [{ pointer: `/checks/${check}`, code: `${check}_not_ok`, message }]
  })
  const words = readinessChecks.map((check) => `${check} ${report[check] === undefined ? 'ok' : 'not ok'}`)
  return new ProblemError('unavailable', `Not ready: ${words.join(', ')}`, faults)
}
