import { type App, answers } from 'edge/app'
import { Problem } from 'edge/problem'
import { sendUnavailable } from '../forward.ts'
import type { Auditor } from './auditor.ts'
import { Report } from './report.ts'
import { SilentServiceError } from './services.ts'

/** `GET /integrity`: whether money and messages add up. 200 also where they do not, since that is the finding. */
export function registerIntegrity(app: App, auditor: Auditor): void {
  const schema = {
    tags: ['operations'],
    summary: 'Whether money and messages add up, across all services',
    description:
      'Takes a turn of the audit, of a few seconds (of a quarter of a minute where one by schedule is under way), or ' +
      'answers the outcome of the last one where it has just been taken: however often it is asked, the databases are ' +
      'busy with it a fifth of the time at most. ' +
      '`npm run audit` prints it for people.',
    response: answers({ 200: Report }, 429, 503),
  }
  app.get('/integrity', { schema }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    try {
      const report = await auditor.auditOnce()
      if (report) return report
    } catch (error) {
      if (!(error instanceof SilentServiceError)) throw error
      return sendUnavailable(request, reply, error.service, {
        kind: 'unavailable',
        reason: error.message,
      }) as never
    }
    throw new Problem(503, 'audit_under_way', 'The first audit of all is under way. Ask again in a moment.', {
      headers: { 'retry-after': '2' },
    })
  })
}
