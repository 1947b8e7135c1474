import { defineConfig } from '@signalbox/contract'
import { order, refund } from './contracts.ts'

export default defineConfig({ contracts: [order, refund] })
