import type { App } from './app.ts'
import { Problem, sendProblem } from './problem.ts'

/** Answers what no route takes: 405 with `Allow` where the path is one of ours, else 404. Before any route is added. */
export function answerNotFound(app: App): void {
  const routes: { form: RegExp; method: string }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    // The one of CORS, which is of every path.
    if (url === '*') return
    const form = formOf(url)
    for (const one of [method].flat()) routes.push({ form, method: one })
  })
  app.setNotFoundHandler((request, reply) => {
    const { method } = request
    const [path = ''] = request.url.split('?')
    const allowed = routes.filter(({ form }) => form.test(path)).map(route => route.method)
    if (allowed.length === 0) {
      const detail = `There is no ${method} ${path} here. /docs lists every call.`
      return sendProblem(request, reply, new Problem(404, 'not_found', detail))
    }
    const allow = [...new Set(allowed)].toSorted().join(', ')
    const detail = `There is no ${method} of ${path}, only ${allow}. /docs lists every call.`
    return sendProblem(request, reply, new Problem(405, 'method_not_allowed', detail, { headers: { allow } }))
  })
}

/** '/orders/7' is of the form of '/orders/:id'. */
const formOf = (url: string) =>
  new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+').replace('*', '.*')}$`)
