/** The shop, with its rows in PostgreSQL. */
import { defineConfig } from '@signalbox/contract'
import { order, stock } from '../support/shop.ts'

export default defineConfig({ contracts: [order, stock], projector: { store: 'postgres' } })
