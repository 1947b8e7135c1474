import { defineConfig } from '@signalbox/contract'
import { careless } from './contracts.ts'

export default defineConfig({ contracts: [careless] })
