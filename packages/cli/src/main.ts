#!/usr/bin/env node
/** The `signalbox` command. */
import { ClientError } from '@signalbox/client'
import { fileErrorOf } from '@signalbox/files'
import { isLogError } from '@signalbox/log'
import type { ProjectionError } from '@signalbox/projection'
import { CommanderError } from 'commander'
import { CommandError, exitCodes } from './exit-codes.ts'
import { say, sayLines } from './output.ts'
import { createProgram } from './program.ts'
import { surviveReaders } from './signals.ts'
import { inOneLine } from './visible.ts'

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

/** What is wrong with a file that somebody named or wrote. */
const usersFaults: ReadonlySet<string> = new Set([
  'ListenError',
  'ExportError',
  'BackupError',
  'KeyStoreError',
  'ContractError',
  'ConfigError',
  'ContractsRefused',
])

function explainFailure(error: unknown): number {
  // Commander has said what is wrong already; its help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof CommandError) return fail(error.message, error.exitCode)
  if (error instanceof ClientError) return fail(error.message, clientExit(error))
  if (isLogError(error)) return fail(error.message, isLogError(error, 'MISCONFIGURED') ? exitCodes.usage : exitCodes.unreachable)
  // Known by their names: loading what throws them would slow every command down.
  if (error instanceof Error && usersFaults.has(error.name)) return fail(error.message, exitCodes.usage)
  if (isOutOfFiles(error))
    return fail(
      'too many files and connections are open; allow this process more (ulimit -n, LimitNOFILE of a unit)',
      exitCodes.unreachable,
    )
  const file = fileErrorOf(error)
  if (file !== undefined) return fail(file.message, exitCodes.usage)
  if (error instanceof Error && error.name === 'ProjectionError')
    return fail(error.message, (error as Partial<ProjectionError>).code === 'MISCONFIGURED' ? exitCodes.usage : exitCodes.unreachable)
  sayLines(`signalbox: a bug in signalbox: ${error instanceof Error ? stackOf(error) : inOneLine(String(error))}`)
  return exitCodes.bug
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

/** Lines that are no frames belong to the message. */
function stackOf({ message, stack = message }: Error): string {
  return stack.replaceAll(/\n(?! {4}at )/g, '\n    ')
}

function fail(message: string, exitCode: number): number {
  say(`signalbox: ${message}`)
  return exitCode
}

if (import.meta.main) {
  surviveReaders()
  // `signalbox intent list | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    process.exit(fail(fileErrorOf(error, 'written', 'standard output')?.message ?? error.message, exitCodes.usage))
  })
  process.exitCode = await run(process.argv.slice(2))
}
