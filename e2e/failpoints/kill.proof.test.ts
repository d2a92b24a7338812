import { testProcesses } from './process-faults.ts'

testProcesses('SIGKILL')
