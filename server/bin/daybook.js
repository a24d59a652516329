#!/usr/bin/env node
// Runs the command line on a Node that can: this one, or the one that npm installed beside Daybook.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from './node-flags.js'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

// From the second start on, no thread strips and compiles the sources again: less memory, and sooner ready. It lies beside the
// program and not where others can write; where this user cannot either, all goes on without it.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../.cache/', import.meta.url))

if (major >= 24 && (minor >= 12 || major > 24) && process.execArgv.includes('--conditions=source')) {
  enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(main)
} else {
  const child = spawn(findNode(), [...nodeFlags, main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both of us; other signals are passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`Daybook needs Node 24: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}

function findNode() {
  if (major >= 24) return process.execPath
  for (const up of ['../../', '../../../', '../../../../']) {
    for (const name of ['node', 'node.exe']) {
      const installed = fileURLToPath(new URL(`${up}node_modules/.bin/${name}`, import.meta.url))
      if (existsSync(installed)) return installed
    }
  }
  console.error(`Daybook needs Node 24 or later, this is ${process.versions.node}`)
  process.exit(1)
}
