/** Notifications that reached nobody, which a human redrives. */
import { systemScope } from '@signalbox/contract'
import { readDeadLetters } from '@signalbox/dead-letters'
import { createMemoryLog } from '@signalbox/log-memory'
import { describe, expect, it } from 'vitest'
import { type Answerer, Receiver, status } from '../webhook/receiver.ts'
import { codec, House, heardBy, until } from './house.ts'

/** Refuses until it is told not to. */
function door(): { readonly answer: Answerer; isOpen: boolean } {
  const state = { isOpen: false, answer: ((received, index) => status(state.isOpen ? 204 : 404)(received, index)) as Answerer }
  return state
}

const verdict = (house: House, action: string) =>
  house.ask('human:ann', 'dead-letter/escalation:0:0', action, { reason: 'the chat is back' }, systemScope(0, 1))

async function standing(house: House) {
  const log = createMemoryLog({ store: house.store, process: 'reader' })
  try {
    const { all } = await readDeadLetters({ log, codec }, { contracts: null })
    return all.map((letter) => ({ id: letter.id, ...letter.standing }))
  } finally {
    await log.close()
  }
}

describe('a notification that is redriven', () => {
  it('is sent again under its first id, to the target that it did not reach, and once: also after a restart', async () => {
    const state = door()
    await using chat = await Receiver.open(state.answer)
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    const service = house.start({ chat, pager })
    await house.escalate('1')
    await until('both outcomes', () => house.receipts().length === 3)
    expect(await standing(house)).toMatchObject([{ id: 'escalation:0:0', state: 'open' }])
    state.isOpen = true
    await verdict(house, 'redrive')
    await until('the receipt of it', () => house.receipts().length === 4)
    expect(house.receipts()[3]).toMatchObject({ kind: 'delivered', target: 'chat', letter: 'escalation:0:0' })
    const [first, second] = heardBy(chat)
    expect(second).toEqual(first)
    expect([chat.received.length, pager.received.length]).toEqual([2, 1])
    expect(await standing(house)).toMatchObject([{ state: 'redriven', by: 'human:ann', outcome: { outcome: 'committed' } }])

    await service.stop()
    const again = house.start({ chat, pager })
    await until('ready', () => again.notReady() === null)
    await house.escalate('2')
    await until('both outcomes of the next', () => house.receipts().length === 6)
    expect([chat.received.length, pager.received.length]).toEqual([3, 2])
  })

  it('that is refused again is a dead letter anew, which can be redriven', async () => {
    await using chat = await Receiver.open(status(404))
    await using house = await House.open()
    house.start({ chat })
    await house.escalate('1')
    await until('a dead letter', () => house.records('dead-letters.escalation').length === 1)
    await verdict(house, 'redrive')
    await until('the receipt of it', () => house.receipts().some(({ letter }) => letter !== undefined))
    expect(await standing(house)).toMatchObject([
      { id: 'escalation:0:0', state: 'redriven', outcome: { outcome: 'rejected', code: 'REFUSED' } },
      { id: 'escalation:0:1', state: 'open' },
    ])
  })

  it('that was marked while nobody delivered is sent when somebody does', async () => {
    const state = door()
    await using chat = await Receiver.open(state.answer)
    await using house = await House.open()
    const service = house.start({ chat })
    await house.escalate('1')
    await until('a dead letter', () => house.receipts().length === 2)
    await service.stop()
    await verdict(house, 'redrive')
    await verdict(house, 'reopen')
    await verdict(house, 'redrive')
    state.isOpen = true
    house.start({ chat })
    await until('both receipts', () => house.receipts().length === 4)
    expect(new Set(heardBy(chat).map(({ id }) => id)).size).toBe(1)
  })
})
