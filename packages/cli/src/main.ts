#!/usr/bin/env node
/** The `signalbox` command. */
import { ClientError } from '@signalbox/client'
import { isLogError } from '@signalbox/log'
import type { ProjectionError } from '@signalbox/projection'
import { CommanderError } from 'commander'
import { CommandError, exitCodes } from './exit-codes.ts'
import { createProgram } from './program.ts'

/** Runs one command line (without node and file) and gives its exit code. */
export async function run(parameters: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...parameters], { from: 'user' })
    return exitCode
  } catch (error) {
    return explainFailure(error)
  }
}

function explainFailure(error: unknown): number {
  // Commander has said what is wrong already; its help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof CommandError) return fail(error.message, error.exitCode)
  if (error instanceof ClientError) return fail(error.message, clientExit(error))
  if (isLogError(error)) return fail(error.message, isLogError(error, 'MISCONFIGURED') ? exitCodes.usage : exitCodes.unreachable)
  // Known by their names: loading the servers and the stores for that would slow every command down.
  if (error instanceof Error && error.name === 'ListenError') return fail(error.message, exitCodes.usage)
  if (isOutOfFiles(error))
    return fail(
      'too many files and connections are open; allow this process more (ulimit -n, LimitNOFILE of a unit)',
      exitCodes.unreachable,
    )
  if (error instanceof Error && error.name === 'ProjectionError')
    return fail(error.message, (error as Partial<ProjectionError>).code === 'MISCONFIGURED' ? exitCodes.usage : exitCodes.unreachable)
  return fail(`a bug in signalbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, exitCodes.bug)
}

function isOutOfFiles(error: unknown): boolean {
  const { cause, code } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return code === 'EMFILE' || code === 'ENFILE' || (cause !== undefined && isOutOfFiles(cause))
}

function clientExit({ code, problem }: ClientError): number {
  if (code === 'TIMED_OUT') return exitCodes.timedOut
  if (code !== 'REFUSED') return exitCodes.unreachable
  if (problem === 'NOT_FOUND') return exitCodes.notFound
  return problem === 'BODY_MALFORMED' || problem === 'BODY_TOO_LARGE' || problem === 'QUERY_INVALID' || problem === 'NOT_IN_THIS_LOG'
    ? exitCodes.usage
    : exitCodes.unreachable
}

function fail(message: string, exitCode: number): number {
  process.stderr.write(`signalbox: ${message}\n`)
  return exitCode
}

if (import.meta.main) {
  // `signalbox intent list | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.bug))
  process.exitCode = await run(process.argv.slice(2))
}
