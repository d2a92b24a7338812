import { testSeeds } from './seeds.ts'

testSeeds(5_001, 10_000)
