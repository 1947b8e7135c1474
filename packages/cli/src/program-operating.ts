/** The grammar of operating: copies of a log, putting them back, and erasing personal data. */
import type { Command } from 'commander'
import type { EraseFlags } from './commands/operating/erase.ts'
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
  const keys = program.command('keys').description('The key store of personal data').exitOverride()
  common(keys.command('create').description('Make a new, empty key store, in the directory that --keys names')).action(
    action(async (settings) => (await import('./commands/operating/erase.ts')).createKeys(settings)),
  )
  common(
    program.command('erase <SUBJECT>').description('Destroy the key of a person: nobody can read their personal data any more, anywhere'),
  )
    .option('--reason <TEXT>', 'why, without naming the person; recorded in the log')
    .option('--by <NAME>', 'who says so (human:USER where left out)')
    .action(
      action(
        async (settings, [subject], flags) =>
          await (await import('./commands/operating/erase.ts')).erase(settings, subject!, flags as EraseFlags),
      ),
    )
}
