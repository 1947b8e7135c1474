import { defineConfig } from '@signalbox/contract'
import { second } from './contracts.ts'

export default defineConfig({ contracts: [second] })
