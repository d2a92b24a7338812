import { answerQuestions } from '../harness/worker.ts'
import { closedLoop } from './closed-loop.ts'
import { openLoop } from './open-loop.ts'
import { timeCalls } from './time-calls.ts'

const questions = { closedLoop, openLoop, timeCalls }
export type LoadQuestions = typeof questions
answerQuestions(questions)
