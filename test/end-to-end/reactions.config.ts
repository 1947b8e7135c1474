/** A shop whose reaction throws until REACTION says that it is mended. */
import { defineConfig, defineReaction } from '@signalbox/contract'
import { order, stock } from '../support/shop.ts'

export default defineConfig({
  contracts: [order, stock],
  reactions: [
    defineReaction({
      name: 'take-from-stock',
      react: ({ action, resource }) => {
        if (!resource.startsWith('order/') || action !== 'open') return []
        if (process.env.REACTION === 'broken') throw new Error('the warehouse is not known')
        return [{ scope: 'warehouse', actions: [{ resource: 'stock/main', action: 'take' }] }]
      },
    }),
  ],
})
