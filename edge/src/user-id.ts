import { Type } from 'typebox'

/** 1 to 2^53−1: what a JSON number carries exactly. */
export const UserId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [7] })
export const UserParams = Type.Object({ user_id: UserId }, { additionalProperties: false })
