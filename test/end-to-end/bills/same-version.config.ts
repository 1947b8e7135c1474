import { defineConfig } from '@signalbox/contract'
import { sameVersion } from './contracts.ts'

export default defineConfig({ contracts: [sameVersion] })
