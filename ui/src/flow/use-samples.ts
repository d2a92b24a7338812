import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { fetchStats } from '../api/gateway.ts'
import { type Sample, sampleOf, withSample } from './samples.ts'

const everyMs = 1_000

/** The newest numbers, and what the backlogs were since the page was opened. */
export function useSamples() {
  const stats = useQuery({
    queryKey: ['stats'],
    queryFn: ({ signal }) => fetchStats(signal),
    refetchInterval: everyMs,
    gcTime: 0,
  })
  const [samples, setSamples] = useState<Sample[]>([])
  const { data } = stats
  useEffect(() => {
    if (data) setSamples(kept => withSample(kept, sampleOf(data)))
  }, [data])
  return { ...stats, samples }
}
