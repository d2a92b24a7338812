import type { Finding } from 'edge/integrity'
import { expect, test } from 'vitest'
import { OpenFindings, openPerCheckMax } from './open-findings.ts'

const finding = (at: string, check = 'debit_differs'): Finding => ({ check, id: at, at, detail: '' })
const slice = (until: string, findings: Finding[] = [], is_last = false) => ({
  until,
  is_last,
  checked: 1,
  findings,
})
const places = (open: OpenFindings) => open.all.map(({ at }) => at)

test('a slice says anew what is wrong in it, and nothing of what lies outside', () => {
  const open = new OpenFindings([], new Date(0))
  open.replace('orders', 'a', slice('d', [finding('b'), finding('d')]))
  open.replace('orders', 'd', slice('g', [finding('e')]))
  open.replace('ledger', 'a', slice('d', [finding('c')]))
  open.replace('orders', 'a', slice('d', [finding('b')]))
  expect(places(open)).toEqual(['e', 'c', 'b'])
  open.replace('orders', 'a', slice('f'))
  expect(places(open)).toEqual(['c'])
})

test('after the last slice there is nothing, so what was known there is gone', () => {
  const open = new OpenFindings([], new Date(0))
  open.replace('accounts', '1', slice('5', [finding('5')]))
  open.replace('accounts', '1', slice('3', [], true))
  expect(open.all).toEqual([])
})

test('a finding keeps the time at which it was found first, and is new only then', () => {
  const first = new OpenFindings([], new Date(0))
  first.replace('orders', 'a', slice('d', [finding('b')]))
  const later = new OpenFindings(first.all, new Date(5_000))
  later.replace('orders', 'a', slice('d', [finding('b'), finding('c')]))
  expect(later.all.map(({ at, found_at }) => [at, Date.parse(found_at)])).toEqual([
    ['b', 0],
    ['c', 5_000],
  ])
  expect(later.since(first.all).map(({ at }) => at)).toEqual(['c'])
})

test('a flood in one check leaves room for the others, and never grows past its bound', () => {
  const open = new OpenFindings([], new Date(0))
  for (let i = 0; i < 5; i++) {
    const flood = Array.from({ length: 10 }, (_, n) => finding(`${i}${n}`))
    open.replace('orders', `${i}`, slice(`${i}9`, flood))
  }
  open.replace('orders', '9', slice('99', [finding('95', 'balance_differs')]))
  expect(open.all.length).toBe(openPerCheckMax + 1)
  expect(places(open)).toContain('95')
})
