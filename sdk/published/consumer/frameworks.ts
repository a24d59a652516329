/** The handlers are what the frameworks take. */
import { createServer } from 'node:http'
import { createReceiver } from '@daybook/sdk'
import { fastifyReceiver, nodeHandler } from '@daybook/sdk/node'
import express from 'express'
import { fastify } from 'fastify'

const receiver = createReceiver({ secrets: 'whsec_a', on: {} })

export const server = createServer(nodeHandler(receiver))
export const app = express().post('/webhook', nodeHandler(receiver))
export const other = fastify().register(fastifyReceiver(receiver, '/webhook'))
