import { testSeeds } from './seeds.ts'

// In halves, for two cores.
testSeeds(1, 5_000)
