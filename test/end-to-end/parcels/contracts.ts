/** Parcels, of which a field and an action got another name. */
import { defineContract, none, type Upcast } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'depot', contact: '#depot' }
const pounds = z.strictObject({ pounds: z.int() })
const weight = z.strictObject({ weightPounds: z.int() })

export const first = defineContract({
  type: 'parcel',
  version: 1,
  owner,
  data: pounds,
  states: ['here', 'gone'],
  actions: {
    register: { from: none, to: 'here', input: pounds },
    add: {
      from: 'here',
      conflict: 'commutative',
      input: pounds,
      escalate: [{ reason: 'HEAVY', when: ({ input }) => input.pounds > 100, to: 'leads' }],
      guard: ({ data, input }) => data.pounds + input.pounds < 1_000,
      apply: ({ data, input }) => ({ pounds: data.pounds + input.pounds }),
    },
    send: { from: 'here', to: 'gone', conflict: 'commutative' },
  },
})

function renamed(upcast: Upcast) {
  return defineContract({
    type: 'parcel',
    version: 2,
    owner,
    data: weight,
    states: ['here', 'sent'],
    actions: {
      register: { from: none, to: 'here', input: weight },
      load: {
        from: 'here',
        conflict: 'commutative',
        input: weight,
        escalate: [{ reason: 'HEAVY', when: ({ input }) => input.weightPounds > 100, to: 'leads' }],
        guard: ({ data, input }) => data.weightPounds + input.weightPounds < 1_000,
        apply: ({ data, input }) => ({ weightPounds: data.weightPounds + input.weightPounds }),
      },
      send: { from: 'here', to: 'sent', conflict: 'commutative' },
    },
    upcast,
  })
}

const resource: Upcast[number]['resource'] = ({ data, state }) => ({
  state: state === 'gone' ? 'sent' : state,
  data: { weightPounds: Number(data.pounds) },
})

export const second = renamed({
  1: {
    resource,
    action: ({ action, input }) => ({
      action: action === 'add' ? 'load' : action,
      input: 'pounds' in input ? { weightPounds: Number(input.pounds) } : input,
    }),
  },
})

/** Its upcast of resources fails at one of them. */
export const failing = renamed({
  1: {
    resource: (old) => {
      if (old.data.pounds === 7) throw new Error('no parcel weighs seven')
      return resource(old)
    },
  },
})
