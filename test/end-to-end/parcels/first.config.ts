import { defineConfig } from '@signalbox/contract'
import { first } from './contracts.ts'

export default defineConfig({ contracts: [first] })
