/** The grammar of `signalbox topics` and `signalbox acls`. */
import type { Command } from 'commander'
import type { TopicsFlags } from './commands/topics.ts'
import type { Action } from './program-action.ts'

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

export function addTopics(program: Command, action: Action, common: (command: Command) => Command): void {
  const topics = program.command('topics').description('The topics and ACLs of a Kafka cluster, as data').exitOverride()
  const commands = {
    plan: ['Print what apply would do; write nothing', 'planTopics'],
    apply: ['Create the topics that are missing, mend settings, grant rights; safe to repeat', 'applyTopics'],
    check: ['Exit code 8 where anything is otherwise than it should be, and say what', 'checkTopics'],
  } as const
  for (const [name, [description, run]] of Object.entries(commands)) {
    names(common(topics.command(name).description(description)))
      .option('--partitions <NUMBER>', 'of every topic, fixed for good (SIGNALBOX_PARTITIONS; default: what they have, or 12)')
      .option('--replication-factor <NUMBER>', "replicas of a partition (SIGNALBOX_REPLICATION_FACTOR; default: the brokers')")
      .option(
        '--min-in-sync-replicas <NUMBER>',
        "replicas that must have a record before it is acknowledged (SIGNALBOX_MIN_IN_SYNC_REPLICAS; default: the brokers')",
      )
      .option(
        '--acl <ROLE=PRINCIPAL>',
        'agent, sequencer, gateway, reader or process-manager, and who it is; repeatable (SIGNALBOX_ACLS, separated by spaces)',
        collect,
      )
      .action(action(async (settings, _parameters, flags) => (await import('./commands/topics.ts'))[run](settings, flags as TopicsFlags)))
  }
  const acls = program.command('acls').description('The rights of agents and services').exitOverride()
  names(common(acls.command('print <ROLE=PRINCIPAL...>').description('Print rights as commands of kafka-acls.sh; asks no broker'))).action(
    action(async (settings, parameters, flags) =>
      (await import('./commands/topics.ts')).printAcls(settings, parameters, flags as TopicsFlags),
    ),
  )
}

function names(command: Command): Command {
  return command
    .option('--topic-prefix <PREFIX>', 'what the names of topics begin with (KAFKA_TOPIC_PREFIX; default signalbox)')
    .option('--agent-group-prefix <PREFIX>', "what the names of agents' consumer groups begin with (default signalbox.agent.)")
}
