import { defineConfig } from '@signalbox/contract'
import { failing } from './contracts.ts'

export default defineConfig({ contracts: [failing] })
