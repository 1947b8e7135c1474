/** The grammar of looking back: replays, traces, diffs, exports. Everything here only reads. */
import type { Command } from 'commander'
import type { DiffFlags } from './commands/replay/diff.ts'
import type { ExportFlags, TestFlags } from './commands/replay/export.ts'
import type { RunFlags } from './commands/replay/run.ts'
import type { Action } from './program-action.ts'

type Common = (command: Command) => Command

const repeated = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

export function addReplay(program: Command, action: Action, common: Common): void {
  const replay = program.command('replay').description('Look back at what happened; reads only').exitOverride()
  common(replay.command('run').description('Step through the events, forwards and back; help says what to type'))
    .option('--scope <SCOPE>', 'the partition of a scope, and what concerns that scope')
    .option('--partition <PARTITION>', 'one partition')
    .option('--at <MOMENT>', 'where to begin: partition:offset, a time, how long ago (15m), start or end')
    .option('--do <COMMAND>', 'a command in place of typing, repeatable', repeated)
    .action(
      action(async (settings, _parameters, flags) => await (await import('./commands/replay/run.ts')).run(settings, flags as RunFlags)),
    )
  common(replay.command('diff').description('What other contracts would have decided of the same intents; exit code 8 where they differ'))
    .option('--with <FILE>', 'a file that exports contracts, or a config; the contracts as they are where left out')
    .option('--chained', "each intent against the candidate's own state, in place of the state that the log records")
    .option('--most <NUMBER>', 'tell at most so many flips one by one', '1000')
    .action(
      action(async (settings, _parameters, flags) => await (await import('./commands/replay/diff.ts')).diff(settings, flags as DiffFlags)),
    )
  common(replay.command('export <FILE>').description('One file that replays anywhere; a name that ends in .gz is packed'))
    .option('--scope <SCOPE>', 'the events of a scope alone, repeatable', repeated)
    .option('--correlation <CORRELATION>', 'the scopes that a correlation reached, up to its end')
    .option('--from <MOMENT>', 'begin there, with the state of that moment')
    .option('--to <MOMENT>', 'end there')
    .option('--redact <FIELD>', 'take the values of a field out, repeatable', repeated)
    .action(
      action(
        async (settings, [file], flags) =>
          await (await import('./commands/replay/export.ts')).exportTo(settings, file!, flags as ExportFlags),
      ),
    )
  common(replay.command('import <FILE>').description('Take an export into an empty data directory')).action(
    action(async (settings, [file]) => await (await import('./commands/replay/export.ts')).importFrom(settings, file!)),
  )
  common(replay.command('test <FILE>').description('Write a vitest file that pins the decisions of an export'))
    .option('--out <FILE>', 'the file; NAME.test.ts here where left out')
    .option('--intent <ID>', 'pin this one, repeatable; all that were not committed where left out', repeated)
    .action(
      action(
        async (settings, [file], flags) =>
          await (await import('./commands/replay/export.ts')).writeTest(settings, file!, flags as TestFlags),
      ),
    )
  common(program.command('trace <CORRELATION>').description('What caused what, over agents and scopes; also by the id of any intent'))
    .option('--mermaid', 'as a Mermaid flow chart')
    .action(
      action(
        async (settings, [id], flags) =>
          await (await import('./commands/replay/trace.ts')).showTrace(settings, id!, flags as { mermaid?: boolean }),
      ),
    )
}
