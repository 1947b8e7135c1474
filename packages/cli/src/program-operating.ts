/** The grammar of operating: copies of a log, and putting them back. */
import type { Command } from 'commander'
import type { Action } from './program.ts'

export function addOperating(program: Command, action: Action, common: (command: Command) => Command): void {
  common(
    program
      .command('backup <DIRECTORY>')
      .description('Copy the log while it is in use; a directory that holds an earlier backup of it is brought up to date'),
  ).action(action(async (settings, [directory]) => await (await import('./commands/operating/backup.ts')).backup(settings, directory!)))
  common(program.command('restore <DIRECTORY>').description('Put a backup into an empty place, and audit it there')).action(
    action(
      async (settings, [directory], flags) => await (await import('./commands/operating/restore.ts')).restore(settings, directory!, flags),
    ),
  )
}
