/** The shop with a warehouse: whoever opens an order takes one from the stock, in another scope. */
import { defineConfig, defineReaction } from '@signalbox/contract'
import { order, stock } from '../support/shop.ts'

export const warehouse = 'warehouse'
export const stockName = 'stock/main'

export default defineConfig({
  contracts: [order, stock],
  reactions: [
    defineReaction({
      name: 'take-from-stock',
      react: ({ action, resource }) =>
        resource.startsWith('order/') && action === 'open'
          ? [{ scope: warehouse, actions: [{ resource: stockName, action: 'take' }], note: `for ${resource}` }]
          : [],
    }),
  ],
})
