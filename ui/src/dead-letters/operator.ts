import type { Act, ActOutcome, LetterInFull, ParkedLetter, Preview } from 'edge/operator-schema'
import { request } from '../api/request.ts'

/** The operator API of both services, as the operators' own address serves it. */

export const services = ['payments', 'orders'] as const
export type Service = (typeof services)[number]
export type Operator = { who: string; token: string }
export type ActName = 'redrive' | 'discard'

/** Whether this page came from the operators' address: only there is the desk. */
export const isOperatorAddress = document.documentElement.dataset.operator === 'on'

const storedAs = 'operator'
export const listedMax = 200

/** In this tab only, and gone when it closes. */
export function rememberedOperator(): Operator | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(storedAs) ?? '') as Operator
  } catch {
    return undefined
  }
}

export function rememberOperator(operator: Operator | undefined): void {
  if (operator) sessionStorage.setItem(storedAs, JSON.stringify(operator))
  else sessionStorage.removeItem(storedAs)
}

async function ask<Body>(
  { token }: Operator,
  path: string,
  more: { signal?: AbortSignal; body?: object } = {},
): Promise<Body> {
  const { body, signal } = more
  const answer = await request<Body>(path, {
    base: '/operator',
    headers: { authorization: `Bearer ${token}` },
    signal,
    ...(body && { method: 'POST' as const, body }),
  })
  return answer.body
}

export const fetchParked = (operator: Operator, service: Service, signal?: AbortSignal) =>
  ask<ParkedLetter[]>(operator, `/${service}/dead-letters?limit=${listedMax}`, { ...(signal && { signal }) })

export const fetchLetter = (operator: Operator, service: Service, id: string, signal?: AbortSignal) =>
  ask<LetterInFull>(operator, `/${service}/dead-letters/${id}`, { ...(signal && { signal }) })

export const fetchActs = (operator: Operator, service: Service, signal?: AbortSignal) =>
  ask<Act[]>(operator, `/${service}/acts?limit=20`, { ...(signal && { signal }) })

export const previewAct = (operator: Operator, service: string, id: string, act: ActName) =>
  ask<Preview>(operator, `/${service}/dead-letters/${id}/preview`, { body: { act } })

export const carryOut = (operator: Operator, service: string, id: string, act: ActName, why: string) =>
  ask<ActOutcome>(operator, `/${service}/dead-letters/${id}/${act}`, {
    body: { who: operator.who, ...(why !== '' && { why }) },
  })
