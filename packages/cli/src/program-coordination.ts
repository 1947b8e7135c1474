/** The grammar of coordination: agents, tasks, handoffs and escalations. */
import type { Command } from 'commander'
import type { AgentFlags } from './commands/agent.ts'
import type { BlastFlags } from './commands/blast-radius.ts'
import type { DocsFlags } from './commands/contract.ts'
import type { EscalationFlags } from './commands/escalation.ts'
import type { PacketFlags } from './commands/handoff.ts'
import type { TaskFlags } from './commands/task.ts'
import type { Action } from './program-action.ts'

type Common = (command: Command) => Command

export function addCoordination(program: Command, action: Action, common: Common): void {
  addEscalation(program, action, common)
  addAgent(program, action, common)
  addWork(program, action, common)
  addContract(program, action, common)
  common(program.command('blast-radius <INTENT>').description('Every decision that an intent touched, and what could take it back'))
    .option('--compensate', 'try what takes it back, then submit it')
    .option('--reason <TEXT>', 'why; stays in the log')
    .option('--by <NAME>', 'who says so (SIGNALBOX_HUMAN; the user of this machine where left out)')
    .action(
      action(
        async (settings, [intent], flags) =>
          await (await import('./commands/blast-radius.ts')).showBlastRadius(settings, intent!, flags as BlastFlags),
      ),
    )
  const shadow = program.command('shadow').description('What is decided in shadow').exitOverride()
  common(shadow.command('report').description('What would have been, beside what was')).action(
    action(async (settings) => await (await import('./commands/blast-radius.ts')).showShadowReport(settings)),
  )
}

const repeated = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

function addEscalation(program: Command, action: Action, common: Common): void {
  const escalation = program.command('escalation').description('What humans are asked, and their verdicts').exitOverride()
  const commands = () => import('./commands/escalation.ts')
  common(escalation.command('list').description('What is open, oldest first'))
    .option('--scope <SCOPE>', 'of one scope')
    .option('--state <STATE>', 'triggered, acknowledged, resolved, expired or all; open ones where left out')
    .action(action(async (settings, _parameters, flags) => await (await commands()).listEscalations(settings, flags as EscalationFlags)))
  common(escalation.command('show <ID>').description('What is asked, on what it stands, and the digest that a verdict must name'))
    .option('--scope <SCOPE>', 'where several scopes have one of this id')
    .action(action(async (settings, [id], flags) => await (await commands()).showEscalation(settings, id!, flags as EscalationFlags)))
  const verbs = {
    ack: 'Say that it was seen; its time runs on',
    assign: 'Say who is to answer',
    approve: 'Let it be done: it is decided again, on the world that the digest stands for',
    reject: 'Say no',
    amend: 'Have something else done in its place',
  } as const
  for (const [verb, description] of Object.entries(verbs)) {
    const command = common(escalation.command(`${verb} <ID>`).description(description))
      .option('--reason <TEXT>', 'why; stays in the log')
      .option('--by <NAME>', 'who says so (SIGNALBOX_HUMAN; the user of this machine where left out)')
      .option('--scope <SCOPE>', 'where several scopes have one of this id')
    if (verb === 'assign') command.option('--to <NAME>', 'who is to answer')
    if (verb === 'approve' || verb === 'amend') command.option('--digest <DIGEST>', 'of what you saw; its first characters do')
    if (verb === 'amend') command.option('--do <ACTION>', "'ACTION TYPE/ID [INPUT]', repeatable", repeated)
    command.action(
      action(
        async (settings, [id], flags) =>
          await (await commands()).answerEscalation(settings, verb as keyof typeof verbs, id!, flags as EscalationFlags),
      ),
    )
  }
}

function addAgent(program: Command, action: Action, common: Common): void {
  const agent = program.command('agent').description('Who is held back, and why').exitOverride()
  const commands = () => import('./commands/agent.ts')
  common(agent.command('list').description('Agents of which something is known')).action(
    action(async (settings) => await (await commands()).listAgents(settings)),
  )
  common(agent.command('show <AGENT>').description('Its quarantine, its breakers, what it can do')).action(
    action(async (settings, [name]) => await (await commands()).showAgent(settings, name!)),
  )
  for (const verb of ['quarantine', 'release'] as const) {
    const description =
      verb === 'quarantine'
        ? 'Let nothing of it be committed, anywhere; returns when that is in force on every partition'
        : 'Let it act again, everywhere'
    const command = common(agent.command(`${verb} <AGENT>`).description(description))
      .option('--reason <TEXT>', 'why; stays in the log')
      .option('--by <NAME>', 'who says so (SIGNALBOX_HUMAN; the user of this machine where left out)')
      .option('--wait-ms <MS>', 'how long to wait until all partitions say so', '30000')
    if (verb === 'quarantine')
      command.option('--tainted-since <TIME>', 'what it wrote since is looked at by a human before anybody builds on it')
    command.action(
      action(async (settings, [name], flags) => await (await commands()).setQuarantine(settings, verb, name!, flags as AgentFlags)),
    )
  }
}

function addContract(program: Command, action: Action, common: Common): void {
  const contract = program.command('contract').description('Look at contracts').exitOverride()
  common(contract.command('check').description('Whether contracts fit what the log holds; exit code 8 where something stands against it'))
    .option('--with <FILE>', 'a file that exports contracts, or a config; those of the config where left out')
    .action(
      action(
        async (settings, _parameters, flags) =>
          await (await import('./commands/contract-check.ts')).checkContract(settings, flags as { with?: string }),
      ),
    )
  common(contract.command('docs [TYPE]').description('A page each: state diagram, actions, rules, owner, JSON Schemas'))
    .option('--out <DIRECTORY>', 'a file each into a folder, in place of stdout')
    .option('--built-in', "Signalbox's own contracts")
    .action(
      action(
        async (settings, [type], flags) => await (await import('./commands/contract.ts')).contractDocs(settings, type, flags as DocsFlags),
      ),
    )
}

const work = {
  task: {
    description: 'Work that one agent at a time claims',
    verbs: {
      offer: 'Offer it',
      claim: 'Claim it, under a lease',
      renew: 'Hold on to it',
      done: 'Say that it is done',
      fail: 'Give it back as failed',
      cancel: 'Take the offer back',
    },
  },
  handoff: {
    description: 'A piece of work, with what must be known of it, from one agent to another',
    verbs: { offer: 'Offer it', accept: 'Take it over, having read the packet', decline: 'Leave it where it is' },
  },
} as const

function addWork(program: Command, action: Action, common: Common): void {
  const commands = () => import('./commands/task.ts')
  for (const [name, { description, verbs }] of Object.entries(work)) {
    const type = name as keyof typeof work
    const noun = program.command(type).description(description).exitOverride()
    common(noun.command('list').description('Those that there are'))
      .option('--scope <SCOPE>', 'of one scope')
      .option('--state <STATE>', 'in one state')
      .action(action(async (settings, _parameters, flags) => await (await commands()).list(settings, type, flags as TaskFlags)))
    common(noun.command('show <ID>').description('One, as it is now'))
      .option('--scope <SCOPE>', 'where several scopes have one of this id')
      .action(action(async (settings, [id], flags) => await (await commands()).show(settings, type, id!, flags as TaskFlags)))
    for (const [verb, says] of Object.entries(verbs)) {
      const command = common(noun.command(`${verb} <ID>`).description(says))
        .option('--scope <SCOPE>', 'where it is, or is to be')
        .option('--agent <AGENT>', 'who acts (human:USER where left out)')
      addWorkOptions(command, type, verb)
      command.action(action(async (settings, [id], flags) => await (await commands()).take(settings, type, verb, id!, flags as TaskFlags)))
    }
    if (type === 'handoff') addPackets(noun, action, common)
  }
}

function addPackets(handoff: Command, action: Action, common: Common): void {
  const commands = () => import('./commands/handoff.ts')
  common(handoff.command('compile').description('Compile a packet from the log at one position, and print what its receiver reads'))
    .option('--scope <SCOPE>', 'where the work is')
    .option('--purpose <TEXT>', 'what is to be done')
    .option('--from <AGENT>', 'who hands over (human:USER where left out)')
    .option('--to <AGENT>', 'who takes over')
    .option('--about <RESOURCE>', 'a resource that the work is about, type/id; repeatable', repeated)
    .option('--require <REFERENCE>', 'a part that may never be left out, beside what contracts require; repeatable', repeated)
    .option('--correlation <CORRELATION>', 'decisions under this correlation id go before others')
    .option('--at <POSITION>', 'partition:offset; as it is now where left out')
    .option('--tokens <NUMBER>', 'of the budget', '4000')
    .option('--bytes <NUMBER>', 'of the budget', '32768')
    .option('--tokenizer <NAME>', 'o200k_base or cl100k_base')
    .option('--packet <FILE>', 'keep the packet itself in a file')
    .action(action(async (settings, _parameters, flags) => await (await commands()).compile(settings, flags as PacketFlags)))
  common(handoff.command('part <REFERENCE>').description('One part, whole: also what a packet left out'))
    .option('--scope <SCOPE>', 'where it is')
    .option('--at <POSITION>', 'partition:offset; as it is now where left out')
    .action(action(async (settings, [reference], flags) => await (await commands()).part(settings, reference!, flags as PacketFlags)))
  common(handoff.command('omissions <PACKET>').description('Everything that a packet left out, and why')).action(
    action(async (settings, [file]) => await (await commands()).omissions(settings, file!)),
  )
  common(handoff.command('check <PACKET>').description('Whether a packet is whole, and what has moved since it was compiled')).action(
    action(async (settings, [file]) => await (await commands()).check(settings, file!)),
  )
}

function addWorkOptions(command: Command, type: keyof typeof work, verb: string): void {
  if (verb === 'fail' || verb === 'cancel' || verb === 'decline') command.option('--reason <TEXT>', 'why; stays in the log')
  if (verb === 'done') command.option('--result <TEXT>', 'what came of it')
  if (verb === 'accept')
    command.option('--readback <DIGEST>', 'the digest of the packet that was read').option('--packet <FILE>', 'the packet that was read')
  if (verb !== 'offer') return
  if (type === 'task') {
    command
      .option('--title <TEXT>', 'what is to be done')
      .option('--needs <CAPABILITY>', 'what its claimer must have declared, repeatable', repeated)
      .option('--lease-ms <MS>', 'how long a claim holds')
    return
  }
  command
    .option('--to <AGENT>', 'who is to take over')
    .option('--task <TASK>', 'the claimed task that goes over with it, as task/ID')
    .option('--digest <DIGEST>', 'of the packet')
    .option('--position <POSITION>', 'partition:offset that the packet was compiled at')
    .option('--packet <FILE>', 'the packet, in place of its digest and position')
}
