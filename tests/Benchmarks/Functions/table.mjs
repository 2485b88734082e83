// Prints what measure.mjs wrote as a table: medians, and the ratio to the hand-written app of the same shape and size.
//   node table.mjs RESULTS.jsonl
import { readFileSync } from 'node:fs'

const groups = new Map()
for (const line of readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
  const each = JSON.parse(line)
  const name = `${each.shape.replace(/^(agents|tools)-\d+$/, '$1')} ${each.count}`
  groups.set(name, [...(groups.get(name) ?? []), { rate: each.count / each.seconds, cost: each.transactions / each.count, ...each }])
}

const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]
const row = (...cells) => console.log(cells[0].padEnd(26) + cells.slice(1).map(cell => String(cell).padStart(16)).join(''))
row('shape', 'steps/s', 'of hand-written', 'requests/step', 'of hand-written')
for (const [name, list] of groups) {
  const hand = groups.get(`hand/${list[0].shape.startsWith('fanout') || list[0].shape === 'hand/fanout' ? 'fanout' : 'sequence'} ${list[0].count}`)
  const rate = median(list.map(each => each.rate))
  const cost = median(list.map(each => each.cost))
  const ratio = (value, of) => (hand === undefined || hand === list ? '' : (value / median(hand.map(of))).toFixed(2))
  row(name, rate.toFixed(1), ratio(rate, each => each.rate), cost.toFixed(2), ratio(cost, each => each.cost))
}
