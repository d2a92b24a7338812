/** A member of a consumer group, and the topics that it reads. */
export type Reader = { memberId: string; topics: readonly string[] }

/** The partitions of each topic, by member. */
export type Assignment = Map<string, Map<string, number[]>>

/**
 * Each partition goes to that one of the members who read its topic that has the fewest: in turn, where all read the same.
 * The clients' own give those of the leader's topics to all members. While two releases run side by side and one reads a
 * topic more, the other would be given partitions of it, and leave them unread. Pure.
 */
export function assignPartitions(
  readers: readonly Reader[],
  partitionsOf: (topic: string) => number,
): Assignment {
  const assignment: Assignment = new Map(readers.map(({ memberId }) => [memberId, new Map()]))
  const counts = new Map(readers.map(({ memberId }) => [memberId, 0]))
  const countOf = ({ memberId }: Reader) => counts.get(memberId)!
  for (const topic of topicsOf(readers)) {
    const ofTopic = readers.filter(({ topics }) => topics.includes(topic))
    for (let partition = 0; partition < partitionsOf(topic); partition++) {
      const reader = ofTopic.reduce((least, next) => (countOf(next) < countOf(least) ? next : least))
      counts.set(reader.memberId, countOf(reader) + 1)
      const given = assignment.get(reader.memberId)!
      given.set(topic, [...(given.get(topic) ?? []), partition])
    }
  }
  return assignment
}

/** Of all members, each once. */
export const topicsOf = (readers: readonly Reader[]) => [...new Set(readers.flatMap(({ topics }) => topics))]
