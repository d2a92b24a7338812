import { answerQuestions } from '../harness/worker.ts'
import { appendEvents } from './append-events.ts'

/** Writes, and knows of no relay. */
const questions = { append: appendEvents }
export type WriterQuestions = {
  append: (...args: [Parameters<typeof appendEvents>[0]]) => ReturnType<typeof appendEvents>
}
answerQuestions(questions)
