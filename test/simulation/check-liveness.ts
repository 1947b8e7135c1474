/** What must have come to an end, and to the same end everywhere, once time has gone on for long enough. */
import type { IntentCommitted } from '@signalbox/contract'
import type { Report } from './check-log.ts'
import type { Model } from './model/model.ts'

const open = new Set(['preparing', 'confirming', 'releasing'])

export function checkLiveness(models: readonly Model[], report: Report): void {
  for (const [partition, model] of models.entries()) {
    const at = `partition ${partition}, in the end`
    if (model.isClosed) report('laws', `${at}: the log is still closed`)
    for (const { intent } of model.ledger.pending.values()) report('laws', `${at}: ${intent.intentId} of ${intent.agent} is still pending`)
    for (const [key, { state, timer }] of model.resources) {
      const name = key.replace('\n', ' ')
      if (timer !== null) report('laws', `${at}: the timer of ${name} has not fired`)
      if (key.includes('\ntransfer/') && open.has(state)) report('laws', `${at}: ${name} is still ${state}`)
      const asked = model.resources.get(key.replace('\ntransfer/', '\nescalation/transfer-'))
      if (key.includes('\ntransfer/') && state === 'stuck' && asked === undefined)
        report('laws', `${at}: ${name} is stuck, and nobody was asked`)
      if (key.includes('\nescalation/') && (state === 'triggered' || state === 'acknowledged'))
        report('laws', `${at}: ${name} is still open`)
    }
  }
  checkQuarantines(models, report)
}

/** What a transfer calls refused was not reserved, whatever it was told of a leg on the way. */
export function checkLegs(reserved: readonly IntentCommitted[], models: readonly Model[], report: Report): void {
  for (const { intent, intentId } of reserved) {
    const { note } = JSON.parse(intent) as { readonly note: string }
    const { leg, scope, step, transfer } = JSON.parse(note.slice('transfer '.length)) as Record<string, string>
    if (step !== 'reserve') continue
    const found = models.map((model) => model.find(scope!, transfer!)).find((each) => each !== undefined)
    const status = (found?.data.legs as readonly { readonly status: string }[] | undefined)?.[Number(leg)]?.status
    if (status === 'refused') report('laws', `in the end leg ${leg} of ${scope} ${transfer} is refused, and ${intentId} has reserved it`)
  }
}

/** What an agent's home says of it is so on every partition, if a human or a rule has ever put it into quarantine. */
function checkQuarantines(models: readonly Model[], report: Report): void {
  for (const home of models) {
    for (const [key, { history, state }] of home.resources) {
      const [scope, name] = key.split('\n') as [string, string]
      if (!scope.startsWith('~agent/') || scope !== `~${name}` || !history.some(({ action }) => action === 'quarantine')) continue
      const isHeld = state === 'quarantined'
      for (const [partition, { ledger }] of models.entries()) {
        if (ledger.quarantined.has(name.slice('agent/'.length)) !== isHeld)
          report('laws', `in the end ${name} is ${state} at home, and ${isHeld ? 'free' : 'in quarantine'} on partition ${partition}`)
      }
    }
  }
}
