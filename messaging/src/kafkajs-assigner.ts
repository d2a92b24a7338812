import { AssignerProtocol, type PartitionAssigner, PartitionAssigners } from 'kafkajs'
import { assignPartitions, topicsOf } from './assign-partitions.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** Under the name of kafkajs's own, so that members of releases with either can be in one group. */
export const assigner: PartitionAssigner = config => {
  const itsOwn = PartitionAssigners.roundRobin(config)
  const { version } = itsOwn
  return {
    ...itsOwn,
    async assign({ members }) {
      const readers = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
      }))
      await config.cluster.addMultipleTargetTopics(topicsOf(readers))
      const assigned = assignPartitions(
        readers,
        topic => config.cluster.findTopicPartitionMetadata(topic).length,
      )
      return [...assigned].map(([memberId, given]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: Object.fromEntries(given),
          userData: Buffer.alloc(0),
        }),
      }))
    },
  }
}
