import { BackupError } from '@signalbox/backup'
import { CommandError } from '../../exit-codes.ts'

/** What is wrong with a backup is told, and is no bug. */
export async function backupErrors<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    if (cause instanceof BackupError) throw new CommandError('usage', cause.message, { cause })
    throw cause
  }
}
