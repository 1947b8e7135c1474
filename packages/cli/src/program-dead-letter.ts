/** The grammar of dead letters. */
import { deadLetterTopics } from '@signalbox/contract'
import { type Command, Option } from 'commander'
import type { ListFlags } from './commands/dead-letter/look.ts'
import type { RedriveFlags } from './commands/dead-letter/redrive.ts'
import type { SettleFlags } from './commands/dead-letter/settle.ts'
import type { Action } from './program-action.ts'

type Common = (command: Command) => Command

export function addDeadLetter(program: Command, action: Action, common: Common): void {
  const deadLetter = program
    .command('dead-letter')
    .description('Records that could not be processed: look, redrive, discard')
    .exitOverride()
  filters(common(deadLetter.command('list').description('Dead letters by what caused them, the most frequent cause first')))
    .option('--standing <STANDING>', 'open, redriven, discarded or all', 'open')
    .option('--ungrouped', 'each by itself, in their order')
    .action(
      action(
        async (settings, _ids, flags) =>
          await (await import('./commands/dead-letter/look.ts')).listDeadLetters(settings, flags as ListFlags),
      ),
    )
  common(deadLetter.command('show <ID>').description('One dead letter: bytes, what they decode to, cause, and what became of it')).action(
    action(async (settings, [id]) => await (await import('./commands/dead-letter/look.ts')).showDeadLetter(settings, id!)),
  )
  verdict(
    filters(
      common(deadLetter.command('redrive [ID...]').description('Ask again, as new intents; without --yes, say what each would become now')),
    ),
  )
    .option('--dry-run', 'only say what each would become; the same as leaving --yes out')
    .option('--all', 'every one that is open')
    .option('--yes', 'do it')
    .option('--rate <NUMBER>', 'at most so many a second', '10')
    .option('--go-on', 'also what was sent after one that fails, in the same scope')
    .option('--fresh', 'without read set, deadline, lease, and the versions that commutative actions expect')
    .option('--edit <FILE>', 'the intent that one dead letter is redriven as, as JSON (- for standard input)')
    .option('--batch <NAME>', 'a name for this run, in the log')
    .action(
      action(
        async (settings, ids, flags) =>
          await (await import('./commands/dead-letter/redrive.ts')).redriveDeadLetters(settings, ids, flags as RedriveFlags),
      ),
    )
  verdict(filters(common(deadLetter.command('discard [ID...]').description('Say that nothing is to be done with them'))))
    .option('--all', 'every one that is open')
    .option('--yes', 'do it; without it, say which they are')
    .action(
      action(
        async (settings, ids, flags) =>
          await (await import('./commands/dead-letter/settle.ts')).settleDeadLetters(settings, 'discard', ids, flags as SettleFlags),
      ),
    )
  verdict(
    common(deadLetter.command('reopen <ID...>').description('Take a discard back; or a redrive whose intent was too old to be decided')),
  ).action(
    action(
      async (settings, ids, flags) =>
        await (await import('./commands/dead-letter/settle.ts')).settleDeadLetters(settings, 'reopen', ids, flags as SettleFlags),
    ),
  )
}

function verdict(command: Command): Command {
  return command
    .option('--reason <TEXT>', 'why; stays in the log')
    .option('--by <NAME>', 'who says so (SIGNALBOX_HUMAN; the user of this machine where left out)')
}

function filters(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--topic <TOPIC>',
        'of intents, of escalation (notifications), of projector, of reactions, or of ingest (records of sources)',
      ).choices([...deadLetterTopics]),
    )
    .option('--code <CAUSE>', 'with one code')
    .option('--fingerprint <FINGERPRINT>', 'of one cause')
    .option('--scope <SCOPE>', 'of one scope')
    .option('--agent <AGENT>', 'of one agent')
}
