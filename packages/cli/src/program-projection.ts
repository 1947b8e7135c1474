/** The grammar of projections. */
import type { Command } from 'commander'
import type { AskFlags, RowsFlags } from './commands/projection.ts'
import type { NewProjectionFlags } from './commands/projection-new.ts'
import type { Action } from './program-action.ts'

type Common = (command: Command) => Command

export function addProjection(program: Command, action: Action, common: Common): void {
  const projection = program
    .command('projection')
    .description('Read models: what is kept, their rows, and what keeps them right')
    .exitOverride()
  const commands = () => import('./commands/projection.ts')
  common(projection.command('list').description('Every projection, how far it is, and what is parked')).action(
    action(async (settings) => await (await commands()).listProjections(settings)),
  )
  common(projection.command('show <NAME>').description('One projection: tables, lag, generations, parked events')).action(
    action(async (settings, [name]) => await (await commands()).showProjection(settings, name!)),
  )
  common(projection.command('rows <NAME> [TABLE]').description('Rows in the order of their keys'))
    .option('--key <KEY>', 'one row alone')
    .option('--prefix <PREFIX>', 'only keys that begin so')
    .option('--after <KEY>', 'only keys behind this one')
    .option('--limit <NUMBER>', 'at most so many', '50')
    .action(action(async (settings, [name, table], flags) => await (await commands()).listRows(settings, name!, table, flags as RowsFlags)))
  common(
    projection.command('rebuild <NAME>').description('Build the rows anew beside the live ones, and swap them in when they have caught up'),
  )
    .option('--no-wait', 'leave it to whoever owns the projection')
    .action(action(async (settings, [name], flags) => await (await commands()).rebuildProjection(settings, name!, flags as AskFlags)))
  common(projection.command('verify [NAME]').description('Fold the log anew and compare row by row; names the first that differ')).action(
    action(async (settings, [name]) => await (await commands()).verifyProjections(settings, name)),
  )
  common(
    projection.command('retry <NAME> [KEY]').description('Fold the parked events of a key again, in order, after what was wrong is mended'),
  )
    .option('--all', 'of every key')
    .action(
      action(async (settings, [name, key], flags) => await (await commands()).retryProjection(settings, name!, key, flags as AskFlags)),
    )
  common(projection.command('new <NAME>').description('Write a projection that works, with its tests'))
    .option('--type <TYPE>', 'the type of resource that it is about; every type where left out')
    .option('--directory <DIRECTORY>', 'where to; default ./projections')
    .action(
      action(async (settings, [name], flags) => {
        const { newProjection } = await import('./commands/projection-new.ts')
        return newProjection(settings, name!, flags as NewProjectionFlags)
      }),
    )
}
