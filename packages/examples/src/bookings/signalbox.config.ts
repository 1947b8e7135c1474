import { defineConfig } from '@signalbox/contract'
import { nightContract, stayContract } from './contracts.ts'

export default defineConfig({ contracts: [nightContract, stayContract] })
