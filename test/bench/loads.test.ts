/** Every benchmark can be loaded: its contracts and settings are such that today's checks let in. */
import { expect, it } from 'vitest'
import { bench } from './index.ts'

it.each([
  ['core', () => import('./core.ts')],
  ['coordination', () => import('./coordination.ts')],
  ['wasted-work', () => import('./wasted-work.ts')],
  ['embedded', () => import('./embedded.ts')],
  ['projection', () => import('./projection.ts')],
  ['replay', () => import('./replay.ts')],
  ['kafka', () => import('./kafka/index.ts')],
  ['flood', () => import('./flood.ts')],
] as const)('%s', async (_name, load) => {
  expect(Object.values(await load()).some((each) => typeof each === 'function')).toBe(true)
})

it.each([0, -1, 601, Number.NaN])('no benchmark runs for %d seconds', async (seconds) => {
  await expect(bench('core', seconds)).rejects.toThrow('--seconds takes a number above 0, up to 600')
})

it('one that there is not is named, with those that there are', async () => {
  await expect(bench('cores', 1)).rejects.toThrow(
    'there is no benchmark cores; there are core, coordination, wasted-work, embedded, projection, replay and kafka',
  )
})
