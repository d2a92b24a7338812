import { findDeadLetter, listBehind, listParked } from 'messaging/dead-letter-rows'
import { type Desk, discard, redrive } from 'messaging/dead-letters'
import { listActs } from 'messaging/operator-acts'
import { preview } from 'messaging/preview'
import { Type } from 'typebox'
import { type App, answers } from './app.ts'
import { actAnswer, letterAnswer, outcomeAnswer, parkedAnswer, previewAnswer } from './operator-answers.ts'
import {
  Act,
  ActOutcome,
  DiscardRequest,
  LetterInFull,
  ParkedLetter,
  Preview,
  PreviewRequest,
  RedriveRequest,
} from './operator-schema.ts'
import { requireToken } from './operator-token.ts'
import { decodeCursor, PageQuery, positiveIntegerForm, sendPage } from './page.ts'
import { Problem } from './problem.ts'

type OperatorDesk<DB, Payload> = {
  /** As the command line and the UI call it: orders or payments. */
  service: string
  desk: Desk<DB, Payload>
  token: string | undefined
}

const behindShown = 50
const tags = ['operator']
const params = Type.Object(
  { id: Type.String({ pattern: '^[1-9]\\d{0,17}$' }) },
  { additionalProperties: false },
)
const querystring = Type.Object(PageQuery, { additionalProperties: false })
const description = 'For operators: needs `Authorization: Bearer TOKEN`, and the gateway does not pass it on.'

/** The dead letters of one service, for people; see docs/dead-letters.md. Each act is recorded with who and why. */
export function registerOperatorRoutes<DB, Payload>(app: App, operator: OperatorDesk<DB, Payload>): void {
  const { service, desk, token } = operator
  const { db, definition } = desk
  const find = async (id: string) => {
    const letter = await findDeadLetter(db, definition.name, BigInt(id))
    if (letter) return letter
    throw new Problem(
      404,
      'dead_letter_not_found',
      `There is no dead letter ${id} in ${service}. List them to see which there are.`,
    )
  }
  /** It was there: somebody else has dealt with it, or it waits behind another. */
  const notParked = async (id: string) => {
    const { state } = await find(id)
    const advice =
      state === 'waiting' ? 'Deal with the parked one before it.' : 'There is nothing left to do.'
    return new Problem(
      409,
      'not_parked',
      `Dead letter ${id} of ${service} is ${state}, not parked. ${advice}`,
    )
  }

  app.register(
    async (routes: App) => {
      routes.addHook('onRequest', requireToken(token))
      routes.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))

      routes.get('/dead-letters', { schema: schemas.list }, async (request, reply) => {
        const { limit, cursor } = request.query
        const afterId = BigInt(decodeCursor(cursor, positiveIntegerForm) ?? 0)
        const letters = await listParked(db, { consumer: definition.name, afterId, limit: limit + 1 })
        const page = sendPage(request, reply, letters, limit, ({ id }) => String(id))
        return page.map(letter => parkedAnswer(service, letter))
      })

      routes.get('/dead-letters/:id', { schema: schemas.show }, async request => {
        const letter = await find(request.params.id)
        const [behind, acts] = await Promise.all([
          letter.state === 'parked' ? listBehind(db, letter, behindShown) : [],
          listActs(db, { deadLetterId: letter.id }),
        ])
        return {
          ...letterAnswer(service, letter, true),
          headers: letter.source.headers,
          behind: behind.map(each => letterAnswer(service, each)),
          acts: acts.map(actAnswer),
        }
      })

      routes.post('/dead-letters/:id/preview', { schema: schemas.preview }, async request => {
        const { id } = request.params
        const seen = await preview(desk, BigInt(id), request.body.act)
        if (!seen) throw await notParked(id)
        return previewAnswer(seen)
      })

      routes.post('/dead-letters/:id/redrive', { schema: schemas.redrive }, async request => {
        const { id } = request.params
        const { who, why = null } = request.body
        const outcome = await redrive(desk, BigInt(id), { who, why })
        request.log.info({ dead_letter: id, who, why, outcome: outcome.kind }, 'redrive')
        if (outcome.kind === 'not_parked') throw await notParked(id)
        return outcomeAnswer(outcome)
      })

      routes.post('/dead-letters/:id/discard', { schema: schemas.discard }, async request => {
        const { id } = request.params
        const { who, why } = request.body
        const outcome = await discard(desk, BigInt(id), { who, why })
        request.log.info({ dead_letter: id, who, why, outcome: outcome.kind }, 'discard')
        if (outcome.kind === 'not_parked') throw await notParked(id)
        return outcomeAnswer(outcome)
      })

      routes.get('/acts', { schema: schemas.acts }, async (request, reply) => {
        const { limit, cursor } = request.query
        const before = decodeCursor(cursor, positiveIntegerForm)
        const acts = await listActs(db, {
          ...(before && { beforeId: BigInt(before) }),
          limit: limit + 1,
        })
        return sendPage(request, reply, acts, limit, ({ id }) => String(id)).map(actAnswer)
      })
    },
    { prefix: '/operator' },
  )
}

const common = { tags, description, security: [{ operatorToken: [] }] }
const schemas = {
  list: {
    ...common,
    summary: 'Parked messages, oldest first, with how many wait behind each',
    querystring,
    response: answers({ 200: Type.Array(ParkedLetter) }, 400, 401, 403, 500, 503),
  },
  show: {
    ...common,
    summary: 'One dead letter whole, what waits behind it, and what was done to it',
    params,
    response: answers({ 200: LetterInFull }, 400, 401, 403, 404, 500, 503),
  },
  preview: {
    ...common,
    summary: 'What a redrive or discard would change; changes nothing',
    params,
    body: PreviewRequest,
    response: answers({ 200: Preview }, 400, 401, 403, 404, 409, 415, 500, 503),
  },
  redrive: {
    ...common,
    summary: 'Handle a parked message again, then those behind it',
    params,
    body: RedriveRequest,
    response: answers({ 200: ActOutcome }, 400, 401, 403, 404, 409, 415, 500, 503),
  },
  discard: {
    ...common,
    summary: 'Give a parked message up for good, then handle those behind it',
    params,
    body: DiscardRequest,
    response: answers({ 200: ActOutcome }, 400, 401, 403, 404, 409, 415, 500, 503),
  },
  acts: {
    ...common,
    summary: 'What operators did, newest first',
    querystring,
    response: answers({ 200: Type.Array(Act) }, 400, 401, 403, 500, 503),
  },
}
