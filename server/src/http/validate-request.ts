/**
 * The form of requests, checked by Ajv against the shapes in `contract/`. Bodies are taken as they are; what stands in a
 * URL or header is text, and becomes the number or list that the shape asks for.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnySchemaObject, ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifySchemaCompiler } from 'fastify'
import type { Component } from '../contract/component.ts'
import { requestProblem } from './request-problem.ts'

/** Bodies with more values are told of their first fault only: a list of all could be larger than memory. */
const VALUES_MAX = 50_000

/** Formats say what an answer holds. What a request holds is judged where its meaning is, with codes of its own. */
const common = {
  strict: true,
  allowUnionTypes: true,
  ownProperties: true,
  logger: false,
  validateFormats: false,
} as const

const bodyOptions: Options = { ...common }
const textOptions: Options = { ...common, coerceTypes: 'array', useDefaults: true }

/**
 * Each part of a route is compiled to stop at the first fault, which is the fast way for what has none; to list all
 * faults it is compiled again when the first request fails.
 */
export function createValidatorCompiler(components: readonly Component[]): FastifySchemaCompiler<AnySchemaObject> {
  const create = (options: Options): Ajv2020 => new Ajv2020(options).addSchema(components.map(({ schema }) => schema))
  const ofBody = { quick: create(bodyOptions), full: create({ ...bodyOptions, allErrors: true }) }
  const ofText = { quick: create(textOptions), full: create({ ...textOptions, allErrors: true }) }
  return ({ schema, httpPart }) => {
    const part = httpPart ?? 'body'
    const { quick, full } = part === 'body' ? ofBody : ofText
    const isValid: ValidateFunction = quick.compile(schema)
    const listFaults = (data: unknown): readonly ErrorObject[] => {
      const first = isValid.errors ?? []
      if (!hasAtMostValues(data, VALUES_MAX)) return first
      const validate: ValidateFunction = full.compile(schema) // remembers what it compiled
      return validate(data) ? first : (validate.errors ?? first)
    }
    return (data: unknown) => isValid(data) || { error: requestProblem(part, listFaults(data)) }
  }
}

function hasAtMostValues(data: unknown, max: number): boolean {
  const open: unknown[] = [data]
  let seen = 0
  for (let value = open.pop(); ; value = open.pop()) {
    if (++seen > max) return false
    if (typeof value === 'object' && value !== null) {
      const children = Object.values(value)
      if (seen + open.length + children.length > max) return false
      for (const child of children) open.push(child)
    }
    if (open.length === 0) return true
  }
}
