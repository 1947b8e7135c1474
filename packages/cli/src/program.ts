/** The grammar of the command: noun verb, flags, help. */
import { software } from '@signalbox/signalbox/version'
import { Command, Option } from 'commander'
import {
  explainIntent,
  type ListFlags,
  listIntents,
  type SubmitFlags,
  showIntent,
  submitIntent,
  type TailFlags,
  tailIntents,
  withdrawIntent,
} from './commands/intent.ts'
import { listAllResources, resourceHistory, showResource, showStatus } from './commands/resource.ts'
import type { SkipFlags } from './commands/skip.ts'
import { unknownVariables } from './environment.ts'
import { exitCodes } from './exit-codes.ts'
import type { ServiceFlags } from './listening.ts'
import { checkNames } from './names.ts'
import { wholeNumber } from './numbers.ts'
import { revealWith, say, sayPart } from './output.ts'
import { revealing } from './personal.ts'
import type { Action } from './program-action.ts'
import { addCoordination } from './program-coordination.ts'
import { addDeadLetter } from './program-dead-letter.ts'
import { addOperating } from './program-operating.ts'
import { addProjection } from './program-projection.ts'
import { addReplay } from './program-replay.ts'
import { addTopics } from './program-topics.ts'
import { type CommonFlags, readSettings } from './settings.ts'

/** `done` gets the exit code of the command that ran. */
export function createProgram(done: (exitCode: number) => void): Command {
  const program = new Command('signalbox')
    .description('The coordinator for multi-agent systems: every intent gets exactly one decision.')
    .version(software)
    .showHelpAfterError('(signalbox --help shows what there is)')
    .configureOutput({ writeErr: sayPart, outputError: (text) => say(text.trimEnd().replace('\n(Did', ' (Did')) })
    .exitOverride()
  const action: Action = (run) => {
    return async (...received) => {
      const command = received.at(-1) as Command
      const flags = command.optsWithGlobals() as CommonFlags
      checkNames(command)
      for (const line of unknownVariables()) say(line)
      const settings = await readSettings(flags)
      revealWith(revealing(settings))
      done((await run(settings, command.args, flags)) ?? exitCodes.ok)
    }
  }
  addUp(program, action)
  addServices(program, action)
  addIntent(program, action)
  addResource(program, action)
  addTopics(program, action, common)
  addCoordination(program, action, common)
  addReplay(program, action, common)
  addProjection(program, action, common)
  addDeadLetter(program, action, common)
  addOperating(program, action, common)
  common(
    program
      .command('status')
      .description('What a running gateway says of its partitions, positions and contracts')
      .action(action((settings) => showStatus(settings))),
  )
  common(program.command('audit').description('Prove what Signalbox promises of the log, or name the first break'))
    .option('--partition <PARTITION>', 'one partition alone')
    .action(
      action(async (settings, _parameters, flags) => {
        const { audit } = await import('./commands/audit.ts')
        return await audit(settings, flags as { partition?: string })
      }),
    )
  addBench(program, action)
  return program
}

function common(command: Command): Command {
  return command
    .option('--config <FILE>', 'contracts and settings (SIGNALBOX_CONFIG; default ./signalbox.config.ts)')
    .option('--data-dir <DIRECTORY>', 'where the embedded log lies (SIGNALBOX_DATA_DIR; default ./.signalbox)')
    .addOption(
      new Option('--log <LOG>', 'sqlite or kafka (SIGNALBOX_LOG; default kafka where KAFKA_BROKERS is set)').choices(['sqlite', 'kafka']),
    )
    .option('--file <EXPORT>', 'an exported log, in place of the log (SIGNALBOX_FILE); commands that read take it')
    .option(
      '--url <URL>',
      'the gateway (SIGNALBOX_URL; default http://127.0.0.1:7070); reads go there instead of to the log when it is given',
    )
    .option(
      '--header <HEADER>',
      "'NAME: VALUE' for the gateway, or a proxy before it; repeatable (SIGNALBOX_HEADERS, a line each)",
      collect,
    )
    .option('--keys <DIRECTORY>', 'the key store of personal data (SIGNALBOX_KEYS)')
    .addOption(new Option('--output <FORMAT>', 'text, json or jsonl (SIGNALBOX_OUTPUT)').choices(['text', 'json', 'jsonl']))
    .option('--json', 'the same as --output json')
    .exitOverride()
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

const allowedHostHelp =
  'a name besides those of loopback that leads here, through a proxy say; repeatable (SIGNALBOX_ALLOWED_HOSTS, with commas)'

function addUp(program: Command, action: Action): void {
  common(program.command('up').description('Run every service in one process; on Kafka where KAFKA_BROKERS is set'))
    .option('--host <HOST>', 'address to listen on; loopback only, as long as there is no authentication')
    .option('--port <PORT>', 'port to listen on; 0 takes a free one')
    .option('--allowed-host <NAME>', allowedHostHelp, collect)
    .option(...acceptIncompatible)
    .action(
      action(async (settings, _parameters, flags) => {
        const { up } = await import('./commands/up.ts')
        await up(settings, flags as ServiceFlags)
        return undefined
      }),
    )
}

const acceptIncompatible = [
  '--accept-incompatible',
  'decide also where resources do not fit the contracts, as signalbox contract check says',
] as const

function addServices(program: Command, action: Action): void {
  const services = {
    sequencer: 'Run a sequencer alone, beside others of the same Kafka cluster',
    gateway: 'Run a gateway alone: HTTP for agents and people',
    'process-manager': 'Run a process manager alone: appends the intents that follow from commits',
    escalations: 'Run the escalation consumer alone: the inbox, and signed webhooks to people',
    projector: 'Run a projector alone: keeps read models, and serves their rows over HTTP',
    ingest: 'Turn records of systems of record (sources in the config) into intents',
  } as const
  for (const [name, description] of Object.entries(services)) {
    const command = common(program.command(name).description(description))
    if (name === 'sequencer') command.option(...acceptIncompatible)
    command
      .option('--host <HOST>', 'address to listen on (SIGNALBOX_HOST; default 127.0.0.1)')
      .option('--port <PORT>', 'port to listen on; 0 takes a free one (SIGNALBOX_PORT)')
      .option('--allowed-host <NAME>', allowedHostHelp, collect)
      .action(
        action(async (settings, _parameters, flags) => {
          const { runService } = await import('./commands/services.ts')
          await runService(name as keyof typeof services, settings, flags as ServiceFlags)
          return undefined
        }),
      )
  }
}

function addIntent(program: Command, action: Action): void {
  const intent = program.command('intent').description('Submit intents and look at their decisions').exitOverride()
  common(
    intent
      .command('submit [FILE]')
      .description('Submit an intent from a JSON file, from standard input (-), or from flags, and print its decision'),
  )
    .option('--scope <SCOPE>', 'the scope')
    .option('--agent <AGENT>', 'who asks')
    .option('--do <ACTION>', "'ACTION TYPE/ID [INPUT]', repeatable; applied together or not at all", collect)
    .option('--expect <VERSION>', 'type/id@version that an action expects, repeatable', collect)
    .option('--read <VERSION>', 'type/id@version that was read, repeatable', collect)
    .option('--note <TEXT>', 'why')
    .addOption(new Option('--on-conflict <WHAT>', 'what to do when it cannot be committed now').choices(['reject', 'wait', 'escalate']))
    .option('--reservation <LEASE>', 'the lease under which it acts')
    .option('--priority <NUMBER>', 'higher goes first where a contract allows it')
    .option('--wait-ms <MS>', 'how long to wait for the decision', '10000')
    .option('--dry-run', 'say what would be decided now and why; write nothing')
    .action(action((settings, [file], flags) => submitIntent(settings, file, flags as unknown as SubmitFlags)))
  common(intent.command('show <INTENT>').description('The decision on an intent')).action(
    action((settings, [id]) => showIntent(settings, id!)),
  )
  common(intent.command('explain <INTENT>').description('Every check of a decision with the values it saw, computed anew')).action(
    action((settings, [id]) => explainIntent(settings, id!)),
  )
  common(intent.command('withdraw <INTENT>').description('Take a pending intent back'))
    .option('--agent <AGENT>', 'whose it is (human:USER where left out)')
    .option('--reason <TEXT>', 'why')
    .action(action((settings, [id], flags) => withdrawIntent(settings, id!, flags as { agent?: string; reason?: string })))
  common(intent.command('skip <PARTITION> <OFFSET>').description('Pass a record by that kills or stalls every sequencer; recorded'))
    .option('--reason <TEXT>', 'why; recorded in the event')
    .option('--by <NAME>', 'who says so; the user of this machine where left out')
    .action(
      action(async (settings, [partition, offset], flags) => {
        const { skip } = await import('./commands/skip.ts')
        return await skip(settings, partition!, offset!, flags as SkipFlags)
      }),
    )
  filters(common(intent.command('list').description('Decisions, oldest first')))
    .option('--limit <NUMBER>', 'the newest so many', '50')
    .action(action((settings, _parameters, flags) => listIntents(settings, pick(flags, 'limit') as unknown as ListFlags)))
  filters(common(intent.command('tail').description('Decisions as they fall')))
    .option('--from <WHERE>', 'start or end', 'end')
    .action(action((settings, _parameters, flags) => tailIntents(settings, pick(flags, 'from') as unknown as TailFlags)))
}

function filters(command: Command): Command {
  return command
    .option('--scope <SCOPE>', 'of one scope')
    .option('--agent <AGENT>', 'of one agent')
    .option('--resource <RESOURCE>', 'that changed, or were rejected because of, type/id')
    .addOption(new Option('--outcome <OUTCOME>', 'committed or rejected').choices(['committed', 'rejected']))
    .option('--code <CODE>', 'rejected with a code')
}

function pick(flags: object, ...more: readonly string[]): Record<string, unknown> {
  const names = ['scope', 'agent', 'resource', 'outcome', 'code', 'type', 'state', ...more]
  return Object.fromEntries(Object.entries(flags).filter(([name]) => names.includes(name)))
}

function addResource(program: Command, action: Action): void {
  const resource = program.command('resource').description('Look at resources').exitOverride()
  common(resource.command('show <SCOPE> <RESOURCE>').description('A resource as it is now, or was at any moment'))
    .option('--at <MOMENT>', 'partition:offset, a time, how long ago (15m), start or end')
    .action(action((settings, [scope, name], flags) => showResource(settings, scope!, name!, (flags as { at?: string }).at)))
  common(resource.command('history <SCOPE> <RESOURCE>').description('Every commit to a resource')).action(
    action((settings, [scope, name]) => resourceHistory(settings, scope!, name!)),
  )
  common(resource.command('list').description('Resources, by scope and name'))
    .option('--scope <SCOPE>', 'of one scope')
    .option('--type <TYPE>', 'of one type')
    .option('--state <STATE>', 'in one state')
    .option('--limit <NUMBER>', 'at most so many', '50')
    .action(action((settings, _parameters, flags) => listAllResources(settings, pick(flags, 'limit') as unknown as { limit: string })))
}

function addBench(program: Command, action: Action): void {
  common(
    program
      .command('bench <WHAT>')
      .description(
        'Measure this machine: core, coordination, wasted-work, embedded, projection, replay or kafka; JSON lines, the last of which sums up',
      ),
  )
    .option('--seconds <SECONDS>', 'how long each measurement takes', '3')
    .action(
      action(async (_settings, [what], flags) => {
        const { bench } = await import('./commands/bench.ts')
        return await bench(what!, wholeNumber('--seconds', (flags as { seconds: string }).seconds, { least: 1, most: 3_600 }))
      }),
    )
}
