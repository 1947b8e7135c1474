import { defineConfig } from '@signalbox/contract'
import { first, second } from './contracts.ts'

export default defineConfig({ contracts: [first, second], partitions: 4 })
