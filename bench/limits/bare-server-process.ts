import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { NewOrder, OrderSchema } from '../../orders-service/src/orders/order-schema.ts'
import { answerQuestions } from '../harness/worker.ts'

/** POST /orders with the schemas of orders-service and no database: what is left is HTTP and JSON. */
const app = Fastify({ ajv: { customOptions: { formats: { text: true } } } })
app.post<{ Body: { user_id: number; amount: number; description?: string } }>(
  '/orders',
  { schema: { body: NewOrder, response: { 201: OrderSchema } } },
  async (request, reply) => {
    const { user_id, amount, description = null } = request.body
    const id = crypto.randomUUID()
    const now = new Date().toISOString()
    reply.code(201).header('location', `/orders/${id}`)
    return { id, user_id, amount, description, status: 'NEW', created_at: now, updated_at: now }
  },
)

const questions = {
  async listen(): Promise<string> {
    await app.listen({ host: '127.0.0.1', port: 0 })
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  },
}
export type BareServerQuestions = typeof questions
answerQuestions(questions, () => app.close())
