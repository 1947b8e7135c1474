/** The grammar of operating: copies of a log, putting them back, moving it to other topics, and erasing personal data. */
import type { Command } from 'commander'
import type { EraseFlags } from './commands/operating/erase.ts'
import type { GenerationFlags } from './commands/operating/generation.ts'
import type { Action } from './program-action.ts'

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
  addGeneration(program, action, common)
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

function addGeneration(program: Command, action: Action, common: (command: Command) => Command): void {
  const generation = program.command('generation').description('The topics that the log lies in, and moving it to others').exitOverride()
  const said = (command: Command) =>
    common(command)
      .option('--reason <TEXT>', 'why; recorded in the log')
      .option('--by <NAME>', 'who says so (human:USER where left out)')
      .option('--wait-ms <MILLISECONDS>', 'how long whoever owns a partition may take to decide it (default 30000)')
  common(generation.command('show').description('Whether each partition is open or closed, and where its log was before')).action(
    action(async (settings) => (await import('./commands/operating/generation.ts')).showGeneration(settings)),
  )
  said(
    generation
      .command('move <PREFIX>')
      .description(
        'Close the log and carry it over into new, empty topics, of which there may be more (topics apply makes them); an embedded log too',
      ),
  ).action(
    action(async (settings, [next], flags) =>
      (await import('./commands/operating/move.ts')).moveGeneration(settings, next!, flags as GenerationFlags),
    ),
  )
  said(generation.command('close').description('Close the log: every intent is rejected, and told where it goes on'))
    .option('--next <NAME>', 'where the log goes on')
    .action(
      action(async (settings, _parameters, flags) =>
        (await import('./commands/operating/generation.ts')).closeGeneration(settings, flags as GenerationFlags),
      ),
    )
  said(generation.command('reopen').description('Open a closed log again, where nothing was decided elsewhere')).action(
    action(async (settings, _parameters, flags) =>
      (await import('./commands/operating/generation.ts')).reopenGeneration(settings, flags as GenerationFlags),
    ),
  )
}
