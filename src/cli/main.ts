#!/usr/bin/env node
import { runCli } from './run-cli.js'

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read the output has gone; that is no reason to give up an upload.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await runCli(process.argv.slice(2), process)
