import { MemoryResumeStore } from '../../src/client/memory-resume-store.js'
import { resumeStoreContract } from './resume-store.contract.js'

const store = new MemoryResumeStore()
resumeStoreContract('memory', { open: () => store })
