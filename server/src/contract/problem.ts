import { Type } from 'typebox'
import { problems } from '../lib/problems.ts'
import { component } from './component.ts'

export const Problem = component(
  'Problem',
  'A refusal or fault: RFC 9457, as application/problem+json',
  Type.Object({
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'Fixed per code' }),
    status: Type.Integer(),
    code: Type.String({ enum: Object.keys(problems), description: 'Never changes its meaning' }),
    detail: Type.String({ description: 'The particular case, for people' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({
            description: 'JSON pointer (RFC 6901) into the body; in faults of the query or a header `/` and its name',
          }),
          code: Type.String({ description: 'A keyword of JSON Schema, or a code of its own' }),
          message: Type.String(),
          version: Type.Optional(
            Type.Integer({
              description:
                'With `incompatible_schema`: the older version that breaks. The pointer leads into the new schema where ' +
                'producers break, into that of this version where consumers do',
            }),
          ),
          breaks: Type.Optional(Type.Union([Type.Literal('producers'), Type.Literal('consumers')])),
        }),
        { description: 'Every fault found, the first 100 at most' },
      ),
    ),
    request_id: Type.String({ description: 'Stands beside the request in the log of the server' }),
  }),
)
